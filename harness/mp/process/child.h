/* How every process that the runtime starts begins, whether forked, spawned or made by the
 * forkserver. */
#ifndef FB_MP_CHILD_H
#define FB_MP_CHILD_H

#include "harness/mp/core/self.h"

/* Must be the first call in the new process. Ties its life to the parent's (see fb_child_tie),
 * records what it was given, logs its start, and waits for a debugger if FB_DEBUG_WAIT says so.
 * Does not return if the parent has exited already. */
void fb_mp_child_begin(const struct fb_mp_self *self);

#endif
