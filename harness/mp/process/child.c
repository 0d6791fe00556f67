#include "harness/mp/process/child.h"

#include "harness/mp/process/log.h"

#include "base/child.h"

void fb_mp_child_begin(const struct fb_mp_self *self)
{
    fb_child_tie(self->parent);
    fb_mp_self_set(self);
    fb_mp_log(FB_MP_LOG_DEBUG, "begins, started by %d", (int)self->parent);
    fb_mp_debug_wait();
}
