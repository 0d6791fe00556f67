/* The packets of a pipe: parts of messages, sent over a pair of SOCK_SEQPACKET sockets. */
#ifndef FB_MP_PACKET_H
#define FB_MP_PACKET_H

#include "harness/mp/core/deadline.h"

#include <stddef.h>

/* The largest part of a message in one packet, in bytes. */
#define FB_MP_FRAGMENT ((size_t)60000)

struct fb_mp_header {
    uint64_t number; /* of the message, from 1 on */
    uint64_t total;  /* size of the message, in bytes */
    uint64_t offset; /* of this packet's part in the message */
    uint64_t is_fd;  /* the message is a descriptor */
};

/* The first packet of a message. */
struct fb_mp_packet {
    struct fb_mp_header header;
    char bytes[FB_MP_FRAGMENT];
};

/* Sends a packet. 0, -EPIPE when no process has the other end, or another negative errno. */
int fb_mp_packet_send(int socket, const struct fb_mp_header *header, const void *bytes,
                      size_t size);

/* Sends a header with a descriptor. Returns as above. */
int fb_mp_packet_send_fd(int socket, const struct fb_mp_header *header, int fd);

/* Receives a packet with a plain recv, which is cheaper than recvmsg. 0 and the size of its part of
 * the message, -EPIPE at the end, or another negative errno. */
int fb_mp_packet_receive(int socket, struct fb_mp_packet *packet, size_t *ret_size);

/* Receives a packet's part of the message to place, which has room for *size bytes; sets *size to
 * the number received. Returns as above. */
int fb_mp_packet_receive_at(int socket, char *place, size_t *size);

/* Receives a header with a descriptor. Returns the descriptor, -EBADMSG if there is none, or
 * another negative errno. */
int fb_mp_packet_receive_fd(int socket);

/* Waits until a packet or the end can be received. 0, -ETIMEDOUT or another negative errno. */
int fb_mp_wait_readable(int socket, int64_t timeout_ns);

#endif
