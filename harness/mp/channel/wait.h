/* Waiting for several descriptors at once: sentinels of processes, ends of pipes, or any descriptor
 * that poll supports. */
#ifndef FB_MP_WAIT_H
#define FB_MP_WAIT_H

#include "harness/mp/core/deadline.h"

#include <stdbool.h>
#include <stddef.h>

/* Waits until at least one of count descriptors is readable or at its end; ret_ready[i] is set to
 * whether fd[i] is. Returns the number of ready descriptors, 0 after the timeout, or a negative
 * errno. Signal handlers do not end the wait. */
int fb_mp_wait(const int *fd, size_t count, int64_t timeout_ns, bool *ret_ready);

#endif
