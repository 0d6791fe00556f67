/* What the runtime adds to what it is made of: its pipe to a socket, its lock to a mutex, its
 * manager to a round trip, its queue to a copy of memory. */
#include "bench/overhead/overhead.h"
#include "bench/overhead/forked_peer.h"
#include "bench/overhead/payload.h"

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
#define MESSAGE 16 /* bytes of a round trip's */

enum { PIPE, LOCK, APPEND, COPY, WRITE, FIGURES };

/* Each figure is measured in two ways: the runtime's, and the plain one that it is compared with.
 */
enum { OURS, PLAIN, KINDS };
static const struct {
    const char *name, *state, *way[KINDS];
    unsigned workers;
    /* Both on one CPU: what waking another one takes depends on what it slept in, and would hide
     * what is to be compared. */
    bool bound;
} figures[FIGURES] = {
    [PIPE] = { "call.round_trip", "16 B", { "mp pipe", "seqpacket" }, 2, true },
    [LOCK] = { "call.lock", "uncontended", { "mp lock", "robust mutex" }, 1, false },
    [APPEND] = { "call.append", "16 B", { "manager", "socket" }, 2, true },
    [COPY] = { "payload.copy", "1 MiB", { "queue", "memcpy" }, 2, false },
    [WRITE] = { "payload.write", "1 MiB", { "queue in place", "private memory" }, 2, false },
};

struct table {
    const struct fb_overhead *overhead;
    struct fb_payload payload;
    struct fb_mp_manager *manager; /* on that CPU */
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
    for (int i = -1; i < TRIPS && result == 0; i++) { /* the first one finds it awake */
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

static int measure_pipe(struct table *table, double *ret_ns)
{
    (void)table;
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

static int measure_seqpacket(struct table *table, double *ret_ns)
{
    (void)table;
    return measure_socket(SOCK_SEQPACKET, ret_ns);
}

static int measure_stream(struct table *table, double *ret_ns)
{
    (void)table;
    return measure_socket(SOCK_STREAM, ret_ns);
}

/* ---- the manager, which is there if msgpack was when this was built ---- */

#ifdef FB_MSGPACK
static int start_manager(struct table *table, struct fb_error *error)
{
    int result = fb_mp_manager_start(FB_MP_FORK, &table->manager, error);
    if (result == 0 && (result = fb_mp_list_make(table->manager, &table->list)) < 0)
        fb_error_set(error, result, "can't make a list in a manager: %s", strerror(-result));
    return result;
}

static int measure_append(struct table *table, double *ret_ns)
{
    int result = fb_mp_list_clear(table->list);
    uint64_t start_ns = fb_now_ns();
    for (int i = 0; i < TRIPS && result == 0; i++)
        result = fb_mp_list_append(table->list, fb_mp_bytes("0123456789abcdef", MESSAGE));
    *ret_ns = (double)(fb_now_ns() - start_ns) / TRIPS;
    return result;
}

static void end_manager(struct table *table)
{
    fb_mp_proxy_close(table->list);
    fb_mp_manager_close(table->manager);
}
#else
static int start_manager(struct table *table, struct fb_error *error)
{
    (void)error;
    fb_metrics_leave_out(table->overhead->metrics, "the manager: built without msgpack");
    return 0;
}

#define measure_append NULL

static void end_manager(struct table *table)
{
    (void)table;
}
#endif

/* ---- locks ---- */

static int measure_lock(struct table *table, double *ret_ns)
{
    (void)table;
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

/* As the runtime's lock, it knows who holds it. */
static int measure_mutex(struct table *table, double *ret_ns)
{
    (void)table;
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

static int measure_copy(struct table *table, double *ret_ns)
{
    return fb_payload_through(&table->payload, true, ret_ns);
}

static int measure_in_place(struct table *table, double *ret_ns)
{
    return fb_payload_through(&table->payload, false, ret_ns);
}

static int measure_memcpy(struct table *table, double *ret_ns)
{
    *ret_ns = fb_payload_memcpy(&table->payload);
    return 0;
}

static int measure_private(struct table *table, double *ret_ns)
{
    *ret_ns = fb_payload_private(&table->payload);
    return 0;
}

/* ---- */

static int (*const measures[FIGURES][KINDS])(struct table *table, double *ret_ns) = {
    [PIPE] = { measure_pipe, measure_seqpacket },    [LOCK] = { measure_lock, measure_mutex },
    [APPEND] = { measure_append, measure_stream },   [COPY] = { measure_copy, measure_memcpy },
    [WRITE] = { measure_in_place, measure_private },
};

static int run_round(struct table *table, size_t round, struct fb_error *error)
{
    for (size_t i = 0; i < FIGURES * KINDS; i++) {
        size_t figure = (round + i / KINDS) % FIGURES, kind = (round + i) % KINDS;
        if (!measures[figure][OURS])
            continue;
        int result = figures[figure].bound ? fb_cpus_bind(table->cpu) : 0;
        if (result == 0)
            result = measures[figure][kind](table, &table->sample[figure][kind][round]);
        sched_setaffinity(0, sizeof table->allowed, &table->allowed);
        if (result < 0)
            return fb_error_set(error, result, "can't measure %s of %s: %s", figures[figure].name,
                                figures[figure].way[kind], strerror(-result));
    }
    return 0;
}

static int add_figures(const struct table *table)
{
    for (int i = 0; i < FIGURES * KINDS; i++) {
        int figure = i / KINDS, kind = i % KINDS;
        struct fb_metric_samples samples = { .name = figures[figure].name,
                                             .harness = figures[figure].way[kind],
                                             .state = figures[figure].state,
                                             .binding = figures[figure].bound ? "bound" : "unbound",
                                             .workers = figures[figure].workers,
                                             .ns = table->sample[figure][kind],
                                             .peer_ns =
                                                 kind == OURS ? table->sample[figure][PLAIN] : NULL,
                                             .peer = figures[figure].way[PLAIN] };
        if (measures[figure][OURS] &&
            fb_metrics_put(table->overhead->metrics, &samples, table->overhead->rounds) < 0)
            return -ENOMEM;
    }
    return 0;
}

static int prepare(struct table *table, double **ret_samples, struct fb_error *error)
{
    size_t rounds = table->overhead->rounds;
    double *samples = *ret_samples = calloc(FIGURES * KINDS * rounds, sizeof *samples);
    if (!samples || fb_payload_make(&table->payload) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < FIGURES * KINDS; i++)
        table->sample[i / KINDS][i % KINDS] = samples + i * rounds;
    if (sched_getaffinity(0, sizeof table->allowed, &table->allowed) < 0 ||
        fb_topology_choose(1, &table->cpu) < 0 || fb_cpus_bind(table->cpu) < 0)
        return fb_error_set(error, -EINVAL, "can't choose a CPU to bind to");
    int result = start_manager(table, error);
    sched_setaffinity(0, sizeof table->allowed, &table->allowed);
    return result;
}

int fb_runtime_cost_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct table table = { .overhead = overhead };
    double *samples;
    int result = prepare(&table, &samples, error);
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds, "the runtime");
        result = run_round(&table, round, error);
    }
    if (result == 0 && add_figures(&table) < 0)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    end_manager(&table);
    fb_payload_free(&table.payload);
    free(samples);
    return result;
}
