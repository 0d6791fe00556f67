/* The convoy effect: how late a thread that waits for I/O again and again resumes while another
 * thread computes and holds the interpreter's lock. */
#include "bench/overhead/overhead.h"
#include "bench/overhead/peers/python_peer.h"

#include "harness/native/gil_lock.h"
#include "harness/mp/core/sleep.h"
#include "base/clock.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define WAITS 5
#define WAIT_NS 1000000u
#define BURST_NS 2000u /* between two safepoints of the computing thread */

enum { FREE, LOCKED, OFTEN, FIGURES };
static const struct {
    const char *harness;
    uint64_t interval_ns; /* 0: no lock */
} figures[FIGURES] = {
    [FREE] = { "pthread", 0 },
    [LOCKED] = { "gil", 5000000 },
    [OFTEN] = { "gil 1 ms", 1000000 },
};

enum { THREAD, PROCESS, PYTHONS };
static const char *const python_names[] = { "cpython-thread", "cpython-process", NULL };

struct context {
    struct fb_gil_lock lock;
    bool locked;
    _Atomic uint32_t computes, stop;
};

static void *compute(void *argument)
{
    struct context *context = argument;
    struct fb_gil_thread user = { .lock = &context->lock, .number = 1 };
    if (context->locked)
        fb_gil_lock_take(&user);
    atomic_store(&context->computes, 1);
    while (!atomic_load(&context->stop)) {
        for (uint64_t end_ns = fb_now_ns() + BURST_NS; fb_now_ns() < end_ns;)
            fb_mp_relax();
        if (atomic_load_explicit(&context->lock.drop_request, memory_order_relaxed)) {
            fb_gil_lock_drop(&user);
            fb_gil_lock_take(&user);
        }
    }
    if (context->locked)
        fb_gil_lock_drop(&user);
    return NULL;
}

/* The median of the delays after each wait. */
static double wait_beside(struct context *context)
{
    struct fb_gil_thread user = { .lock = &context->lock, .number = 0 };
    double late_ns[WAITS];
    for (int i = 0; i < WAITS; i++) {
        uint64_t due_ns = fb_now_ns() + WAIT_NS;
        const struct timespec due = { .tv_sec = (time_t)(due_ns / 1000000000u),
                                      .tv_nsec = (long)(due_ns % 1000000000u) };
        while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
            ;
        if (context->locked)
            fb_gil_lock_take(&user);
        late_ns[i] = (double)(fb_now_ns() - due_ns);
        if (context->locked)
            fb_gil_lock_drop(&user);
    }
    return fb_median(late_ns, WAITS);
}

static int measure(uint64_t interval_ns, double *ret_ns, struct fb_error *error)
{
    struct context context = { .locked = interval_ns > 0 };
    pthread_t thread;
    int result = fb_gil_lock_init(&context.lock, interval_ns);
    if (result == 0) {
        result = -pthread_create(&thread, NULL, compute, &context);
        if (result == 0) {
            while (!atomic_load(&context.computes))
                fb_overhead_idle(100000);
            *ret_ns = wait_beside(&context);
            atomic_store(&context.stop, 1);
            pthread_join(thread, NULL);
        }
        fb_gil_lock_destroy(&context.lock);
    }
    return result < 0 ? fb_error_set(error, result,
                                     "can't measure a waiting thread beside a computing one: %s",
                                     strerror(-result))
                      : 0;
}

/* sample: the samples of all figures, then of Python's. */
static int put_all(const struct fb_overhead *overhead, double *sample, bool python)
{
    int result = 0;
    for (size_t i = 0; i < FIGURES + (python ? PYTHONS : 0) && result == 0; i++) {
        const struct fb_metric_samples samples = {
            .name = "convoy.latency",
            .harness = i < FIGURES ? figures[i].harness : python_names[i - FIGURES],
            .state = "",
            .binding = "unbound",
            .workers = 2,
            .ns = sample + i * overhead->rounds,
            .peer_ns = i == FREE ? NULL : sample,
            .peer = figures[FREE].harness,
        };
        result = fb_metrics_put(overhead->metrics, &samples, overhead->rounds);
    }
    return result;
}

static int measure_round(const struct fb_python_peer *python, double *sample, size_t round,
                         size_t rounds, struct fb_error *error)
{
    double ns[PYTHONS];
    int result = 0;
    for (size_t i = 0; i < FIGURES && result == 0; i++)
        result = measure(figures[i].interval_ns, &sample[i * rounds + round], error);
    if (result == 0 && python->interpreter[0])
        result = fb_python_peer_run(python, python_names, ns, error);
    for (size_t i = 0; i < PYTHONS && result == 0 && python->interpreter[0]; i++)
        sample[(FIGURES + i) * rounds + round] = ns[i];
    return result;
}

int fb_convoy_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct fb_python_peer python;
    double *sample = calloc((FIGURES + PYTHONS) * overhead->rounds, sizeof *sample);
    if (!sample)
        return fb_error_set(error, -ENOMEM, "out of memory");
    fb_python_peer_find(&python, "convoy.py", "Python's convoy", overhead->metrics);
    int result = 0;
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds,
                             "waiting while another computes");
        result = measure_round(&python, sample, round, overhead->rounds, error);
    }
    if (result == 0 && put_all(overhead, sample, python.interpreter[0]) < 0)
        result = fb_error_set(error, -ENOMEM, "out of memory");
    free(sample);
    return result;
}
