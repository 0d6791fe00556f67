/* Starting other programs and reading their output. */
#ifndef FB_PROGRAM_H
#define FB_PROGRAM_H

#include "base/error.h"

#include <stdbool.h>
#include <stdio.h>
#include <sys/types.h>

struct fb_program {
    pid_t pid;
    FILE *output; /* its stdout; NULL: it shares ours */
};

/* Starts arguments[0], which is searched in PATH if it has no slash; arguments end with NULL. The
 * program is killed when the calling thread ends. read: its stdout can be read from
 * ret_program->output. 0, or a negative errno with *error. That exec failed is reported by
 * fb_program_end only. */
int fb_program_start(const char *const *arguments, bool read, struct fb_program *ret_program,
                     struct fb_error *error);

/* Closes the output and waits for the program to end. Returns its exit code, or a negative errno
 * with *error, in which the program is called name: -EBADMSG it was killed, -ENOPKG exec failed
 * (exit code 127). */
int fb_program_end(struct fb_program *program, const char *name, struct fb_error *error);

#endif
