/* The Python interpreters on this machine. */
#ifndef FB_INTERPRETERS_H
#define FB_INTERPRETERS_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

struct fb_interpreter {
    char path[PATH_MAX]; /* as reported by the interpreter: no shim, no link */
    char name[PATH_MAX]; /* "3.12.1-gil", "3.14.0t-nogil"; a second one of that name has its path */
    char version[48];    /* "3.12.1-gil" also for the second one */
};

/* Lists CPython 3.9 and newer, sorted by version: programs called python3, python3.N or python3.Nt
 * on the PATH, in /usr/bin, and in pyenv's folder. The first call starts each of them, which takes
 * about 50 ms each; later calls return the same list. 0 and *ret_list with *ret_count entries, or
 * -ENOMEM. Not thread-safe. */
int fb_interpreters_list(const struct fb_interpreter **ret_list, size_t *ret_count);

/* Whether `wanted` ("3.12", "3.12.1" or "3.12.1-gil") denotes the interpreter called `name`. */
bool fb_interpreter_is(const char *name, const char *wanted);

#endif
