/* Waiting, the stand-in for whatever comes from outside. */
#ifndef FB_WAITING_H
#define FB_WAITING_H

#include "kernels/kernel.h"

/* Waits for so many microseconds, without the GIL, as Python's own time.sleep does it. False when the
 * job was given up meanwhile, which is looked for every 10 ms. */
bool fb_wait_us(uint64_t us, struct fb_yield *yield);

#endif
