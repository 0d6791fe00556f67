/* The Python interpreters of this machine. */
#ifndef FB_INTERPRETERS_H
#define FB_INTERPRETERS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct fb_interpreter {
    char path[PATH_MAX]; /* what it says it is itself: no shim, no link */
    char name[PATH_MAX]; /* "3.12.1-gil", "3.14.0t-nogil"; of two such, the second one's path */
    char version[48];    /* which that begins with, or would */
};

/* CPython 3.9 and newer, by version: those called python3, python3.N or python3.Nt on the PATH, in
 * /usr/bin, and in pyenv's folder. The first call starts each of them, which takes some 50 ms; the
 * list stays as it was then. 0 and *ret_list of *ret_count, which may be none; or -ENOMEM. By one
 * thread at a time. */
int fb_interpreters_list(const struct fb_interpreter **ret_list, size_t *ret_count);

/* Whether one that is called name is meant by "3.12", "3.12.1" or "3.12.1-gil". */
bool fb_interpreter_is(const char *name, const char *wanted);

#endif
