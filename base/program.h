/* Other programs, started and read from. */
#ifndef FB_PROGRAM_H
#define FB_PROGRAM_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct fb_program {
    pid_t pid;
    FILE *output; /* what it prints; NULL: it prints where we do */
};

/* Starts arguments[0], which is looked for in PATH if it has no slash; arguments end with NULL. It dies
 * with the thread that started it. read: *ret_program has its output. 0, or a negative errno with *error;
 * what can't be started at all is told by fb_program_end. */
int fb_program_start(const char *const *arguments, bool read, struct fb_program *ret_program,
                     struct fb_error *error);

/* Closes its output, waits for its end: its exit code, or a negative errno with *error, where name is what
 * it is called: -EBADMSG it was killed, -ENOPKG it could not be started (so says exit code 127). */
int fb_program_end(struct fb_program *program, const char *name, struct fb_error *error);

#endif
