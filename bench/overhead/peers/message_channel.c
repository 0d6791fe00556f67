#include "bench/overhead/peers/message_channel.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SLOTS 1024    /* of the queue and the ring, for small messages */
#define SLOTS_LARGE 8 /* for larger messages, so that all fit into a cache */
#define LARGE 4096    /* bytes */
#define RING_BYTES 56 /* per message of the ring */
#define RING_SPINS 100

/* ---- the runtime's queue ---- */

static int queue_open(struct fb_message_channel *channel)
{
    return fb_mp_queue_make(channel->size > LARGE ? SLOTS_LARGE : SLOTS, &channel->queue);
}

static int queue_put(struct fb_message_channel *channel, const void *message)
{
    return fb_mp_queue_put(channel->queue, message, channel->size, FB_MP_FOREVER);
}

static int queue_get(struct fb_message_channel *channel, void *message)
{
    size_t size;
    return fb_mp_queue_get(channel->queue, message, channel->size, FB_MP_FOREVER, &size);
}

static void queue_close(struct fb_message_channel *channel)
{
    fb_mp_queue_free(channel->queue);
}

/* ---- a ring under a robust mutex ---- */

struct fb_ring {
    pthread_mutex_t mutex;
    uint64_t head, tail;
    char slot[SLOTS][RING_BYTES];
};

static int ring_open(struct fb_message_channel *channel)
{
    void *memory;
    int result = fb_mp_alloc(sizeof(struct fb_ring), &memory);
    if (result < 0)
        return result;
    channel->ring = memory;
    fb_mp_mutex_init(&channel->ring->mutex, PTHREAD_MUTEX_NORMAL);
    return 0;
}

/* Takes the lock when the ring has a message (or room, with for_room): polls, and yields the CPU
 * now and then. */
static int ring_lock(struct fb_ring *ring, bool for_room)
{
    for (unsigned i = 1;; i++) {
        int result = fb_mp_mutex_take(&ring->mutex, FB_MP_FOREVER);
        if (result < 0 && result != -EOWNERDEAD)
            return result;
        if (for_room ? ring->tail - ring->head < SLOTS : ring->tail != ring->head)
            return 0;
        pthread_mutex_unlock(&ring->mutex);
        if (i % RING_SPINS == 0)
            sched_yield();
        else
            fb_mp_relax();
    }
}

static int ring_put(struct fb_message_channel *channel, const void *message)
{
    struct fb_ring *ring = channel->ring;
    int result = ring_lock(ring, true);
    if (result < 0)
        return result;
    memcpy(ring->slot[ring->tail++ % SLOTS], message, channel->size);
    return -pthread_mutex_unlock(&ring->mutex);
}

static int ring_get(struct fb_message_channel *channel, void *message)
{
    struct fb_ring *ring = channel->ring;
    int result = ring_lock(ring, false);
    if (result < 0)
        return result;
    memcpy(message, ring->slot[ring->head++ % SLOTS], channel->size);
    return -pthread_mutex_unlock(&ring->mutex);
}

static void ring_close(struct fb_message_channel *channel)
{
    fb_mp_free(channel->ring);
}

/* ---- the runtime's pipe ---- */

static int mp_pipe_open(struct fb_message_channel *channel)
{
    return fb_mp_pipe(false, &channel->receiver, &channel->sender);
}

static int mp_pipe_put(struct fb_message_channel *channel, const void *message)
{
    return fb_mp_send(channel->sender, message, channel->size);
}

static int mp_pipe_get(struct fb_message_channel *channel, void *message)
{
    size_t size;
    return fb_mp_receive(channel->receiver, message, channel->size, FB_MP_FOREVER, &size);
}

static void mp_pipe_close(struct fb_message_channel *channel)
{
    fb_mp_connection_close(channel->receiver);
    fb_mp_connection_close(channel->sender);
}

/* ---- the kernel's pipe, sockets and message queue ---- */

static int pipe_open(struct fb_message_channel *channel)
{
    return pipe2(channel->fd, O_CLOEXEC) < 0 ? -errno : 0;
}

static int pipe_put(struct fb_message_channel *channel, const void *message)
{
    for (size_t done = 0; done < channel->size;) {
        ssize_t wrote = write(channel->fd[1], (const char *)message + done, channel->size - done);
        if (wrote < 0 && errno != EINTR)
            return -errno;
        done += wrote > 0 ? (size_t)wrote : 0;
    }
    return 0;
}

static int pipe_get(struct fb_message_channel *channel, void *message)
{
    for (size_t done = 0; done < channel->size;) {
        ssize_t got = read(channel->fd[0], (char *)message + done, channel->size - done);
        if (got == 0)
            return -EPIPE;
        if (got < 0 && errno != EINTR)
            return -errno;
        done += got > 0 ? (size_t)got : 0;
    }
    return 0;
}

static void close_both(struct fb_message_channel *channel)
{
    close(channel->fd[0]);
    close(channel->fd[1]);
}

static int seqpacket_open(struct fb_message_channel *channel)
{
    return socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, channel->fd) < 0 ? -errno : 0;
}

static int mq_channel_open(struct fb_message_channel *channel)
{
    struct mq_attr attributes = { .mq_maxmsg = 10, .mq_msgsize = (long)channel->size };
    char name[64];
    snprintf(name, sizeof name, "/forkbench-%d", (int)getpid());
    channel->mq = mq_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600, &attributes);
    if (channel->mq == (mqd_t)-1)
        return -errno;
    mq_unlink(name);
    return 0;
}

static int mq_put(struct fb_message_channel *channel, const void *message)
{
    while (mq_send(channel->mq, message, channel->size, 0) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static int mq_get(struct fb_message_channel *channel, void *message)
{
    while (mq_receive(channel->mq, message, channel->size, NULL) < 0)
        if (errno != EINTR)
            return -errno;
    return 0;
}

static void mq_channel_close(struct fb_message_channel *channel)
{
    mq_close(channel->mq);
}

/* ---- all methods ---- */

const struct fb_message_method fb_message_method[FB_MESSAGE_METHODS] = {
    [FB_QUEUE] = { "queue", 50, 0, queue_open, queue_put, queue_get, queue_close },
    [FB_RING] = { "ring", 200, RING_BYTES, ring_open, ring_put, ring_get, ring_close },
    [FB_MP_PIPE] = { "mp pipe", 1500, 0, mp_pipe_open, mp_pipe_put, mp_pipe_get, mp_pipe_close },
    [FB_PIPE] = { "pipe", 1500, 0, pipe_open, pipe_put, pipe_get, close_both },
    [FB_SEQPACKET] = { "seqpacket", 1500, 65536, seqpacket_open, pipe_put, pipe_get, close_both },
    [FB_MQ] = { "mq", 1500, 8192, mq_channel_open, mq_put, mq_get, mq_channel_close },
};
