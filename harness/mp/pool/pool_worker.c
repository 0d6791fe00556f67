/* A worker of a pool: claims tasks, runs them and completes them with their results. */
#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/pool/pool_shared.h"
#include "harness/mp/process/forkserver_messages.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPINS_PER_LOOK 32

bool pool_in_worker;

struct worker {
    struct pool_shared *shared;
    struct pool_worker *self;
    unsigned index;
    int notify_fd;
    uint64_t position; /* in the ring, of the task that it has claimed */
};

struct fb_mp_reply {
    struct task_record *record;
    char *place; /* of an item of a map: where its result is stored; NULL: not a map */
    size_t place_size;
};

/* ---- results ---- */

static void drop_reply(struct task_record *record)
{
    record->reply_size = 0;
    fb_mp_free_at(&record->reply_memory);
}

void *fb_mp_return_room(struct fb_mp_call *call, size_t size)
{
    struct fb_mp_reply *reply = call->reply;
    struct task_record *record = reply->record;
    if (reply->place && size == reply->place_size)
        return reply->place;
    if (reply->place || size > UINT32_MAX) {
        fb_error_set(&call->error, -EMSGSIZE, "a result of %zu bytes where there is room for %zu",
                     size, reply->place ? reply->place_size : (size_t)UINT32_MAX);
        return NULL;
    }
    drop_reply(record);
    int result = size > TASK_REPLY ? fb_mp_alloc_at(size, &record->reply_memory) : 0;
    if (result < 0) {
        fb_error_set(&call->error, result, "no shared memory for a result of %zu bytes: %s", size,
                     strerror(-result));
        return NULL;
    }
    record->reply_size = (uint32_t)size;
    return size > TASK_REPLY ? record->reply_memory : record->reply;
}

int fb_mp_return(struct fb_mp_call *call, const void *bytes, size_t size)
{
    void *room = fb_mp_return_room(call, size);
    if (!room)
        return call->error.code;
    if (size)
        memcpy(room, bytes, size);
    return 0;
}

/* Stores the error of the task, or of item index of a map, in place of a result. The code is stored
 * last: if the worker is killed before that, the task has no error. */
static void note_failure(struct task_record *record, uint64_t index, int code,
                         const struct fb_error *error)
{
    size_t size = error->code ? strlen(error->text) : 0;
    drop_reply(record);
    if (size > TASK_REPLY && fb_mp_alloc_at(size, &record->reply_memory) < 0)
        size = TASK_REPLY; /* the beginning of the text */
    memcpy(size > TASK_REPLY ? record->reply_memory : record->reply, error->text, size);
    record->reply_size = (uint32_t)size;
    record->index = index;
    atomic_store_explicit(&record->code, code, memory_order_release);
}

/* ---- running ---- */

static fb_mp_function function_of(const struct pool_shared *shared, fb_mp_function known)
{
    return shared->method == FB_MP_FORK ? known : fb_mp_registry_at((uintptr_t)known)->function;
}

/* Runs items first … last - 1 by one call. */
static void run_items(struct task_record *record, fb_mp_function function, uint64_t first,
                      uint64_t last)
{
    const struct pool_bound *bound = record->bound;
    size_t count = last - first;
    struct fb_mp_reply reply = { .record = record, .place_size = count * bound->result_size };
    struct fb_mp_call call = { .argument =
                                   bound->items ? bound->items + first * bound->item_size : NULL,
                               .size = bound->items ? count * bound->item_size : 0,
                               .bound = bound->bytes,
                               .bound_size = bound->size,
                               .index = bound->first + first,
                               .count = count,
                               .reply = &reply };
    reply.place = bound->results ? bound->results + first * bound->result_size : record->reply;
    int result = function(&call);
    for (uint64_t i = first; i < last && bound->codes; i++)
        bound->codes[i] = result < 0 ? result : 0;
    if (result >= 0)
        return;
    if (bound->results)
        memset(reply.place, 0, reply.place_size);
    if (record->code < 0)
        return;
    note_failure(record, first, result, &call.error);
}

static void run_map(struct task_record *record, fb_mp_function function)
{
    const struct pool_bound *bound = record->bound;
    size_t step = bound->whole ? bound->chunk : 1;
    uint64_t range[2];
    memcpy(range, record->argument, sizeof range);
    for (uint64_t i = range[0]; i < range[1]; i += step) {
        atomic_store_explicit(&record->at_item, i, memory_order_release);
        run_items(record, function, i, range[1] - i < step ? range[1] : i + step);
    }
    atomic_store_explicit(&record->at_item, range[1], memory_order_release);
}

static void run_one(struct task_record *record, fb_mp_function function)
{
    const struct pool_bound *bound = record->bound;
    struct fb_mp_reply reply = { .record = record };
    struct fb_mp_call call = { .argument =
                                   record->memory ? record->memory : (void *)record->argument,
                               .size = record->size,
                               .bound = bound ? bound->bytes : NULL,
                               .bound_size = bound ? bound->size : 0,
                               .index = record->index,
                               .count = 1,
                               .reply = &reply };
    int result = function(&call);
    if (result < 0)
        note_failure(record, record->index, result, &call.error);
}

static void run(struct worker *worker, struct task_record *record)
{
    fb_mp_function function = function_of(worker->shared, record->function);
    bool limited = atomic_load_explicit(&record->flags, memory_order_relaxed) & TASK_HAS_LIMIT;
    if (limited) {
        atomic_store(&worker->self->begin_ns, fb_mp_now());
        pool_notify_service(worker->notify_fd);
    }
    if (record->bound && record->bound->is_map)
        run_map(record, function);
    else
        run_one(record, function);
    if (limited)
        atomic_store(&worker->self->begin_ns, 0);
}

/* ---- claiming and completing ---- */

/* The owner has revoked the task and has no more use for this worker. */
static _Noreturn void exit_revoked(struct task_record *record)
{
    drop_reply(record);
    exit(0);
}

static struct task_record *claim(struct worker *worker)
{
    return task_claim(&worker->shared->ring, worker->index, &worker->position);
}

static void complete(struct worker *worker, struct task_record *record)
{
    struct pool_shared *shared = worker->shared;
    if (!task_mark_done(record, worker->position, worker->index))
        exit_revoked(record);
    task_list_completed(&shared->ring, record, worker->index, &worker->self->completed);
    fb_mp_eventcount_notify(&shared->tasks_done, 1);
    if (atomic_load(&record->flags) & TASK_HAS_CALLBACK)
        pool_notify_service(worker->notify_fd);
}

/* Asks the owner to refill the ring, once half of its tasks have been claimed. */
static void ask_for_refill(struct worker *worker)
{
    _Atomic uint64_t *at = &worker->shared->refill_at;
    if (worker->position >= atomic_load_explicit(at, memory_order_relaxed) &&
        atomic_exchange(at, UINT64_MAX) != UINT64_MAX)
        pool_notify_service(worker->notify_fd);
}

/* ---- the loop ---- */

static bool must_leave(const struct worker *worker)
{
    return atomic_load(&worker->shared->quit) || atomic_load(&worker->self->must_leave);
}

static struct task_record *spin(struct worker *worker)
{
    struct task_record *record = claim(worker);
    int64_t spin_ns = atomic_load_explicit(&worker->shared->spin_ns, memory_order_relaxed);
    int64_t begin = record || spin_ns == 0 ? 0 : fb_mp_now();
    while (!record && spin_ns > 0 && fb_mp_now() - begin < spin_ns)
        for (int i = 0; i < SPINS_PER_LOOK && !record; i++) {
            fb_mp_relax();
            record = claim(worker);
        }
    return record;
}

/* Returns the next task, or NULL if the worker must leave. */
static struct task_record *next_task(struct worker *worker)
{
    struct pool_shared *shared = worker->shared;
    struct task_record *record = must_leave(worker) ? NULL : spin(worker);
    int64_t leaves_at = shared->idle_ns ? fb_mp_deadline(shared->idle_ns) : FB_MP_FOREVER;
    while (!record && !must_leave(worker)) {
        uint32_t ticket = fb_mp_eventcount_prepare(&shared->tasks_ready);
        if ((record = claim(worker)) || must_leave(worker))
            break;
        if (!fb_mp_sleep(&shared->tasks_ready, ticket, leaves_at))
            return NULL;
        record = claim(worker);
    }
    return record;
}

/* Whether the owner has not replaced this worker before it began. Holds the slot's mutex from
 * here to the end of the process. */
static bool is_current(const struct worker *worker, uint32_t generation)
{
    struct pool_worker *self = worker->self;
    fb_mp_mutex_take(&self->alive, FB_MP_FOREVER);
    atomic_store(&self->pid, getpid());
    return atomic_load(&self->generation) == generation;
}

static int initialize(struct pool_shared *shared)
{
    if (!shared->initializer)
        return 0;
    fb_mp_run initializer = shared->initializer;
    if (shared->method == FB_MP_SPAWN)
        initializer = fb_mp_registry_at((uintptr_t)initializer - 1)->run;
    int result = initializer(shared->argument, shared->argument_size);
    int none = 0;
    atomic_compare_exchange_strong(&shared->initialized, &none, result);
    return result;
}

int pool_worker_main(const void *argument, size_t size)
{
    const struct fb_mp_worker_argument *own = argument;
    struct worker worker = { .shared = own->shared, .index = own->index };
    (void)size;
    pool_in_worker = true;
    worker.self = pool_worker(worker.shared, worker.index);
    worker.notify_fd = fb_mp_descriptor(worker.shared->notify_descriptor);
    signal(SIGINT, SIG_IGN); /* Ctrl-C is handled by the owner */
    if (!is_current(&worker, own->generation))
        return 0;
    if (initialize(worker.shared) != 0)
        return 1;
    atomic_store(&worker.self->state, WORKER_READY);
    pool_notify_service(worker.notify_fd);
    struct task_record *record;
    for (uint64_t tasks = 0; (record = next_task(&worker)) != NULL;) {
        ask_for_refill(&worker);
        run(&worker, record);
        complete(&worker, record);
        ask_for_refill(&worker);
        if (++tasks == worker.shared->tasks_per_worker)
            break;
    }
    return 0;
}

/* So that it can be spawned by any program. */
__attribute__((constructor)) static void add_task(void)
{
    static const struct fb_mp_task task = { .name = "fb-mp-pool-worker", .run = pool_worker_main };
    fb_mp_registry_add(&task);
}
