/* A log in a file, and what is in it. */
#ifndef TEST_LOG_FIXTURE_H
#define TEST_LOG_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

/* How a line begins. */
#define TIME "[0-9]{4}-[0-9]{2}-[0-9]{2} [0-2][0-9]:[0-5][0-9]:[0-6][0-9]\\.[0-9]{3}Z "

/* A file without a name that is written at its end, whoever writes. */
int logged_make(void);

/* Stops logging and closes the file; what it has got is returned, to be freed. */
char *logged_stop(int fd);

size_t logged_lines(const char *text);

/* Whether an extended regular expression is found in it. */
bool logged_matches(const char *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* What goes to stderr goes to fd from now on; returns what brings it back. */
int logged_stderr_to(int fd);
void logged_stderr_back(int kept);

#endif
