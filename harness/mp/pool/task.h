/* What a worker of a pool does: a function of bytes. */
#ifndef FB_MP_TASK_H
#define FB_MP_TASK_H

#include "harness/mp/process/registry.h"

#include "base/error.h"

#include <stddef.h>

struct fb_mp_reply;

/* A call of a task's function. */
struct fb_mp_call {
    const void *argument; /* [size], aligned as malloc's; until the function returns */
    size_t size;
    const void *bound; /* [bound_size] what all calls of a map have in common */
    size_t bound_size;
    size_t index, count;   /* in a map: of the first item, and how many they are; else 0 and 1 */
    struct fb_error error; /* to be filled by a function that fails (fb_error_set) */
    struct fb_mp_reply *reply;
};

/* The call's result: a copy of size bytes; a later one replaces it. 0, -ENOMEM or -ENOSPC: no room
 * for it, -EMSGSIZE: not the size that a map's results have, or more than 4 GiB. */
int fb_mp_return(struct fb_mp_call *call, const void *bytes, size_t size);

/* Room of size bytes to write the result to: NULL, as above, and call->error says why. */
void *fb_mp_return_room(struct fb_mp_call *call, size_t size);

#endif
