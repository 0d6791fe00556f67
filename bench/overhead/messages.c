/* The cost of a message between processes with each method, by message size. */
#include "bench/overhead/peers/message_channel.h"
#include "bench/overhead/overhead.h"
#include "bench/overhead/peers/python_peer.h"

#include "base/arena.h"
#include "base/child.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/core/sleep.h"
#include "harness/worker/topology.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SAMPLE_NS 2e6           /* approximate duration of a sample */
#define SAMPLE_BYTES (8u << 20) /* at most, all messages of a sample */
#define COUNT_LEAST 16
#define PATIENCE_NS (30 * FB_MP_SECOND)
#define PARTNERS_MOST 4
#define SMALL 48 /* bytes */

static const size_t sizes[] = { 1, 8, SMALL, 256, 1024, 4096, 16384, 65536, 262144, 1048576 };
#define SIZES (sizeof sizes / sizeof *sizes)
#define PYTHON FB_MESSAGE_METHODS /* an additional method, a separate program */
#define METHODS (FB_MESSAGE_METHODS + 1)

/* Small messages between one producer and one consumer, and between two of each. */
enum { ALONE, CROWD, CROWDS };

/* Shared by the processes of one exchange. */
struct exchange {
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t ready; /* partners that run */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t go;
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t producing; /* producers that have not finished */
    uint64_t end_ns[PARTNERS_MOST];
};

struct context {
    const struct fb_overhead *overhead;
    struct exchange *exchange;
    char *message; /* [the largest size] */
    /* Processes are bound to these, because a new process runs on its creator's CPU for some ms if
     * the creator does not sleep. */
    unsigned cpu[2];
    cpu_set_t allowed;
    struct fb_python_peer python;
    double *sample[METHODS][SIZES]; /* [rounds] */
    double *small[2][CROWDS];       /* queue and ring */
};

/* ---- one exchange ---- */

/* The last message starts with a 1. */
static int consume(struct fb_message_channel *channel, char *message)
{
    int result;
    do
        result = channel->method->get(channel, message);
    while (result == 0 && message[0] == 0);
    return result;
}

static int produce(struct fb_message_channel *channel, struct exchange *exchange, char *message,
                   size_t count)
{
    int result = 0;
    message[0] = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = channel->method->put(channel, message);
    atomic_fetch_sub(&exchange->producing, 1);
    return result;
}

/* 0, or -ETIMEDOUT: a process must have ended. */
static int wait_for(_Atomic uint32_t *word, uint32_t value)
{
    int64_t deadline = fb_mp_deadline(PATIENCE_NS);
    for (unsigned i = 1; atomic_load(word) != value; i++) {
        fb_mp_relax();
        if (i % 1000 != 0)
            continue;
        sched_yield();
        if (fb_mp_now() > deadline)
            return -ETIMEDOUT;
    }
    return 0;
}

static _Noreturn void be_partner(struct context *context, struct fb_message_channel *channel,
                                 unsigned index, size_t count, pid_t parent)
{
    struct exchange *exchange = context->exchange;
    fb_child_tie(parent);
    fb_cpus_bind(context->cpu[(index + 1) % 2]);
    atomic_fetch_add(&exchange->ready, 1);
    int result = wait_for(&exchange->go, 1);
    if (result == 0)
        result = count ? produce(channel, exchange, context->message, count)
                       : consume(channel, context->message);
    exchange->end_ns[index] = fb_now_ns();
    _exit(result < 0);
}

/* Creates the consumers first, then the producers except this process. */
static int make_partners(struct context *context, struct fb_message_channel *channel,
                         unsigned pairs, size_t count, pid_t *pid)
{
    pid_t self = getpid();
    for (unsigned i = 0; i < 2 * pairs - 1; i++) {
        pid[i] = fork();
        if (pid[i] < 0)
            return -errno;
        if (pid[i] == 0)
            be_partner(context, channel, i, i < pairs ? 0 : count, self);
    }
    return wait_for(&context->exchange->ready, 2 * pairs - 1);
}

/* Runs `pairs` producers and as many consumers. ret_ns: total time per message. */
static int run(struct context *context, struct fb_message_channel *channel, unsigned pairs,
               double *ret_ns)
{
    struct exchange *exchange = context->exchange;
    size_t count = (size_t)(SAMPLE_NS / channel->method->guess_ns),
           most = SAMPLE_BYTES / channel->size;
    pid_t pid[PARTNERS_MOST] = { 0 };
    count = count < most ? count : most;
    count = count > COUNT_LEAST ? count : COUNT_LEAST;
    *exchange = (struct exchange){ .producing = pairs };
    int result = make_partners(context, channel, pairs, count, pid);
    uint64_t start_ns = fb_now_ns(), end_ns = start_ns;
    atomic_store(&exchange->go, 1);
    if (result == 0)
        result = produce(channel, exchange, context->message, count);
    if (result == 0)
        result = wait_for(&exchange->producing, 0);
    context->message[0] = 1;
    for (unsigned i = 0; i < pairs && result == 0; i++)
        result = channel->method->put(channel, context->message);
    for (unsigned i = 0; i < 2 * pairs - 1 && pid[i] > 0; i++) {
        struct fb_child child = { .pid = pid[i], .pidfd = -1 };
        int status = 1;
        if (result < 0)
            fb_child_end(&child, 0);
        else
            while (waitpid(pid[i], &status, 0) < 0 && errno == EINTR)
                ;
        if (result == 0 && status != 0)
            result = -EIO;
        if (i < pairs && exchange->end_ns[i] > end_ns)
            end_ns = exchange->end_ns[i];
    }
    *ret_ns = (double)(end_ns - start_ns) / (double)(count * pairs);
    return result;
}

static int measure_method(struct context *context, int method, size_t size, unsigned pairs,
                          double *ret_ns, struct fb_error *error)
{
    struct fb_message_channel channel = { .method = &fb_message_method[method], .size = size };
    int result = channel.method->open(&channel);
    if (result == 0) {
        result = fb_cpus_bind(context->cpu[0]);
        if (result == 0)
            result = run(context, &channel, pairs, ret_ns);
        sched_setaffinity(0, sizeof context->allowed, &context->allowed);
        channel.method->close(&channel);
    }
    if (result < 0)
        return fb_error_set(error, result, "can't exchange messages by %s: %s",
                            channel.method->name, strerror(-result));
    return 0;
}

/* ---- Python's Queue ---- */

static int measure_python(struct context *context, size_t round, struct fb_error *error)
{
    char size[SIZES][16];
    const char *names[SIZES + 1] = { NULL };
    double ns[SIZES];
    if (!context->python.interpreter[0])
        return 0;
    for (size_t i = 0; i < SIZES; i++) {
        snprintf(size[i], sizeof size[i], "%zu", sizes[i]);
        names[i] = size[i];
    }
    int result = fb_python_peer_run(&context->python, names, ns, error);
    for (size_t i = 0; i < SIZES && result == 0; i++)
        context->sample[PYTHON][i][round] = ns[i];
    return result;
}

/* ---- rounds ---- */

/* The ring is measured with one size only. */
static bool is_measured(const struct context *context, size_t method, size_t size)
{
    if (method == PYTHON)
        return context->python.interpreter[0];
    size_t most = fb_message_method[method].most;
    return method != FB_RING && (most == 0 || size <= most);
}

static int run_round(struct context *context, size_t round, struct fb_error *error)
{
    int result = measure_python(context, round, error);
    for (size_t i = 0; i < FB_MESSAGE_METHODS && result == 0; i++) {
        size_t method = (round + i) % FB_MESSAGE_METHODS;
        for (size_t k = 0; k < SIZES && result == 0; k++)
            if (is_measured(context, method, sizes[k]))
                result = measure_method(context, (int)method, sizes[k], 1,
                                        &context->sample[method][k][round], error);
    }
    for (int i = 0; i < 2 * CROWDS && result == 0; i++) {
        int which = (int)(round + (size_t)i) % 2, crowd = i / 2;
        result = measure_method(context, which ? FB_RING : FB_QUEUE, SMALL, crowd == CROWD ? 2 : 1,
                                &context->small[which][crowd][round], error);
    }
    return result;
}

static void name_size(size_t size, char *text, size_t room)
{
    if (size >= 1048576)
        snprintf(text, room, "%zu MiB", size / 1048576);
    else if (size >= 1024)
        snprintf(text, room, "%zu KiB", size / 1024);
    else
        snprintf(text, room, "%zu B", size);
}

static int add_sizes(const struct context *context)
{
    for (size_t k = 0; k < SIZES; k++)
        for (size_t method = 0; method < METHODS; method++) {
            char state[24];
            name_size(sizes[k], state, sizeof state);
            struct fb_metric_samples samples = {
                .name = "exchange.message",
                .harness = method == PYTHON ? "Python Queue" : fb_message_method[method].name,
                .state = state,
                .binding = "bound",
                .workers = 2,
                .ns = context->sample[method][k],
                .peer_ns = method == FB_PIPE ? NULL : context->sample[FB_PIPE][k],
                .peer = fb_message_method[FB_PIPE].name,
            };
            if (is_measured(context, method, sizes[k]) &&
                fb_metrics_put(context->overhead->metrics, &samples, context->overhead->rounds) < 0)
                return -ENOMEM;
        }
    return 0;
}

/* Two producers and two consumers are compared with one of each. */
static int add_small(const struct context *context)
{
    for (int which = 0; which < 2; which++)
        for (int crowd = 0; crowd < CROWDS; crowd++) {
            struct fb_metric_samples samples = {
                .name = crowd ? "exchange.crowd" : "exchange.small",
                .harness = fb_message_method[which ? FB_RING : FB_QUEUE].name,
                .state = "48 B",
                .binding = "bound",
                .workers = crowd ? 4 : 2,
                .ns = context->small[which][crowd],
                .peer_ns = which ? NULL : context->small[1][crowd],
                .peer = fb_message_method[FB_RING].name,
            };
            if (fb_metrics_put(context->overhead->metrics, &samples, context->overhead->rounds) < 0)
                return -ENOMEM;
        }
    struct fb_metric growth = { .name = "exchange.growth",
                                .harness = "queue",
                                .workers = 4,
                                .state = "48 B",
                                .binding = "bound",
                                .unit = "ratio to one pair",
                                .of = fb_ratio_interval(context->small[0][CROWD],
                                                        context->small[0][ALONE],
                                                        context->overhead->rounds) };
    return fb_metrics_add(context->overhead->metrics, &growth);
}

/* ---- the group ---- */

static int make_context(struct context *context, double **ret_samples)
{
    size_t rounds = context->overhead->rounds;
    void *memory;
    double *next = calloc((METHODS * SIZES + 2 * CROWDS) * rounds, sizeof *next);
    *ret_samples = next;
    context->message = calloc(1, sizes[SIZES - 1]);
    if (!next || !context->message || fb_mp_alloc(sizeof *context->exchange, &memory) < 0)
        return -ENOMEM;
    context->exchange = memory;
    for (size_t i = 0; i < METHODS * SIZES; i++, next += rounds)
        context->sample[i / SIZES][i % SIZES] = next;
    for (size_t i = 0; i < 2 * CROWDS; i++, next += rounds)
        context->small[i / CROWDS][i % CROWDS] = next;
    fb_python_peer_find(&context->python, "messages.py", "Python Queue",
                        context->overhead->metrics);
    if (sched_getaffinity(0, sizeof context->allowed, &context->allowed) < 0)
        return -errno;
    return fb_topology_choose(2, context->cpu);
}

int fb_messages_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct context context = { .overhead = overhead };
    double *samples;
    int result = make_context(&context, &samples);
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds, "messages");
        result = run_round(&context, round, error);
    }
    if (result == 0 && (result = add_sizes(&context)) == 0)
        result = add_small(&context);
    if (result < 0 && !error->code)
        fb_error_set(error, result, "can't exchange messages: %s", strerror(-result));
    fb_mp_free(context.exchange);
    free(context.message);
    free(samples);
    return result;
}
