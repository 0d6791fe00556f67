/* The programs in harness/cpython/programs that measure Python's own costs. */
#ifndef FB_PYTHON_PEER_H
#define FB_PYTHON_PEER_H

#include "bench/overhead/metric.h"

#include "base/error.h"

struct fb_python_peer {
    char interpreter[512], program[512]; /* "": not found */
};

/* Finds the interpreter and the program. If one is missing, notes in metrics that `what` was left
 * out. */
void fb_python_peer_find(struct fb_python_peer *peer, const char *program, const char *what,
                         struct fb_metrics *metrics);

/* Runs the program with the names, which end with NULL, as arguments. It prints a line "NAME NS"
 * for each name; the numbers are stored in ret_ns[]. 0, or a negative errno with *error: -EIO if a
 * line is missing or wrong. */
int fb_python_peer_run(const struct fb_python_peer *peer, const char *const *names, double *ret_ns,
                       struct fb_error *error);

#endif
