/* A peer: one thread that waits for many items at once, as an event loop does: for transfers by libcurl's
 * multi interface, for delays by a timer. What is worth a CPU of its own it hands to a pool of
 * processes (from two workers on), which tells through a descriptor when it is done. Work that waits for
 * nothing runs on the loop's thread, and holds it up, as in every event loop. */
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

#define IN_FLIGHT 256 /* items that are waited for or computed at a time */
#define LOOK_MS 1000  /* nothing depends on it */

/* One item in flight. */
struct place {
    enum { FREE, DELAYED, COMING, COMPUTED } state;
    size_t item;
    uint64_t due_ns;             /* DELAYED */
    struct fb_transfer transfer; /* begun when first needed, then kept for the next item */
    struct fb_mp_future *future; /* COMPUTED, by the pool */
    _Atomic int outcome;         /* of it: 1 not known yet */
};

struct fb_pool {
    const struct fb_curl *curl;
    CURLM *multi;
    struct fb_mp_pool *processes; /* NULL: the loop computes itself */
    int timer, told;              /* timerfd; eventfd that the pool's thread writes to */
    struct fb_yield yield;
    _Atomic uint32_t never;
    size_t busy;            /* places */
    struct fb_error broken; /* why it can only be closed */
    bool terminated;
    struct place place[IN_FLIGHT];
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

struct order {
    const struct fb_kernel *kernel;
    const struct fb_input *input;
    void *results;
    size_t item, size;
    int32_t status;
    unsigned char bytes[]; /* [size] that came */
};

static int compute(struct fb_mp_call *call)
{
    static _Atomic uint32_t never;
    struct fb_yield yield = { .request = &never };
    const struct order *order = call->argument;
    const struct fb_arrival arrival = { order->status, order->size, order->bytes };
    order->kernel->finish(order->input, order->item, &arrival, order->results, &yield);
    return 0;
}

/* ---- handing computing over ---- */

struct told {
    struct place *place;
    int fd;
};

/* On the pool's thread. */
static void tell(struct fb_mp_future *future, void *context)
{
    struct told *told = context;
    int fd = told->fd;
    atomic_store(&told->place->outcome, fb_mp_future_result(future, 0, NULL, NULL, NULL));
    free(told);
    eventfd_write(fd, 1);
}

static int hand_over(struct fb_pool *pool, const struct fb_job *job, struct place *place,
                     const struct fb_arrival *arrival)
{
    size_t size = sizeof(struct order) + arrival->size;
    struct order *order = malloc(size);
    struct told *told = malloc(sizeof *told);
    int result = order && told ? 0 : -ENOMEM;
    if (result == 0) {
        *order = (struct order){ .kernel = job->kernel,
                                 .input = job->input,
                                 .results = job->results,
                                 .item = place->item,
                                 .size = arrival->size,
                                 .status = arrival->status };
        memcpy(order->bytes, arrival->bytes ? arrival->bytes : "", arrival->size);
        result = fb_mp_submit(pool->processes, compute, order, size, NULL, &place->future);
    }
    free(order);
    if (result == 0) {
        place->state = COMPUTED;
        atomic_store(&place->outcome, 1);
        *told = (struct told){ place, pool->told };
        result = fb_mp_future_call(place->future, tell, told);
        if (result == 0)
            return 0;
        fb_mp_future_wait(place->future, FB_MP_FOREVER); /* it has the input in its hands */
        fb_mp_future_free(place->future);
    }
    free(told);
    return result;
}

/* ---- an item's way ---- */

static void leave(struct fb_pool *pool, struct place *place)
{
    place->state = FREE;
    pool->busy--;
}

static void break_off(struct fb_pool *pool, int code, const char *what)
{
    if (pool->broken.code == 0)
        fb_error_set(&pool->broken, code, "eventloop: can't %s: %s", what, strerror(-code));
}

static void begin(struct fb_pool *pool, const struct fb_job *job, struct place *place, size_t item)
{
    struct fb_await awaited = { 0 };
    int result = 0;
    job->kernel->await(job->input, item, &awaited);
    place->item = item;
    pool->busy++;
    if (!awaited.url[0]) {
        place->state = DELAYED;
        place->due_ns = fb_now_ns() + awaited.delay_us * 1000;
        return;
    }
    if (!place->transfer.easy)
        result = fb_transfer_init(&place->transfer);
    if (result == 0) {
        fb_transfer_aim(&place->transfer, awaited.url);
        pool->curl->easy_setopt(place->transfer.easy, CURLOPT_PRIVATE, place);
        if (pool->curl->multi_add_handle(pool->multi, place->transfer.easy) != CURLM_OK)
            result = -ENOMEM;
    }
    place->state = COMING;
    if (result < 0) {
        leave(pool, place);
        break_off(pool, result, "begin a transfer");
    }
}

/* What the item waited for is there. */
static void arrive(struct fb_pool *pool, const struct fb_job *job, struct place *place,
                   const struct fb_arrival *arrival)
{
    if (job->kernel->computes && pool->processes && pool->broken.code == 0) {
        int result = hand_over(pool, job, place, arrival);
        if (result == 0)
            return;
        break_off(pool, result, "hand computing over");
    } else if (pool->broken.code == 0) {
        job->kernel->finish(job->input, place->item, arrival, job->results, &pool->yield);
    }
    leave(pool, place);
}

static void take_transfers(struct fb_pool *pool, const struct fb_job *job)
{
    int number;
    CURLMsg *message;
    pool->curl->multi_perform(pool->multi, &number);
    while ((message = pool->curl->multi_info_read(pool->multi, &number))) {
        CURLcode code = message->data.result;
        struct place *place;
        pool->curl->easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &place);
        pool->curl->multi_remove_handle(pool->multi, place->transfer.easy);
        const struct fb_arrival arrival = { .status = fb_transfer_status(&place->transfer, code),
                                            .size = place->transfer.size,
                                            .bytes = place->transfer.bytes };
        arrive(pool, job, place, &arrival);
    }
}

static void take_computed(struct fb_pool *pool, struct place *place)
{
    int outcome = atomic_load(&place->outcome);
    if (outcome == 1)
        return;
    struct fb_error error = { 0 };
    if (outcome < 0 && pool->broken.code == 0) {
        fb_mp_future_result(place->future, 0, NULL, NULL, &error);
        fb_error_set(&pool->broken, outcome, "eventloop: %.200s", error.text);
    }
    fb_mp_future_free(place->future);
    place->future = NULL;
    leave(pool, place);
}

/* Delays that are over and results that were told; the timer is set for the next delay. */
static void look_at_places(struct fb_pool *pool, const struct fb_job *job)
{
    static const struct fb_arrival nothing;
    uint64_t now = fb_now_ns(), next = 0;
    eventfd_t count;
    eventfd_read(pool->told, &count);
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        struct place *place = &pool->place[i];
        if (place->state == DELAYED && place->due_ns <= now)
            arrive(pool, job, place, &nothing);
        else if (place->state == COMPUTED)
            take_computed(pool, place);
        if (place->state == DELAYED && (next == 0 || place->due_ns < next))
            next = place->due_ns;
    }
    const struct itimerspec at = { .it_value = { .tv_sec = (time_t)(next / 1000000000u),
                                                 .tv_nsec = (long)(next % 1000000000u) } };
    timerfd_settime(pool->timer, TFD_TIMER_ABSTIME, &at, NULL);
}

/* Nothing more is waited for: the job has failed. What the pool's processes work at is ended, too. */
static void give_up(struct fb_pool *pool)
{
    for (size_t i = 0; i < IN_FLIGHT; i++) {
        struct place *place = &pool->place[i];
        if (place->state == COMING)
            pool->curl->multi_remove_handle(pool->multi, place->transfer.easy);
        if (place->state == COMING || place->state == DELAYED)
            leave(pool, place);
    }
    if (pool->processes && !pool->terminated)
        fb_mp_pool_terminate(pool->processes);
    pool->terminated = true;
}

static void loop(struct fb_pool *pool, const struct fb_job *job)
{
    struct curl_waitfd event[] = { { .fd = pool->timer, .events = CURL_WAIT_POLLIN },
                                   { .fd = pool->told, .events = CURL_WAIT_POLLIN } };
    size_t next = 0;
    for (;;) {
        for (size_t i = 0; i < IN_FLIGHT && next < job->items && pool->broken.code == 0; i++)
            if (pool->place[i].state == FREE)
                begin(pool, job, &pool->place[i], next++);
        take_transfers(pool, job);
        look_at_places(pool, job);
        if (pool->broken.code)
            give_up(pool);
        if (pool->busy == 0 && (next == job->items || pool->broken.code))
            return;
        if (pool->busy < IN_FLIGHT && next < job->items && pool->broken.code == 0)
            continue;
        pool->curl->multi_poll(pool->multi, event, 2, LOOK_MS, NULL);
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
        if (pool->place[i].transfer.easy)
            fb_transfer_clear(&pool->place[i].transfer);
    if (pool->multi)
        pool->curl->multi_cleanup(pool->multi);
    if (pool->curl)
        pool->curl->global_cleanup();
    if (pool->timer >= 0)
        close(pool->timer);
    if (pool->told >= 0)
        close(pool->told);
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
    pool->told = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (!pool->multi || pool->timer < 0 || pool->told < 0)
        return fb_error_set(error, pool->multi ? -errno : -ENOMEM, "can't make an event loop");
    return 0;
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    if (!pool)
        return fb_error_set(error, -ENOMEM, "out of memory");
    pool->timer = pool->told = -1;
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
    .summary = "a peer: one thread that waits for many items at once; what they compute then goes "
               "to processes",
    .base = "single",
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
