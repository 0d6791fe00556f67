#include "bench/overhead/peers/payload.h"

#include "bench/overhead/peers/forked_peer.h"

#include "harness/mp/channel/queue.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAYLOADS 24
#define PATIENCE_NS (30 * FB_MP_SECOND) /* after that the other process must have ended */
#define SLOTS 4                         /* of the queue: all messages in it fit into a cache */

int fb_payload_make(struct fb_payload *payload)
{
    payload->from = malloc(FB_PAYLOAD);
    payload->to = malloc(FB_PAYLOAD);
    if (!payload->from || !payload->to)
        return -ENOMEM;
    memset(payload->from, 1, FB_PAYLOAD);
    memset(payload->to, 2, FB_PAYLOAD);
    return 0;
}

void fb_payload_free(struct fb_payload *payload)
{
    free(payload->from);
    free(payload->to);
}

/* ---- through a queue ---- */

struct receiver {
    struct fb_mp_queue *queue;
    char *to; /* NULL: does not copy */
};

static int receive_all(void *context)
{
    struct receiver *receiver = context;
    const void *message;
    size_t size;
    int result;
    do
        result = receiver->to ? fb_mp_queue_get(receiver->queue, receiver->to, FB_PAYLOAD,
                                                FB_MP_FOREVER, &size)
                              : fb_mp_queue_take(receiver->queue, FB_MP_FOREVER, &message, &size);
    while (result == 0);
    return result == -EPIPE ? 0 : result;
}

static int put_in_place(struct fb_mp_queue *queue, int number)
{
    void *memory;
    int result = fb_mp_queue_reserve(queue, FB_PAYLOAD, &memory);
    if (result < 0)
        return result;
    memset(memory, number, FB_PAYLOAD);
    return fb_mp_queue_commit(queue, PATIENCE_NS);
}

/* The first messages, which touch new pages, are not counted. */
int fb_payload_through(const struct fb_payload *payload, bool copied, double *ret_ns)
{
    struct receiver receiver = { .to = copied ? payload->to : NULL };
    int result = fb_mp_queue_make(SLOTS, &receiver.queue);
    if (result < 0)
        return result;
    pid_t pid = fb_forked_peer_start(receive_all, &receiver);
    uint64_t start_ns = 0;
    result = pid < 0 ? pid : 0;
    for (int i = -2 * SLOTS; i < PAYLOADS && result == 0; i++) {
        if (i == 0)
            start_ns = fb_now_ns();
        result = copied ? fb_mp_queue_put(receiver.queue, payload->from, FB_PAYLOAD, PATIENCE_NS)
                        : put_in_place(receiver.queue, i);
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / PAYLOADS;
    fb_mp_queue_close(receiver.queue);
    int end = fb_forked_peer_join(pid);
    fb_mp_queue_free(receiver.queue);
    return result < 0 ? result : end;
}

/* Keeps the compiler from removing writes to memory that is never read. */
static void use(const char *memory)
{
    __asm__ volatile("" : : "r"(memory) : "memory");
}

double fb_payload_memcpy(const struct fb_payload *payload)
{
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < PAYLOADS; i++) {
        memcpy(payload->to, payload->from, FB_PAYLOAD);
        use(payload->to);
    }
    return (double)(fb_now_ns() - start_ns) / PAYLOADS;
}

double fb_payload_private(const struct fb_payload *payload)
{
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < PAYLOADS; i++) {
        memset(payload->to, i, FB_PAYLOAD);
        use(payload->to);
    }
    return (double)(fb_now_ns() - start_ns) / PAYLOADS;
}
