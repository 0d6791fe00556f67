/* Closing inherited descriptors. A process of the runtime that kept its parent's pipes, sockets and
 * locks open would keep others from seeing that they were closed. */
#ifndef FB_MP_DESCRIPTORS_H
#define FB_MP_DESCRIPTORS_H

#include <stddef.h>
#include <unistd.h>

/* Closes all descriptors except stdio's and keep[count], which it sorts. Negative entries are
 * ignored. */
static inline void fb_mp_close_all_except(int *keep, size_t count)
{
    unsigned next = 3; /* the first that was not handled yet */
    for (size_t i = 1; i < count; i++)
        for (size_t k = i; k > 0 && keep[k] < keep[k - 1]; k--) {
            int other = keep[k];
            keep[k] = keep[k - 1];
            keep[k - 1] = other;
        }
    for (size_t i = 0; i < count; i++) {
        if (keep[i] < (int)next)
            continue;
        if (keep[i] > (int)next)
            close_range(next, (unsigned)keep[i] - 1, 0);
        next = (unsigned)keep[i] + 1;
    }
    close_range(next, ~0u, 0);
}

/* Closes fd unless it is negative or one of keep[count]. */
static inline void fb_mp_close_unless_kept(int fd, const int *keep, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (keep[i] == fd)
            return;
    if (fd >= 0)
        close(fd);
}

#endif
