/* How every process of the runtime begins, whether it was forked, spawned or made by the
 * forkserver. */
#ifndef FB_MP_CHILD_H
#define FB_MP_CHILD_H

#include "harness/mp/core/self.h"

/* Must be the first call in the new process. Ties it to its parent (fb_child_tie), stores *self,
 * logs the start, and waits for a debugger if FB_DEBUG_WAIT asks for that. Does not return if the
 * parent has already exited. */
void fb_mp_child_begin(const struct fb_mp_self *self);

#endif
