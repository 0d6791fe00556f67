/* The programs in harness/cpython that measure what Python's own way costs. */
#ifndef FB_PYTHON_PEER_H
#define FB_PYTHON_PEER_H

#include "bench/overhead/metric.h"

#include "base/error.h"

struct fb_python_peer {
    char python[512], program[512]; /* "": there is none */
};

/* Finds the interpreter and the program; if there is none, metrics say that `what` is left out. */
void fb_python_peer_find(struct fb_python_peer *twin, const char *program, const char *what,
                         struct fb_metrics *metrics);

/* Runs it with the names, which end with NULL, as its arguments; it prints a line "NAME NS" for
 * each, into ret_ns[]. 0, or -EIO or another negative errno with *error. */
int fb_python_peer_run(const struct fb_python_peer *twin, const char *const *names, double *ret_ns,
                       struct fb_error *error);

#endif
