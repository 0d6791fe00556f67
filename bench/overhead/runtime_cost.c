/* The overhead of the runtime over its building blocks: its pipe over a socket, its lock over a
 * mutex, its manager over a round trip, its queue over a copy of memory. */
#include "bench/overhead/overhead.h"
#include "bench/overhead/peers/forked_peer.h"
#include "bench/overhead/peers/payload.h"

#include "base/clock.h"
#include "base/cpus.h"
#include "harness/mp/channel/connection.h"
#include "harness/mp/manager/manager.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/sync/sync.h"
#include "harness/worker/topology.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TRIPS 2000
#define LOCKINGS 20000
#define MESSAGE 16 /* bytes per message of a round trip */

enum { PIPE, LOCK, APPEND, COPY, WRITE, FIGURES };

/* Each figure is measured twice: with the runtime, and in the plain way that it is compared
 * with. */
enum { OURS, PLAIN, KINDS };
static const struct {
    const char *name, *state, *way[KINDS];
    unsigned workers;
    /* Both processes on one CPU: the time to wake another CPU depends on its sleep state and would
     * hide the difference. */
    bool bound;
} figures[FIGURES] = {
    [PIPE] = { "call.round_trip", "16 B", { "mp pipe", "seqpacket" }, 2, true },
    [LOCK] = { "call.lock", "uncontended", { "mp lock", "robust mutex" }, 1, false },
    [APPEND] = { "call.append", "16 B", { "manager", "socket" }, 2, true },
    [COPY] = { "payload.copy", "1 MiB", { "queue", "memcpy" }, 2, false },
    [WRITE] = { "payload.write", "1 MiB", { "queue in place", "private memory" }, 2, false },
};

struct context {
    const struct fb_overhead *overhead;
    struct fb_payload payload;
    struct fb_mp_manager *manager; /* on `cpu` */
    struct fb_mp_proxy *list;
    unsigned cpu;
    cpu_set_t allowed;
    double *sample[FIGURES][KINDS]; /* [rounds] */
};

/* ---- round trips ---- */

struct trip {
    int fd[2];
    struct fb_mp_connection *end[2];
};

static int echo_plain(void *context)
{
    struct trip *trip = context;
    char message[MESSAGE];
    ssize_t size;
    close(trip->fd[0]);
    while ((size = recv(trip->fd[1], message, sizeof message, 0)) > 0)
        if (send(trip->fd[1], message, (size_t)size, MSG_NOSIGNAL) < 0)
            return -errno;
    return 0;
}

static int measure_socket(int type, double *ret_ns)
{
    struct trip trip;
    char message[MESSAGE] = { 0 };
    int result = 0;
    if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, trip.fd) < 0)
        return -errno;
    pid_t pid = fb_forked_peer_start(echo_plain, &trip);
    close(trip.fd[1]);
    uint64_t start_ns = 0;
    for (int i = -1; i < TRIPS && result == 0;
         i++) { /* the first round trip finds the process awake */
        if (i == 0)
            start_ns = fb_now_ns();
        if (send(trip.fd[0], message, sizeof message, MSG_NOSIGNAL) < 0 ||
            recv(trip.fd[0], message, sizeof message, 0) != sizeof message)
            result = -EIO;
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / TRIPS;
    close(trip.fd[0]);
    int end = fb_forked_peer_join(pid);
    return result < 0 ? result : end;
}

static int echo_pipe(void *context)
{
    struct trip *trip = context;
    char message[MESSAGE];
    size_t size;
    int result;
    fb_mp_connection_close(trip->end[0]);
    while ((result = fb_mp_receive(trip->end[1], message, sizeof message, FB_MP_FOREVER, &size)) ==
           0)
        if ((result = fb_mp_send(trip->end[1], message, size)) < 0)
            return result;
    return result == -EPIPE ? 0 : result;
}

static int measure_pipe(struct context *context, double *ret_ns)
{
    (void)context;
    struct trip trip;
    char message[MESSAGE] = { 0 };
    size_t size;
    int result = fb_mp_pipe(true, &trip.end[0], &trip.end[1]);
    if (result < 0)
        return result;
    pid_t pid = fb_forked_peer_start(echo_pipe, &trip);
    fb_mp_connection_close(trip.end[1]);
    uint64_t start_ns = 0;
    for (int i = -1; i < TRIPS && result == 0; i++) {
        if (i == 0)
            start_ns = fb_now_ns();
        result = fb_mp_send(trip.end[0], message, sizeof message);
        if (result == 0)
            result = fb_mp_receive(trip.end[0], message, sizeof message, FB_MP_FOREVER, &size);
    }
    *ret_ns = (double)(fb_now_ns() - start_ns) / TRIPS;
    fb_mp_connection_close(trip.end[0]);
    int end = fb_forked_peer_join(pid);
    return result < 0 ? result : end;
}

static int measure_seqpacket(struct context *context, double *ret_ns)
{
    (void)context;
    return measure_socket(SOCK_SEQPACKET, ret_ns);
}

static int measure_stream(struct context *context, double *ret_ns)
{
    (void)context;
    return measure_socket(SOCK_STREAM, ret_ns);
}

/* ---- the manager, if this was built with msgpack ---- */

#ifdef FB_MSGPACK
static int start_manager(struct context *context, struct fb_error *error)
{
    int result = fb_mp_manager_start(FB_MP_FORK, &context->manager, error);
    if (result == 0 && (result = fb_mp_list_make(context->manager, &context->list)) < 0)
        fb_error_set(error, result, "can't make a list in a manager: %s", strerror(-result));
    return result;
}

static int measure_append(struct context *context, double *ret_ns)
{
    int result = fb_mp_list_clear(context->list);
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < TRIPS && result == 0; i++)
        result = fb_mp_list_append(context->list, fb_mp_bytes("0123456789abcdef", MESSAGE));
    *ret_ns = (double)(fb_now_ns() - start_ns) / TRIPS;
    return result;
}

static void end_manager(struct context *context)
{
    fb_mp_proxy_close(context->list);
    fb_mp_manager_close(context->manager);
}
#else
static int start_manager(struct context *context, struct fb_error *error)
{
    (void)error;
    fb_metrics_leave_out(context->overhead->metrics, "the manager: built without msgpack");
    return 0;
}

#define measure_append NULL

static void end_manager(struct context *context)
{
    (void)context;
}
#endif

/* ---- locks ---- */

static int measure_lock(struct context *context, double *ret_ns)
{
    (void)context;
    struct fb_mp_lock *lock;
    int result = fb_mp_lock_make(false, &lock);
    if (result < 0)
        return result;
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < LOCKINGS && result == 0; i++)
        if ((result = fb_mp_lock_acquire(lock, FB_MP_FOREVER)) == 0)
            result = fb_mp_lock_release(lock);
    *ret_ns = (double)(fb_now_ns() - start_ns) / LOCKINGS;
    fb_mp_lock_free(lock);
    return result;
}

/* Like the runtime's lock, it records its owner. */
static int measure_mutex(struct context *context, double *ret_ns)
{
    (void)context;
    pthread_mutex_t mutex;
    int result = 0;
    fb_mp_mutex_init(&mutex, PTHREAD_MUTEX_ERRORCHECK);
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < LOCKINGS && result == 0; i++)
        if ((result = -pthread_mutex_lock(&mutex)) == 0)
            result = -pthread_mutex_unlock(&mutex);
    *ret_ns = (double)(fb_now_ns() - start_ns) / LOCKINGS;
    pthread_mutex_destroy(&mutex);
    return result;
}

/* ---- payloads ---- */

static int measure_copy(struct context *context, double *ret_ns)
{
    return fb_payload_through(&context->payload, true, ret_ns);
}

static int measure_in_place(struct context *context, double *ret_ns)
{
    return fb_payload_through(&context->payload, false, ret_ns);
}

static int measure_memcpy(struct context *context, double *ret_ns)
{
    *ret_ns = fb_payload_memcpy(&context->payload);
    return 0;
}

static int measure_private(struct context *context, double *ret_ns)
{
    *ret_ns = fb_payload_private(&context->payload);
    return 0;
}

/* ---- the group ---- */

static int (*const measures[FIGURES][KINDS])(struct context *context, double *ret_ns) = {
    [PIPE] = { measure_pipe, measure_seqpacket },    [LOCK] = { measure_lock, measure_mutex },
    [APPEND] = { measure_append, measure_stream },   [COPY] = { measure_copy, measure_memcpy },
    [WRITE] = { measure_in_place, measure_private },
};

static int run_round(struct context *context, size_t round, struct fb_error *error)
{
    for (size_t i = 0; i < FIGURES * KINDS; i++) {
        size_t figure = (round + i / KINDS) % FIGURES, kind = (round + i) % KINDS;
        if (!measures[figure][OURS])
            continue;
        int result = figures[figure].bound ? fb_cpus_bind(context->cpu) : 0;
        if (result == 0)
            result = measures[figure][kind](context, &context->sample[figure][kind][round]);
        sched_setaffinity(0, sizeof context->allowed, &context->allowed);
        if (result < 0)
            return fb_error_set(error, result, "can't measure %s of %s: %s", figures[figure].name,
                                figures[figure].way[kind], strerror(-result));
    }
    return 0;
}

static int add_figures(const struct context *context)
{
    for (int i = 0; i < FIGURES * KINDS; i++) {
        int figure = i / KINDS, kind = i % KINDS;
        struct fb_metric_samples samples = { .name = figures[figure].name,
                                             .harness = figures[figure].way[kind],
                                             .state = figures[figure].state,
                                             .binding = figures[figure].bound ? "bound" : "unbound",
                                             .workers = figures[figure].workers,
                                             .ns = context->sample[figure][kind],
                                             .peer_ns = kind == OURS
                                                            ? context->sample[figure][PLAIN]
                                                            : NULL,
                                             .peer = figures[figure].way[PLAIN] };
        if (measures[figure][OURS] &&
            fb_metrics_put(context->overhead->metrics, &samples, context->overhead->rounds) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int prepare(struct context *context, double **ret_samples, struct fb_error *error)
{
    size_t rounds = context->overhead->rounds;
    double *samples = *ret_samples = calloc(FIGURES * KINDS * rounds, sizeof *samples);
    if (!samples || fb_payload_make(&context->payload) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < FIGURES * KINDS; i++)
        context->sample[i / KINDS][i % KINDS] = samples + i * rounds;
    if (sched_getaffinity(0, sizeof context->allowed, &context->allowed) < 0 ||
        fb_topology_choose(1, &context->cpu) < 0 || fb_cpus_bind(context->cpu) < 0)
        return fb_error_set(error, -EINVAL, "can't choose a CPU to bind to");
    int result = start_manager(context, error);
    sched_setaffinity(0, sizeof context->allowed, &context->allowed);
    return result;
}

int fb_runtime_cost_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct context context = { .overhead = overhead };
    double *samples;
    int result = prepare(&context, &samples, error);
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds, "the runtime");
        result = run_round(&context, round, error);
    }
    if (result == 0 && add_figures(&context) < 0)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    end_manager(&context);
    fb_payload_free(&context.payload);
    free(samples);
    return result;
}
