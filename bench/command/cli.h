/* What all commands share: exit codes, one-line errors, parsing of options and their values. */
#ifndef FB_CLI_H
#define FB_CLI_H

#include "base/error.h"

#include <argp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fb_exit {
    FB_EXIT_OK = 0,
    FB_EXIT_NO = 1,            /* a regression, a failed check, a broken item */
    FB_EXIT_USAGE = 2,         /* bad usage or input */
    FB_EXIT_IMPOSSIBLE = 3,    /* this machine can't do it */
    FB_EXIT_UNCERTAIN = 4,     /* can't tell */
    FB_EXIT_INCOMPARABLE = 5,  /* not comparable */
    FB_EXIT_INTERRUPTED = 130, /* by SIGINT or SIGTERM */
};

/* A command: argv[0] is "forkbench NAME". Returns an fb_exit. */
struct fb_command {
    const char *name, *summary;
    int (*main)(int argc, char **argv);
};

/* Prints "forkbench: …" on stderr, in one line, and returns code. */
int fb_fail(enum fb_exit code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same for an error from a library. Returns 3 if the machine refused something (no memory, no
 * permission, no such call), 1 if a job failed, 2 for bad input. */
int fb_fail_with(const struct fb_error *error);

/* Parses a command's options: 0, or FB_EXIT_USAGE after one line on stderr. --help prints and
 * exits. A parser reports a bad value by fb_fail and returns EINVAL. */
int fb_parse(const struct argp *argp, int argc, char **argv, void *input);

/* For each key that a parser does not handle: refuses arguments, and reports unknown options. The
 * parser returns the result. */
error_t fb_parse_rest(int key, const char *arg, struct argp_state *state);

/* These parse values of options. Each returns 0, or EINVAL after one line on stderr. */
error_t fb_take_number(const char *option, const char *text, uint64_t least, uint64_t most,
                       uint64_t *ret_number);
/* Appends the value of an option that may be given up to `most` times. */
error_t fb_take_more(const char *option, const char *text, const char **list, size_t *count,
                     size_t most);
/* A decimal number above 0. */
error_t fb_take_real(const char *option, const char *text, double *ret_number);

/* Splits list at its commas, in place. Stores up to `most` pointers into it; returns how many parts
 * there are, or most + 1 if there are more. */
size_t fb_split(char *list, const char **ret_part, size_t most);

extern const struct fb_command fb_command_list, fb_command_exec, fb_command_run, fb_command_compare,
    fb_command_overhead, fb_command_lesson, fb_command_claims;

#endif
