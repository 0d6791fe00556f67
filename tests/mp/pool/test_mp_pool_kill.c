/* harness/mp/pool: a worker is killed at each instruction of what it does for a task. Afterwards
 * the task is pending, or has one outcome, and no record and no memory is lost. */
#include "tests/support/stepper.h"

#include "tests/mp/pool/crash_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#define SMALL 8u
#define LARGE 200u
#define ITEMS 3u /* of the task of a map */
#define PID 4242 /* the pid of the victim, as reported to the pool */
#define VICTIM 1u

/* ---- tasks ---- */

static int do_nothing(struct fb_mp_call *call)
{
    (void)call;
    return 0;
}

/* The argument is the size of the result. */
static int return_bytes(struct fb_mp_call *call)
{
    unsigned char size;
    memcpy(&size, call->argument, 1);
    void *room = fb_mp_return_room(call, size);
    if (room)
        memset(room, 'x', size);
    return 0;
}

static int fail_with_long_text(struct fb_mp_call *call)
{
    static const struct fb_error error = {
        -EIO, "the text of an error that is longer than a reply that fits into the record itself"
    };
    call->error = error;
    return -EIO;
}

static int return_index(struct fb_mp_call *call)
{
    uint64_t *room = fb_mp_return_room(call, sizeof *room);
    if (room)
        *room = call->index + 1;
    return 0;
}

/* ---- the scene ---- */

struct variant {
    struct operation operation;
    fb_mp_function function;
    size_t argument, result; /* sizes; a result of ITEMS means a map */
    unsigned retries;
    bool limited;
};

/* A pool whose only worker, number 0, is stopped, and its task, which the victim runs. */
struct side {
    struct fb_mp_pool *pool;
    struct fb_mp_future *future; /* NULL: not submitted, as the victim has not slept yet */
    struct fb_mp_map *map;       /* that the future belongs to, or NULL */
    uint64_t *results;           /* of the map, in shared memory */
};

struct scene {
    const struct variant *variant;
    struct side side, other; /* victims run the task of other first, at full speed */
    size_t used;
    uint32_t records;
};

static void open_side(struct side *side, const struct variant *variant)
{
    *side = (struct side){ .pool = crash_pool_open_stopped(
                               (struct fb_mp_pool_options){ .retries = variant->retries }) };
    side->pool->shared->tasks_per_worker = 1; /* pool_worker_main returns after one */
    if (variant->result == ITEMS)
        assert_int_equal(fb_mp_alloc(ITEMS * sizeof *side->results, (void **)&side->results), 0);
}

static void close_side(struct side *side)
{
    fb_mp_pool_close(side->pool);
    fb_mp_free(side->results);
}

static void submit_task(struct side *side, const struct variant *variant)
{
    char argument[LARGE] = { (char)variant->result };
    const struct fb_mp_task_options options = { .limit_ns = variant->limited ? 100 * LIMIT_NS : 0 };
    const struct fb_mp_map_options whole = { .chunk = ITEMS };
    if (variant->result != ITEMS) {
        side->future =
            crash_submit(side->pool, variant->function, argument, variant->argument, &options);
        return;
    }
    assert_int_equal(fb_mp_map_async(side->pool, variant->function, NULL, ITEMS, 0, side->results,
                                     sizeof *side->results, &whole, &side->map),
                     0);
    pthread_mutex_lock(&side->pool->mutex);
    for (uint32_t i = 0; i < side->pool->shared->ring.records; i++)
        if (side->pool->of_record[i])
            side->future = side->pool->of_record[i];
    pthread_mutex_unlock(&side->pool->mutex);
    assert_non_null(side->future);
}

static void submit_late(struct scene *scene)
{
    submit_task(&scene->side, scene->variant);
}

static void scene_begin(struct scene *scene)
{
    scene->used = fb_mp_heap_used();
    scene->records = scene->side.pool->free_records;
    scene->side.future = NULL;
    scene->side.map = NULL;
    submit_task(&scene->other, scene->variant);
    if (!scene->variant->operation.asleep)
        submit_task(&scene->side, scene->variant);
}

static void run_worker(struct side *side)
{
    const struct fb_mp_worker_argument argument = { side->pool->shared, VICTIM, 0 };
    pool_worker_main(&argument, sizeof argument);
}

static void scene_prepare(struct scene *scene)
{
    run_worker(&scene->other);
}

static void scene_run(struct scene *scene)
{
    run_worker(&scene->side);
}

/* ---- afterwards ---- */

static const char *check_map(const struct side *side, int code, bool finished)
{
    unsigned lost = 0;
    for (uint64_t i = 0; i < ITEMS; i++) {
        if (side->results[i] != i + 1 && side->results[i] != 0)
            return "an item has a wrong result";
        lost += side->results[i] == 0;
    }
    if (lost && (finished || code == 0))
        return "an item is lost";
    return NULL;
}

/* The outcome of a task that is done. */
static const char *check_done(const struct side *side, const struct variant *variant, bool finished)
{
    const void *bytes;
    size_t size;
    struct fb_error error = { 0 };
    int code = fb_mp_future_result(side->future, 0, &bytes, &size, &error);
    if (code == -EOWNERDEAD && (finished || variant->retries))
        return "it failed although it was done, or should be run again";
    if (code == -EOWNERDEAD && !strstr(error.text, "(pid 4242) was killed by signal 9"))
        return "the error does not say why it failed";
    if (variant->result == ITEMS)
        return check_map(side, code, finished);
    if (code == -EOWNERDEAD)
        return NULL;
    if (variant->function == fail_with_long_text)
        return code == -EIO && strstr(error.text, "into the record itself") ? NULL
                                                                            : "a wrong error";
    if (code != 0 || size != variant->result)
        return "a wrong result";
    for (size_t i = 0; i < size; i++)
        if (((const char *)bytes)[i] != 'x')
            return "wrong bytes";
    return NULL;
}

/* The task is done, or pending again. */
static const char *check_outcome(struct side *side, const struct variant *variant, bool finished)
{
    enum fb_mp_future_state state = fb_mp_future_state(side->future);
    if (state == FB_MP_DONE)
        return check_done(side, variant, finished);
    if (state != FB_MP_PENDING || finished)
        return finished ? "it is not done" : "it is lost with its worker";
    if (fb_mp_future_cancel(side->future, false) != 0)
        return "a pending task can't be cancelled";
    return fb_mp_future_state(side->future) == FB_MP_CANCELLED ? NULL : "it is not cancelled";
}

static void free_task(struct side *side)
{
    if (side->map)
        fb_mp_map_free(side->map); /* frees the future too */
    else
        fb_mp_future_free(side->future);
    side->map = NULL;
    side->future = NULL;
}

static const char *recover(struct side *side)
{
    struct fb_mp_pool *pool = side->pool;
    const struct fb_mp_worker_end end = { .index = VICTIM, .pid = PID, .code = -SIGKILL };
    pthread_mutex_lock(&pool->mutex);
    pool_recover_from_death(pool, &end);
    bool again = pool_recover_from_death(pool, &end);
    pthread_mutex_unlock(&pool->mutex);
    return again ? "the killed worker still has a task" : NULL;
}

static const char *scene_check(struct scene *scene, bool finished)
{
    struct side *side = &scene->side;
    const struct pool_worker *worker = pool_worker(side->pool->shared, VICTIM);
    const char *wrong = recover(side);
    if (!wrong && side->future)
        wrong = check_outcome(side, scene->variant, finished);
    if (!wrong && recover(&scene->other))
        wrong = "the task of other is not recovered";
    if (!wrong && fb_mp_future_state(scene->other.future) != FB_MP_DONE)
        wrong = "the task of other is not done";
    free_task(side);
    free_task(&scene->other);
    if (!wrong && (atomic_load(&worker->completed) || atomic_load(&worker->begin_ns)))
        wrong = "the slot of the worker is not clean";
    if (!wrong && (side->pool->free_records != scene->records || side->pool->unfinished ||
                   side->pool->limited))
        wrong = "a record is lost";
    return !wrong && fb_mp_heap_used() != scene->used ? "memory is lost" : wrong;
}

/* ---- */

#define OPERATION(name, asleep)                                                                    \
    {                                                                                              \
        name, scene_begin, scene_prepare, NULL, scene_run, asleep, scene_check                     \
    }

static const struct variant variants[] = {
    { OPERATION("nothing", 0), do_nothing, 0, 0, 0, false },
    { OPERATION("a small result", 0), return_bytes, 1, SMALL, 0, false },
    { OPERATION("a large result", 0), return_bytes, 1, LARGE, 0, false },
    { OPERATION("a large result, run again", 0), return_bytes, LARGE, LARGE, 1, false },
    { OPERATION("a failure", 0), fail_with_long_text, 0, 0, 0, false },
    { OPERATION("a task with a limit", 0), return_bytes, 1, SMALL, 0, true },
    { OPERATION("items of a map", 0), return_index, 0, ITEMS, 0, false },
    { OPERATION("items of a map, run again", 0), return_index, 0, ITEMS, 1, false },
    { OPERATION("a task that the worker sleeps for", submit_late), return_bytes, 1, LARGE, 0,
      false },
};

static void kill_at_each_instruction(void **state)
{
    struct scene scene = { .variant = *state };
    size_t used = fb_mp_heap_used();
    open_side(&scene.side, scene.variant);
    open_side(&scene.other, scene.variant);
    stepper_kill_everywhere(&scene.variant->operation, &scene);
    close_side(&scene.side);
    close_side(&scene.other);
    assert_int_equal(fb_mp_heap_used(), used);
}

int main(void)
{
    enum { VARIANTS = sizeof variants / sizeof *variants };
    struct CMUnitTest tests[VARIANTS];
    if (!stepper_set_up()) /* bound to one CPU, a worker does not spin before it sleeps */
        return EXIT_SKIP;
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    for (size_t i = 0; i < VARIANTS; i++)
        tests[i] = (struct CMUnitTest){ .name = variants[i].operation.name,
                                        .test_func = kill_at_each_instruction,
                                        .initial_state = (void *)&variants[i] };
    return RUN_TESTS(tests);
}
