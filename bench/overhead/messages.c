/* Messages between processes: what one costs by each way, and how that grows with its size. */
#include "bench/overhead/message_channel.h"
#include "bench/overhead/overhead.h"
#include "bench/overhead/python_peer.h"

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

#define SAMPLE_NS 2e6           /* about how long one takes */
#define SAMPLE_BYTES (8u << 20) /* of its messages at most */
#define COUNT_LEAST 16
#define PATIENCE_NS (30 * FB_MP_SECOND)
#define PARTNERS_MOST 4
#define SMALL 48 /* bytes */

static const size_t sizes[] = { 1, 8, SMALL, 256, 1024, 4096, 16384, 65536, 262144, 1048576 };
#define SIZES (sizeof sizes / sizeof *sizes)
#define PYTHON FB_MESSAGE_METHODS /* one way more, as a program of its own */
#define WAYS (FB_MESSAGE_METHODS + 1)

/* Of small messages, between one and one, and two and two. */
enum { ALONE, CROWD, CROWDS };

/* What the processes of one exchange share. */
struct exchange {
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t ready; /* partners that run */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t go;
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t producing; /* producers that are not done */
    uint64_t end_ns[PARTNERS_MOST];
};

struct table {
    const struct fb_overhead *overhead;
    struct exchange *exchange;
    char *message; /* [the largest size] */
    /* Bound, as a process that is made runs on its maker's CPU for some ms where that does not
     * sleep. */
    unsigned cpu[2];
    cpu_set_t allowed;
    struct fb_python_peer twin;
    double *sample[WAYS][SIZES]; /* [rounds] */
    double *small[2][CROWDS];    /* queue and ring */
};

/* ---- one exchange ---- */

/* The last message begins with a 1. */
static int consume(struct fb_message_channel *channel, char *message)
{
    int result;
    do
        result = channel->way->get(channel, message);
    while (result == 0 && message[0] == 0);
    return result;
}

static int produce(struct fb_message_channel *channel, struct exchange *exchange, char *message,
                   size_t count)
{
    int result = 0;
    message[0] = 0;
    for (size_t i = 0; i < count && result == 0; i++)
        result = channel->way->put(channel, message);
    atomic_fetch_sub(&exchange->producing, 1);
    return result;
}

/* 0, or -ETIMEDOUT: somebody must have died. */
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

static _Noreturn void be_partner(struct table *table, struct fb_message_channel *channel,
                                 unsigned index, size_t count, pid_t parent)
{
    struct exchange *exchange = table->exchange;
    fb_child_tie(parent);
    fb_cpus_bind(table->cpu[(index + 1) % 2]);
    atomic_fetch_add(&exchange->ready, 1);
    int result = wait_for(&exchange->go, 1);
    if (result == 0)
        result = count ? produce(channel, exchange, table->message, count)
                       : consume(channel, table->message);
    exchange->end_ns[index] = fb_now_ns();
    _exit(result < 0);
}

/* Consumers first, then the producers but this process. */
static int make_partners(struct table *table, struct fb_message_channel *channel, unsigned pairs,
                         size_t count, pid_t *pid)
{
    pid_t self = getpid();
    for (unsigned i = 0; i < 2 * pairs - 1; i++) {
        pid[i] = fork();
        if (pid[i] < 0)
            return -errno;
        if (pid[i] == 0)
            be_partner(table, channel, i, i < pairs ? 0 : count, self);
    }
    return wait_for(&table->exchange->ready, 2 * pairs - 1);
}

/* As many producers as consumers; ret_ns: of the whole, a message. */
static int run(struct table *table, struct fb_message_channel *channel, unsigned pairs,
               double *ret_ns)
{
    struct exchange *exchange = table->exchange;
    size_t count = (size_t)(SAMPLE_NS / channel->way->guess_ns),
           most = SAMPLE_BYTES / channel->size;
    pid_t pid[PARTNERS_MOST] = { 0 };
    count = count < most ? count : most;
    count = count > COUNT_LEAST ? count : COUNT_LEAST;
    *exchange = (struct exchange){ .producing = pairs };
    int result = make_partners(table, channel, pairs, count, pid);
    uint64_t start_ns = fb_now_ns(), end_ns = start_ns;
    atomic_store(&exchange->go, 1);
    if (result == 0)
        result = produce(channel, exchange, table->message, count);
    if (result == 0)
        result = wait_for(&exchange->producing, 0);
    table->message[0] = 1;
    for (unsigned i = 0; i < pairs && result == 0; i++)
        result = channel->way->put(channel, table->message);
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

static int measure_way(struct table *table, int way, size_t size, unsigned pairs, double *ret_ns,
                       struct fb_error *error)
{
    struct fb_message_channel channel = { .way = &fb_message_method[way], .size = size };
    int result = channel.way->open(&channel);
    if (result == 0) {
        result = fb_cpus_bind(table->cpu[0]);
        if (result == 0)
            result = run(table, &channel, pairs, ret_ns);
        sched_setaffinity(0, sizeof table->allowed, &table->allowed);
        channel.way->close(&channel);
    }
    if (result < 0)
        return fb_error_set(error, result, "can't exchange messages by %s: %s", channel.way->name,
                            strerror(-result));
    return 0;
}

/* ---- Python's ---- */

static int measure_python(struct table *table, size_t round, struct fb_error *error)
{
    char size[SIZES][16];
    const char *names[SIZES + 1] = { NULL };
    double ns[SIZES];
    if (!table->twin.python[0])
        return 0;
    for (size_t i = 0; i < SIZES; i++) {
        snprintf(size[i], sizeof size[i], "%zu", sizes[i]);
        names[i] = size[i];
    }
    int result = fb_python_peer_run(&table->twin, names, ns, error);
    for (size_t i = 0; i < SIZES && result == 0; i++)
        table->sample[PYTHON][i][round] = ns[i];
    return result;
}

/* ---- rounds ---- */

/* The ring is there for one size only. */
static bool is_measured(const struct table *table, size_t way, size_t size)
{
    if (way == PYTHON)
        return table->twin.python[0];
    size_t most = fb_message_method[way].most;
    return way != FB_RING && (most == 0 || size <= most);
}

static int run_round(struct table *table, size_t round, struct fb_error *error)
{
    int result = measure_python(table, round, error);
    for (size_t i = 0; i < FB_MESSAGE_METHODS && result == 0; i++) {
        size_t way = (round + i) % FB_MESSAGE_METHODS;
        for (size_t k = 0; k < SIZES && result == 0; k++)
            if (is_measured(table, way, sizes[k]))
                result =
                    measure_way(table, (int)way, sizes[k], 1, &table->sample[way][k][round], error);
    }
    for (int i = 0; i < 2 * CROWDS && result == 0; i++) {
        int which = (int)(round + (size_t)i) % 2, crowd = i / 2;
        result = measure_way(table, which ? FB_RING : FB_QUEUE, SMALL, crowd == CROWD ? 2 : 1,
                             &table->small[which][crowd][round], error);
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

static int add_sizes(const struct table *table)
{
    for (size_t k = 0; k < SIZES; k++)
        for (size_t way = 0; way < WAYS; way++) {
            char state[24];
            name_size(sizes[k], state, sizeof state);
            struct fb_metric_samples samples = {
                .name = "exchange.message",
                .harness = way == PYTHON ? "Python Queue" : fb_message_method[way].name,
                .state = state,
                .binding = "bound",
                .workers = 2,
                .ns = table->sample[way][k],
                .peer_ns = way == FB_PIPE ? NULL : table->sample[FB_PIPE][k],
                .peer = fb_message_method[FB_PIPE].name,
            };
            if (is_measured(table, way, sizes[k]) &&
                fb_metrics_put(table->overhead->metrics, &samples, table->overhead->rounds) < 0)
                return -ENOMEM;
        }
    return 0;
}

/* Two producers and two consumers are compared with one and one. */
static int add_small(const struct table *table)
{
    for (int which = 0; which < 2; which++)
        for (int crowd = 0; crowd < CROWDS; crowd++) {
            struct fb_metric_samples samples = {
                .name = crowd ? "exchange.crowd" : "exchange.small",
                .harness = fb_message_method[which ? FB_RING : FB_QUEUE].name,
                .state = "48 B",
                .binding = "bound",
                .workers = crowd ? 4 : 2,
                .ns = table->small[which][crowd],
                .peer_ns = which ? NULL : table->small[1][crowd],
                .peer = fb_message_method[FB_RING].name,
            };
            if (fb_metrics_put(table->overhead->metrics, &samples, table->overhead->rounds) < 0)
                return -ENOMEM;
        }
    struct fb_metric growth = { .name = "exchange.growth",
                                .harness = "queue",
                                .workers = 4,
                                .state = "48 B",
                                .binding = "bound",
                                .unit = "ratio to one pair",
                                .of = fb_ratio_interval(table->small[0][CROWD],
                                                        table->small[0][ALONE],
                                                        table->overhead->rounds) };
    return fb_metrics_add(table->overhead->metrics, &growth);
}

/* ---- */

static int make_table(struct table *table, double **ret_samples)
{
    size_t rounds = table->overhead->rounds;
    void *memory;
    double *next = calloc((WAYS * SIZES + 2 * CROWDS) * rounds, sizeof *next);
    *ret_samples = next;
    table->message = calloc(1, sizes[SIZES - 1]);
    if (!next || !table->message || fb_mp_alloc(sizeof *table->exchange, &memory) < 0)
        return -ENOMEM;
    table->exchange = memory;
    for (size_t i = 0; i < WAYS * SIZES; i++, next += rounds)
        table->sample[i / SIZES][i % SIZES] = next;
    for (size_t i = 0; i < 2 * CROWDS; i++, next += rounds)
        table->small[i / CROWDS][i % CROWDS] = next;
    fb_python_peer_find(&table->twin, "messages.py", "Python Queue", table->overhead->metrics);
    if (sched_getaffinity(0, sizeof table->allowed, &table->allowed) < 0)
        return -errno;
    return fb_topology_choose(2, table->cpu);
}

int fb_messages_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct table table = { .overhead = overhead };
    double *samples;
    int result = make_table(&table, &samples);
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds, "messages");
        result = run_round(&table, round, error);
    }
    if (result == 0 && (result = add_sizes(&table)) == 0)
        result = add_small(&table);
    if (result < 0 && !error->code)
        fb_error_set(error, result, "can't exchange messages: %s", strerror(-result));
    fb_mp_free(table.exchange);
    free(table.message);
    free(samples);
    return result;
}
