/* Ways of handing messages from one process to another, all under one interface, so that they can
 * be measured alike. */
#ifndef FB_MESSAGE_CHANNEL_H
#define FB_MESSAGE_CHANNEL_H

#include "harness/mp/channel/connection.h"
#include "harness/mp/channel/queue.h"

#include <mqueue.h>
#include <stdbool.h>
#include <stddef.h>

struct fb_ring;

/* An open one; which members are used is the way's affair. Open before the processes are forked. */
struct fb_message_channel {
    const struct fb_message_method *way;
    size_t size; /* bytes of each message */
    struct fb_mp_queue *queue;
    struct fb_ring *ring;
    struct fb_mp_connection *receiver, *sender;
    int fd[2]; /* read from, write to */
    mqd_t mq;
};

struct fb_message_method {
    const char *name;
    double guess_ns; /* about what a small message costs, so that a sample is long enough */
    bool crowded;    /* may have several producers and consumers */
    size_t most;     /* bytes of a message; 0: any number */
    /* 0 or a negative errno. */
    int (*open)(struct fb_message_channel *channel);
    /* size bytes; wait as long as need be. 0 or a negative errno. */
    int (*put)(struct fb_message_channel *channel, const void *message);
    int (*get)(struct fb_message_channel *channel, void *message);
    void (*close)(struct fb_message_channel *channel);
};

/* The runtime's queue; a ring under a robust mutex, as one would write at first; the runtime's
 * pipe; the kernel's pipe, sequenced packets and message queue. */
enum { FB_QUEUE, FB_RING, FB_MP_PIPE, FB_PIPE, FB_SEQPACKET, FB_MQ, FB_MESSAGE_METHODS };
extern const struct fb_message_method fb_message_method[FB_MESSAGE_METHODS];

#endif
