/* A pool's worker: begins tasks, and gives what they brought. */
#include "harness/mp/core/heap.h"
#include "harness/mp/core/mutex.h"
#include "harness/mp/pool/pool_shared.h"
#include "harness/mp/process/forkserver.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SPINS_A_LOOK 32

bool pool_in_worker;

struct worker {
    struct pool_shared *shared;
    struct pool_worker *self;
    unsigned index;
    int tell;
    uint64_t position; /* in the ring, of the task that it is at */
};

struct fb_mp_reply {
    struct pool_record *record;
    char *place; /* of a map's item: where its result belongs; NULL: no map */
    size_t place_size;
};

/* ---- results ---- */

static void drop_reply(struct pool_record *record)
{
    record->reply_size = 0;
    fb_mp_free_at(&record->reply_memory);
}

void *fb_mp_return_room(struct fb_mp_call *call, size_t size)
{
    struct fb_mp_reply *reply = call->reply;
    struct pool_record *record = reply->record;
    if (reply->place && size == reply->place_size)
        return reply->place;
    if (reply->place || size > UINT32_MAX) {
        fb_error_set(&call->error, -EMSGSIZE, "a result of %zu bytes where there is room for %zu",
                     size, reply->place ? reply->place_size : (size_t)UINT32_MAX);
        return NULL;
    }
    drop_reply(record);
    int result = size > POOL_REPLY ? fb_mp_alloc_at(size, &record->reply_memory) : 0;
    if (result < 0) {
        fb_error_set(&call->error, result, "no shared memory for a result of %zu bytes: %s", size,
                     strerror(-result));
        return NULL;
    }
    record->reply_size = (uint32_t)size;
    return size > POOL_REPLY ? record->reply_memory : record->reply;
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

/* What it, or item index of a map, failed with, in place of a result. The code comes last: without
 * it nothing was noted. */
static void note_failure(struct pool_record *record, uint64_t index, int code,
                         const struct fb_error *error)
{
    size_t size = error->code ? strlen(error->text) : 0;
    drop_reply(record);
    if (size > POOL_REPLY && fb_mp_alloc_at(size, &record->reply_memory) < 0)
        size = POOL_REPLY; /* some of it */
    memcpy(size > POOL_REPLY ? record->reply_memory : record->reply, error->text, size);
    record->reply_size = (uint32_t)size;
    record->index = index;
    atomic_store_explicit(&record->code, code, memory_order_release);
}

/* ---- running ---- */

static fb_mp_function function_of(const struct pool_shared *shared, fb_mp_function known)
{
    return shared->method == FB_MP_FORK ? known : fb_mp_registry_at((uintptr_t)known)->function;
}

/* Items first … last - 1 by one call. */
static void run_items(struct pool_record *record, fb_mp_function function, uint64_t first,
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

static void run_map(struct pool_record *record, fb_mp_function function)
{
    const struct pool_bound *bound = record->bound;
    size_t step = bound->whole ? bound->chunk : 1;
    uint64_t range[2];
    memcpy(range, record->argument, sizeof range);
    for (uint64_t i = range[0]; i < range[1]; i += step) {
        atomic_store_explicit(&record->at, i, memory_order_release);
        run_items(record, function, i, range[1] - i < step ? range[1] : i + step);
    }
    atomic_store_explicit(&record->at, range[1], memory_order_release);
}

static void run_one(struct pool_record *record, fb_mp_function function)
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

static void run(struct worker *worker, struct pool_record *record)
{
    fb_mp_function function = function_of(worker->shared, record->function);
    bool limited = atomic_load_explicit(&record->flags, memory_order_relaxed) & RECORD_LIMITED;
    if (limited) {
        atomic_store(&worker->self->begin_ns, fb_mp_now());
        pool_notify_service(worker->tell);
    }
    if (record->bound && record->bound->is_map)
        run_map(record, function);
    else
        run_one(record, function);
    if (limited)
        atomic_store(&worker->self->begin_ns, 0);
}

/* ---- taking and giving ---- */

/* Begins the first task that is there. */
static struct pool_record *take(struct worker *worker)
{
    struct pool_shared *shared = worker->shared;
    uint64_t head = atomic_load(&shared->head);
    for (;;) {
        uint64_t entry = atomic_load(&shared->ring[head & (shared->records - 1)]);
        if (entry >> 16 != head + 1) {
            uint64_t now = atomic_load(&shared->head);
            if (now == head)
                return NULL;
            head = now;
            continue;
        }
        struct pool_record *record = &shared->record[entry & 0xffff];
        uint64_t ready = pool_word(head, TASK_READY, 0), position = head;
        bool taken = atomic_compare_exchange_strong(&record->word, &ready,
                                                    pool_word(head, TASK_CLAIMED, worker->index));
        atomic_compare_exchange_strong(&shared->head, &head, position + 1);
        if (taken) {
            worker->position = position;
            return record;
        }
        head = atomic_load(&shared->head); /* somebody else has it, or it was withdrawn */
    }
}

/* A task that its owner has given up: nobody wants anything of this worker any more. */
static _Noreturn void exit_revoked(struct pool_record *record)
{
    drop_reply(record);
    exit(0);
}

static void give(struct worker *worker, struct pool_record *record)
{
    struct pool_shared *shared = worker->shared;
    struct pool_worker *self = worker->self;
    uint64_t taken = pool_word(worker->position, TASK_CLAIMED, worker->index);
    uint64_t bit = (uint64_t)1 << worker->index % 64;
    _Atomic uint64_t *has_done = &shared->has_done[worker->index / 64];
    uint32_t number = (uint32_t)(record - shared->record) + 1;
    if (!atomic_compare_exchange_strong(&record->word, &taken,
                                        pool_word(worker->position, TASK_DONE, worker->index)))
        exit_revoked(record);
    record->next = atomic_load_explicit(&self->done, memory_order_relaxed);
    while (!atomic_compare_exchange_weak(&self->done, &record->next, number))
        ;
    if (!(atomic_load(has_done) & bit))
        atomic_fetch_or(has_done, bit);
    fb_mp_eventcount_notify(&shared->done, 1);
    if (atomic_load(&record->flags) & RECORD_TELLS)
        pool_notify_service(worker->tell);
}

/* When half of what is there has been begun, and if nobody said so then, also when it is done. */
static void ask_for_more(struct worker *worker)
{
    _Atomic uint64_t *at = &worker->shared->refill_at;
    if (worker->position >= atomic_load_explicit(at, memory_order_relaxed) &&
        atomic_exchange(at, UINT64_MAX) != UINT64_MAX)
        pool_notify_service(worker->tell);
}

/* ---- the loop ---- */

static bool is_to_leave(const struct worker *worker)
{
    return atomic_load(&worker->shared->quit) || atomic_load(&worker->self->leaves);
}

static struct pool_record *spin(struct worker *worker)
{
    struct pool_record *record = take(worker);
    int64_t spin_ns = atomic_load_explicit(&worker->shared->spin_ns, memory_order_relaxed);
    int64_t begin = record || spin_ns == 0 ? 0 : fb_mp_now();
    while (!record && spin_ns > 0 && fb_mp_now() - begin < spin_ns)
        for (int i = 0; i < SPINS_A_LOOK && !record; i++) {
            fb_mp_relax();
            record = take(worker);
        }
    return record;
}

/* The next task, or NULL: it is to leave. */
static struct pool_record *next(struct worker *worker)
{
    struct pool_shared *shared = worker->shared;
    struct pool_record *record = is_to_leave(worker) ? NULL : spin(worker);
    int64_t leaves_at = shared->idle_ns ? fb_mp_deadline(shared->idle_ns) : FB_MP_FOREVER;
    while (!record && !is_to_leave(worker)) {
        uint32_t heard = fb_mp_eventcount_prepare(&shared->items);
        if ((record = take(worker)) || is_to_leave(worker))
            break;
        if (!fb_mp_sleep(&shared->items, heard, leaves_at))
            return NULL;
        record = take(worker);
    }
    return record;
}

/* Whether its owner still wants it. */
static bool is_wanted(const struct worker *worker, uint32_t life)
{
    struct pool_worker *self = worker->self;
    fb_mp_mutex_take(&self->alive, FB_MP_FOREVER); /* until it ends */
    atomic_store(&self->pid, getpid());
    return atomic_load(&self->life) == life;
}

static int begin(struct pool_shared *shared)
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
    const struct fb_mp_worker_argument *told = argument;
    struct worker worker = { .shared = told->shared, .index = told->index };
    (void)size;
    pool_in_worker = true;
    worker.self = pool_worker(worker.shared, worker.index);
    worker.tell = fb_mp_descriptor(worker.shared->tell);
    signal(SIGINT, SIG_IGN); /* what Ctrl-C means is for the owner to decide */
    if (!is_wanted(&worker, told->life))
        return 0;
    if (begin(worker.shared) != 0)
        return 1;
    atomic_store(&worker.self->state, WORKER_READY);
    pool_notify_service(worker.tell);
    struct pool_record *record;
    for (uint64_t tasks = 0; (record = next(&worker)) != NULL;) {
        ask_for_more(&worker);
        run(&worker, record);
        give(&worker, record);
        ask_for_more(&worker);
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
