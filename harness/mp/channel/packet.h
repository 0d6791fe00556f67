/* Packets of a pipe: parts of messages, between two sockets that keep packets apart. */
#ifndef FB_MP_PACKET_H
#define FB_MP_PACKET_H

#include "harness/mp/core/deadline.h"

#include <stddef.h>

/* Bytes of a message in one packet at most. */
#define FB_MP_FRAGMENT ((size_t)60000)

struct fb_mp_header {
    uint64_t number; /* of the message, from 1 on */
    uint64_t total;  /* bytes of it */
    uint64_t offset; /* of this packet's part */
    uint64_t is_fd;
};

/* A message's first packet, of which the header says how many bytes are there. */
struct fb_mp_packet {
    struct fb_mp_header header;
    char bytes[FB_MP_FRAGMENT];
};

/* Sends one. 0, -EPIPE when nobody holds the other end, or another negative errno. */
int fb_mp_packet_send(int socket, const struct fb_mp_header *header, const void *bytes,
                      size_t size);

/* Sends a header with a descriptor. */
int fb_mp_packet_send_fd(int socket, const struct fb_mp_header *header, int fd);

/* Receives one, in one copy that needs no list of places: 0 and the bytes of its part of the
 * message, -EPIPE at the end, or another negative errno. */
int fb_mp_packet_receive(int socket, struct fb_mp_packet *packet, size_t *ret_size);

/* Receives one to where its part of the message belongs, of which there are *size bytes; then *size
 * is how many came. */
int fb_mp_packet_receive_at(int socket, char *place, size_t *size);

/* Receives a header with a descriptor: it, or a negative errno, -EBADMSG if it has none. */
int fb_mp_packet_receive_fd(int socket);

/* Waits until something can be received. 0, -ETIMEDOUT or another negative errno. */
int fb_mp_wait_readable(int socket, int64_t timeout_ns);

#endif
