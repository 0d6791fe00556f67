/* A forked process, the other side of a measurement. */
#ifndef FB_FORKED_PEER_H
#define FB_FORKED_PEER_H

#include <stddef.h>
#include <sys/types.h>

/* Forks a process that calls body(context) and exits; it is killed when this process ends. Returns
 * its pid, or a negative errno. */
pid_t fb_forked_peer_start(int (*body)(void *context), void *context);

/* Allocates and touches that much private memory in the calling process, in small pages, so that a
 * fork has to copy large page tables. 0 or a negative errno. */
int fb_forked_peer_grow_parent(size_t mib);

/* Waits until it has ended. 0, -EIO: it failed, or `pid` itself if that is a negative errno. */
int fb_forked_peer_join(pid_t pid);

#endif
