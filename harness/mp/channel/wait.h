/* Waiting for several things at once: the sentinels of processes, ends of pipes, any descriptor
 * that poll knows. */
#ifndef FB_MP_WAIT_H
#define FB_MP_WAIT_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>
#include <stddef.h>

/* Waits until one of count descriptors is readable or at its end; ret_ready[i] says whether fd[i]
 * is. Returns how many are, 0 when the time is over, or a negative errno. Handlers of signals do
 * not end it. */
int fb_mp_wait(const int *fd, size_t count, int64_t timeout_ns, bool *ret_ready);

#endif
