/* A forked process on the other side of what is measured. */
#ifndef FB_FORKED_PEER_H
#define FB_FORKED_PEER_H

#include <stddef.h>
#include <sys/types.h>

/* A process that does that with what is at context and ends, at the latest with this one. Returns
 * it, or a negative errno. */
pid_t fb_forked_peer_start(int (*body)(void *context), void *context);

/* Gives the calling process that much more memory of its own, in small pages, as a fork would have to
 * copy their table. 0 or a negative errno. */
int fb_forked_peer_grow_parent(size_t mib);

/* Waits for its end. 0, -EIO: its body did not return 0, or pid, if that is a negative errno. */
int fb_forked_peer_join(pid_t pid);

#endif
