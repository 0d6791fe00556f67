/* A peer: an event loop, one thread that waits for many items at once. Transfers use libcurl's
 * multi interface, delays a timer. With two or more workers, computing is handed to a pool of
 * processes, which reports its end through a descriptor. Kernels that wait for nothing run on the
 * loop's thread and block it, as in any event loop. */
#include "base/clock.h"
#include "harness/harness.h"

#include "kernels/waiting/transfer.h"
#include "harness/mp/pool/pool.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#define IN_FLIGHT 256 /* items that are waited for or computed at the same time */
#define POLL_MS 1000  /* nothing depends on it */

/* One item in flight. */
struct slot {
    enum { FREE, DELAYED, COMING, COMPUTED } state;
    size_t item;
    uint64_t due_ns;             /* DELAYED */
    struct fb_transfer transfer; /* created when first needed, then reused for later items */
    struct fb_mp_future *future; /* COMPUTED: the pool's */
    _Atomic int outcome;         /* result of the future; 1: not known yet */
};

struct fb_pool {
    const struct fb_curl *curl;
    CURLM *multi;
    struct fb_mp_pool *processes; /* NULL: the loop computes */
    int timer, finished;          /* timerfd; eventfd that the pool's thread writes to */
    struct fb_yield yield;
    _Atomic uint32_t never;
    size_t busy;            /* slots that are not FREE */
    struct fb_error broken; /* why the pool can only be closed */
    bool terminated;
    struct slot slot[IN_FLIGHT];
};

/* ---- in a process of the pool ---- */

static int adopt_arena(const void *argument, size_t size)
{
    const struct fb_arena_place *place = argument;
    int fd[FB_ARENA_FILES];
    (void)size;
    for (unsigned i = 0; i < place->files; i++)
        fd[i] = fb_mp_descriptor(i);
    return fb_arena_adopt(place, fd);
}

struct compute_order {
    const struct fb_kernel *kernel;
    const struct fb_input *input;
    void *results;
    size_t item, size;
    int32_t status;
    unsigned char bytes[]; /* [size], as received */
};

static int compute(struct fb_mp_call *call)
{
    static _Atomic uint32_t never;
    struct fb_yield yield = { .request = &never };
    const struct compute_order *order = call->argument;
    const struct fb_arrival arrival = { order->status, order->size, order->bytes };
    order->kernel->finish(order->input, order->item, &arrival, order->results, &yield);
    return 0;
}

/* ---- handing computing over ---- */

struct callback {
    struct slot *slot;
    int fd;
};

/* On the pool's thread. */
static void report_end(struct fb_mp_future *future, void *context)
{
    struct callback *callback = context;
    int fd = callback->fd;
    atomic_store(&callback->slot->outcome, fb_mp_future_result(future, 0, NULL, NULL, NULL));
    free(callback);
    eventfd_write(fd, 1);
}

static int hand_over(struct fb_pool *pool, const struct fb_job *job, struct slot *slot,
                     const struct fb_arrival *arrival)
{
    size_t size = sizeof(struct compute_order) + arrival->size;
    struct compute_order *order = malloc(size);
    struct callback *callback = malloc(sizeof *callback);
    int result = order && callback ? 0 : -ENOMEM;
    if (result == 0) {
        *order = (struct compute_order){ .kernel = job->kernel,
                                         .input = job->input,
                                         .results = job->results,
                                         .item = slot->item,
                                         .size = arrival->size,
                                         .status = arrival->status };
        memcpy(order->bytes, arrival->bytes ? arrival->bytes : "", arrival->size);
        result = fb_mp_submit(pool->processes, compute, order, size, NULL, &slot->future);
    }
    free(order);
    if (result == 0) {
        slot->state = COMPUTED;
        atomic_store(&slot->outcome, 1);
        *callback = (struct callback){ slot, pool->finished };
        result = fb_mp_future_call(slot->future, report_end, callback);
        if (result == 0)
            return 0;
        fb_mp_future_wait(slot->future, FB_MP_FOREVER); /* the task is using the input */
        fb_mp_future_free(slot->future);
    }
    free(callback);
    return result;
}

/* ---- an item, from its start to its result ---- */

static void free_slot(struct fb_pool *pool, struct slot *slot)
{
    slot->state = FREE;
    pool->busy--;
}

static void fail_pool(struct fb_pool *pool, int code, const char *what)
{
    if (pool->broken.code == 0)
        fb_error_set(&pool->broken, code, "eventloop: can't %s: %s", what, strerror(-code));
}

static void begin(struct fb_pool *pool, const struct fb_job *job, struct slot *slot, size_t item)
{
    struct fb_await awaited = { 0 };
    int result = 0;
    job->kernel->await(job->input, item, &awaited);
    slot->item = item;
    pool->busy++;
    if (!awaited.url[0]) {
        slot->state = DELAYED;
        slot->due_ns = fb_now_ns() + awaited.delay_us * 1000;
        return;
    }
    if (!slot->transfer.easy)
        result = fb_transfer_init(&slot->transfer);
    if (result == 0) {
        fb_transfer_aim(&slot->transfer, awaited.url);
        pool->curl->easy_setopt(slot->transfer.easy, CURLOPT_PRIVATE, slot);
        if (pool->curl->multi_add_handle(pool->multi, slot->transfer.easy) != CURLM_OK)
            result = -ENOMEM;
    }
    slot->state = COMING;
    if (result < 0) {
        free_slot(pool, slot);
        fail_pool(pool, result, "begin a transfer");
    }
}

/* The data that the item waited for has arrived. */
static void arrive(struct fb_pool *pool, const struct fb_job *job, struct slot *slot,
                   const struct fb_arrival *arrival)
{
    if (job->kernel->computes && pool->processes && pool->broken.code == 0) {
        int result = hand_over(pool, job, slot, arrival);
        if (result == 0)
            return;
        fail_pool(pool, result, "hand computing over");
    } else if (pool->broken.code == 0) {
        job->kernel->finish(job->input, slot->item, arrival, job->results, &pool->yield);
    }
    free_slot(pool, slot);
}

static void finish_transfers(struct fb_pool *pool, const struct fb_job *job)
{
    int number;
    CURLMsg *message;
    pool->curl->multi_perform(pool->multi, &number);
    while ((message = pool->curl->multi_info_read(pool->multi, &number))) {
        CURLcode code = message->data.result;
        struct slot *slot;
        pool->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &slot);
        pool->curl->multi_remove_handle(pool->multi, slot->transfer.easy);
        const struct fb_arrival arrival = { .status = fb_transfer_status(&slot->transfer, code),
                                            .size = slot->transfer.size,
                                            .bytes = slot->transfer.bytes };
        arrive(pool, job, slot, &arrival);
    }
}

static void finish_computed(struct fb_pool *pool, struct slot *slot)
{
    int outcome = atomic_load(&slot->outcome);
    if (outcome == 1)
        return;
    struct fb_error error = { 0 };
    if (outcome < 0 && pool->broken.code == 0) {
        fb_mp_future_result(slot->future, 0, NULL, NULL, &error);
        fb_error_set(&pool->broken, outcome, "eventloop: %.200s", error.text);
    }
    fb_mp_future_free(slot->future);
    slot->future = NULL;
    free_slot(pool, slot);
}

/* Handles delays that are over and tasks that have ended; sets the timer for the next delay. */
static void check_slots(struct fb_pool *pool, const struct fb_job *job)
{
    static const struct fb_arrival nothing;
    uint64_t now = fb_now_ns(), next = 0;
    eventfd_t count;
    eventfd_read(pool->finished, &count);
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        struct slot *slot = &pool->slot[i];
        if (slot->state == DELAYED && slot->due_ns <= now)
            arrive(pool, job, slot, &nothing);
        else if (slot->state == COMPUTED)
            finish_computed(pool, slot);
        if (slot->state == DELAYED && (next == 0 || slot->due_ns < next))
            next = slot->due_ns;
    }
    const struct itimerspec at = { .it_value = { .tv_sec = (time_t)(next / 1000000000u),
                                                 .tv_nsec = (long)(next % 1000000000u) } };
    timerfd_settime(pool->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Gives up all items, because the job has failed. Also ends the tasks in the pool. */
static void give_up(struct fb_pool *pool)
{
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        struct slot *slot = &pool->slot[i];
        if (slot->state == COMING)
            pool->curl->multi_remove_handle(pool->multi, slot->transfer.easy);
        if (slot->state == COMING || slot->state == DELAYED)
            free_slot(pool, slot);
    }
    if (pool->processes && !pool->terminated)
        fb_mp_pool_terminate(pool->processes);
    pool->terminated = true;
}

static void loop(struct fb_pool *pool, const struct fb_job *job)
{
    struct curl_waitfd event[] = { { .fd = pool->timer, .events = CURL_WAIT_POLLIN },
                                   { .fd = pool->finished, .events = CURL_WAIT_POLLIN } };
    size_t next = 0;
    for (;;) {
        for (size_t i = 0; i < IN_FLIGHT && next < job->items && pool->broken.code == 0; i++)
            if (pool->slot[i].state == FREE)
                begin(pool, job, &pool->slot[i], next++);
        finish_transfers(pool, job);
        check_slots(pool, job);
        if (pool->broken.code)
            give_up(pool);
        if (pool->busy == 0 && (next == job->items || pool->broken.code))
            return;
        if (pool->busy < IN_FLIGHT && next < job->items && pool->broken.code == 0)
            continue;
        pool->curl->multi_poll(pool->multi, event, 2, POLL_MS, NULL);
    }
}

/* ---- the harness ---- */

static int run_plain(struct fb_pool *pool, const struct fb_job *job, struct fb_error *error)
{
    void *scratch = NULL;
    int result = job->kernel->worker_begin ? job->kernel->worker_begin(job->input, &scratch) : 0;
    if (result < 0)
        return fb_error_set(error, result, "worker 0 could not begin %s: %s", job->kernel->name,
                            strerror(-result));
    if (job->items)
        job->kernel->run(job->input, scratch, 0, job->items, job->results, &pool->yield);
    if (job->kernel->worker_end)
        job->kernel->worker_end(scratch);
    return 0;
}

static int run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error)
{
    if (report)
        *report = (struct fb_report){ 0 };
    if (!job->kernel->await)
        return run_plain(pool, job, error);
    if (pool->broken.code == 0)
        loop(pool, job);
    return pool->broken.code ? fb_error_set(error, pool->broken.code, "%s", pool->broken.text) : 0;
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    fb_mp_pool_close(pool->processes);
    for (size_t i = 0; i < IN_FLIGHT; i++)
        if (pool->slot[i].transfer.easy)
            fb_transfer_clear(&pool->slot[i].transfer);
    if (pool->multi)
        pool->curl->multi_cleanup(pool->multi);
    if (pool->curl)
        pool->curl->global_cleanup();
    if (pool->timer >= 0)
        close(pool->timer);
    if (pool->finished >= 0)
        close(pool->finished);
    free(pool);
}

static int open_processes(struct fb_pool *pool, const struct fb_setting *setting,
                          struct fb_error *error)
{
    struct fb_arena_place place;
    int fd[FB_ARENA_FILES];
    fb_arena_place(setting->arena, &place, fd);
    const struct fb_mp_pool_options options = { .workers = setting->workers,
                                                .initializer = adopt_arena,
                                                .argument = &place,
                                                .size = sizeof place,
                                                .fd = fd,
                                                .fds = place.files,
                                                .name = "eventloop" };
    return fb_mp_pool_open(&options, &pool->processes, error);
}

static int open_loop(struct fb_pool *pool, struct fb_error *error)
{
    int result = fb_curl_load(&pool->curl, error);
    if (result < 0) {
        pool->curl = NULL;
        return result;
    }
    if (pool->curl->global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        pool->curl = NULL;
        return fb_error_set(error, -ENOMEM, "libcurl can't begin");
    }
    pool->multi = pool->curl->multi_init();
    pool->timer = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
    pool->finished = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!pool->multi || pool->timer < 0 || pool->finished < 0)
        return fb_error_set(error, pool->multi ? -errno : -ENOMEM, "can't make an event loop");
    return 0;
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return fb_error_set(error, -ENOMEM, "out of memory");
    pool->timer = pool->finished = -1;
    pool->yield.request = &pool->never;
    int result = setting->workers > 1 ? open_processes(pool, setting, error) : 0;
    if (result == 0)
        result = open_loop(pool, error);
    if (result < 0) {
        close_pool(pool);
        return result;
    }
    *ret_pool = pool;
    return 0;
}

const struct fb_harness fb_harness_eventloop = {
    .name = "eventloop",
    .summary = "a peer: one thread that waits for many items at once; processes compute",
    .base = "single",
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
