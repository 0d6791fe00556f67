/* Methods of sending messages from one process to another, under one interface, so that all are
 * measured in the same way. */
#ifndef FB_MESSAGE_CHANNEL_H
#define FB_MESSAGE_CHANNEL_H

#include "harness/mp/channel/connection.h"
#include "harness/mp/channel/queue.h"

#include <mqueue.h>
#include <stdbool.h>
#include <stddef.h>

struct fb_ring;

/* An open channel; each method uses some of the members. Opened before the processes are forked. */
struct fb_message_channel {
    const struct fb_message_method *method;
    size_t size; /* bytes per message */
    struct fb_mp_queue *queue;
    struct fb_ring *ring;
    struct fb_mp_connection *receiver, *sender;
    int fd[2]; /* read from, write to */
    mqd_t mq;
};

struct fb_message_method {
    const char *name;
    double guess_ns; /* approximate cost of a small message, to choose their number */
    size_t most;     /* largest message in bytes; 0: no limit */
    /* 0 or a negative errno. */
    int (*open)(struct fb_message_channel *channel);
    /* Transfer `size` bytes, without a time limit. 0 or a negative errno. */
    int (*put)(struct fb_message_channel *channel, const void *message);
    int (*get)(struct fb_message_channel *channel, void *message);
    void (*close)(struct fb_message_channel *channel);
};

/* The runtime's queue; a simple ring under a robust mutex; the runtime's pipe; the kernel's pipe,
 * sequenced packets and message queue. */
enum { FB_QUEUE, FB_RING, FB_MP_PIPE, FB_PIPE, FB_SEQPACKET, FB_MQ, FB_MESSAGE_METHODS };
extern const struct fb_message_method fb_message_method[FB_MESSAGE_METHODS];

#endif
