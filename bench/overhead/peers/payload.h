/* Large messages through the runtime's queue, and the cost of moving as many bytes within one
 * process. */
#ifndef FB_PAYLOAD_H
#define FB_PAYLOAD_H

#include <stdbool.h>
#include <stddef.h>

#define FB_PAYLOAD ((size_t)1 << 20) /* bytes per message */

struct fb_payload {
    char *from, *to; /* [FB_PAYLOAD] */
};

/* Allocates both buffers. 0 or -ENOMEM; call fb_payload_free in either case. */
int fb_payload_make(struct fb_payload *payload);
void fb_payload_free(struct fb_payload *payload);

/* Measures a message through a queue, in ns: copied into the queue and out again by another
 * process, or written in place and not copied. 0 or a negative errno. */
int fb_payload_through(const struct fb_payload *payload, bool copied, double *ret_ns);

/* The time of a memcpy of as many bytes, and of a memset of private memory, in ns. */
double fb_payload_memcpy(const struct fb_payload *payload);
double fb_payload_private(const struct fb_payload *payload);

#endif
