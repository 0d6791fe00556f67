/* Large messages through the runtime's queue, and what moving as many bytes costs in one process.
 */
#ifndef FB_PAYLOAD_H
#define FB_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>

#define FB_PAYLOAD ((size_t)1 << 20) /* bytes of a message */

struct fb_payload {
    char *from, *to; /* [FB_PAYLOAD] */
};

/* 0 or -ENOMEM; to be freed in any case. */
int fb_payload_make(struct fb_payload *payload);
void fb_payload_free(struct fb_payload *payload);

/* One message through a queue to a process that copies it out, or written in place and left there,
 * in ns. 0 or a negative errno. */
int fb_payload_through(const struct fb_payload *payload, bool copied, double *ret_ns);

/* One memcpy of as many bytes, and one memset of private memory, in ns. */
double fb_payload_memcpy(const struct fb_payload *payload);
double fb_payload_private(const struct fb_payload *payload);

#endif
