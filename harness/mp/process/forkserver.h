/* The forkserver: a small process that makes the workers of pools. It is forked once, early, so
 * that a forked worker is a copy of a small process with one thread, however large this process has
 * become since. It is the workers' parent: they are killed when it exits, and it is killed when
 * this process does. */
#ifndef FB_MP_FORKSERVER_H
#define FB_MP_FORKSERVER_H

#include "base/error.h"

/* Starts the forkserver unless it runs already. Call it before memory is filled and threads are
 * started; without that, the first pool starts it. 0, or a negative errno with *error. */
int fb_mp_forkserver_start(struct fb_error *error);

/* Ends the forkserver, and with it all workers of all pools. The next pool starts another one. */
void fb_mp_forkserver_stop(void);

#endif
