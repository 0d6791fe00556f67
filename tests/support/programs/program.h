/* Runs the forkbench executable as a user would, and keeps its output. */
#ifndef TEST_PROGRAM_H
#define TEST_PROGRAM_H

#include <stddef.h>

#define ARGUMENTS_MOST 80

struct said {
    int code;        /* exit code, or 128 + the signal that killed it */
    char *out, *err; /* its output, as strings; owned */
};

/* Runs $FORKBENCH with these arguments (a NULL-terminated list without the program's name) and
 * empty standard input. Fails the test if it can't be run. */
struct said program_run(const char *const *arguments);
#define RUN(...) program_run((const char *const[]){ __VA_ARGS__, NULL })

void said_clear(struct said *said);

/* The number of lines, an unfinished last one included. */
size_t count_lines(const char *text);

#endif
