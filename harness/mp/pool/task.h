/* The function that a worker of a pool runs for a task. Arguments and results are bytes. */
#ifndef FB_MP_TASK_H
#define FB_MP_TASK_H

#include "harness/mp/process/registry.h"

#include "base/error.h"

#include <stddef.h>

struct fb_mp_reply;

/* One call of a task's function. */
struct fb_mp_call {
    const void *argument; /* [size], aligned like malloc's; valid until the function returns */
    size_t size;
    const void *bound; /* [bound_size] the same bytes for all calls of a map */
    size_t bound_size;
    size_t index, count;   /* in a map: the first item's index and the number of items; else 0, 1 */
    struct fb_error error; /* a function that fails may set it (fb_error_set) */
    struct fb_mp_reply *reply;
};

/* Sets the call's result to a copy of size bytes; a later call replaces it. 0, -ENOMEM or
 * -ENOSPC: no memory for it, -EMSGSIZE: more than 4 GiB, or in a map not the size of a result. */
int fb_mp_return(struct fb_mp_call *call, const void *bytes, size_t size);

/* Returns memory of size bytes to write the result to. NULL in the cases above, with call->error
 * set. */
void *fb_mp_return_room(struct fb_mp_call *call, size_t size);

#endif
