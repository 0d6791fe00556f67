/* Packets of a pipe: parts of messages, between two sockets that keep packets apart. */
#ifndef FB_MP_PACKET_H
#define FB_MP_PACKET_H

#include "deadline.h"

#include <stddef.h>
#include <sys/uio.h>

/* Bytes of a message in one packet at most. */
#define FB_MP_FRAGMENT ((size_t)60000)

struct fb_mp_header {
    uint64_t number; /* of the message, from 1 on */
    uint64_t total;  /* bytes of it */
    uint64_t offset; /* of this packet's part */
    uint64_t is_fd;
};

/* What one packet brought. */
struct fb_mp_packet {
    struct fb_mp_header header;
    size_t size; /* of its part of the message */
    int fd;      /* -1: none */
};

/* Sends one; fd -1: without a descriptor. 0, -EPIPE when nobody holds the other end, or another
 * negative errno. */
int fb_mp_packet_send(int socket, const struct fb_mp_header *header, const void *bytes, size_t size,
                      int fd);

/* Receives one, its part of the message into two places, one after the other. 0, -EPIPE at the end,
 * or another negative errno. */
int fb_mp_packet_receive(int socket, struct fb_mp_packet *packet, struct iovec place,
                         struct iovec rest);

/* Waits until something can be received. 0, -ETIMEDOUT or another negative errno. */
int fb_mp_wait_readable(int socket, int64_t timeout_ns);

#endif
