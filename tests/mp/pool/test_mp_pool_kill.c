/* harness/mp/pool*.c: a worker is killed at every instruction of what it does for a task. The task
 * has one outcome, or none has begun it, and no record and no memory is lost. */
#include "tests/support/stepper.h"

#include "tests/mp/pool/crash_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>

#define SMALL 8u
#define LARGE 200u
#define ITEMS 3u /* of a map's task */
#define PID 4242 /* what the pool is told that the victim's was */
#define VICTIM 1u

/* ---- tasks ---- */

static int do_nothing(struct fb_mp_call *call)
{
    (void)call;
    return 0;
}

/* Argument: how many bytes to give. */
static int give_bytes(struct fb_mp_call *call)
{
    unsigned char size;
    memcpy(&size, call->argument, 1);
    void *room = fb_mp_return_room(call, size);
    if (room)
        memset(room, 'x', size);
    return 0;
}

static int fail_at_length(struct fb_mp_call *call)
{
    static const struct fb_error error = {
        -EIO, "a text of a failure that is longer than a reply which is in its record itself"
    };
    call->error = error;
    return -EIO;
}

static int give_index(struct fb_mp_call *call)
{
    uint64_t *room = fb_mp_return_room(call, sizeof *room);
    if (room)
        *room = call->index + 1;
    return 0;
}

/* ---- the scene ---- */

struct play {
    struct operation operation;
    fb_mp_function function;
    size_t argument, result; /* their sizes; ITEMS: it is a map's */
    unsigned retries;
    bool limited;
};

/* A pool whose only worker, of number 0, is stopped; and what it has to do. */
struct side {
    struct fb_mp_pool *pool;
    struct fb_mp_future *future; /* NULL: the victim has not slept yet */
    struct fb_mp_map *map;       /* its, or NULL */
    uint64_t *results;           /* of a map, in shared memory */
};

struct scene {
    const struct play *play;
    struct side side, other; /* the other one is for victims to do everything once */
    size_t used;
    uint32_t records;
};

static void open_side(struct side *side, const struct play *play)
{
    *side = (struct side){ .pool = crash_pool_open((struct fb_mp_pool_options){
                               .workers = 1, .retries = play->retries }) };
    struct fb_mp_pool *pool = side->pool;
    pool->shared->tasks_per_worker = 1; /* the victim comes back after one */
    pid_t pid = 0;
    uint64_t limit = clock_ms() + LIMIT_MS;
    for (; !pid || atomic_load(&pool_worker(pool->shared, 0)->state) != WORKER_READY;
         sched_yield()) {
        assert_true(clock_ms() < limit);
        pthread_mutex_lock(&pool->mutex);
        pid = fb_mp_supervisor_pid(pool->supervisor, 0);
        pthread_mutex_unlock(&pool->mutex);
    }
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_true(wait_for_stop(pid));
    if (play->result == ITEMS)
        assert_int_equal(fb_mp_alloc(ITEMS * sizeof *side->results, (void **)&side->results), 0);
}

static void close_side(struct side *side)
{
    fb_mp_pool_close(side->pool);
    fb_mp_free(side->results);
}

static void give_task(struct side *side, const struct play *play)
{
    char argument[LARGE] = { (char)play->result };
    const struct fb_mp_task_options options = { .limit_ns = play->limited ? 100 * LIMIT : 0 };
    const struct fb_mp_map_options whole = { .chunk = ITEMS };
    if (play->result != ITEMS) {
        side->future = crash_submit(side->pool, play->function, argument, play->argument, &options);
        return;
    }
    assert_int_equal(fb_mp_map_async(side->pool, play->function, NULL, ITEMS, 0, side->results,
                                     sizeof *side->results, &whole, &side->map),
                     0);
    pthread_mutex_lock(&side->pool->mutex);
    for (uint32_t i = 0; i < side->pool->shared->ring.records; i++)
        if (side->pool->of_record[i])
            side->future = side->pool->of_record[i];
    pthread_mutex_unlock(&side->pool->mutex);
    assert_non_null(side->future);
}

static void give_task_late(struct scene *scene)
{
    give_task(&scene->side, scene->play);
}

static void scene_begin(struct scene *scene)
{
    scene->used = fb_mp_heap_used();
    scene->records = scene->side.pool->free_records;
    scene->side.future = NULL;
    scene->side.map = NULL;
    give_task(&scene->other, scene->play);
    if (!scene->play->operation.asleep)
        give_task(&scene->side, scene->play);
}

static void be_worker(struct side *side)
{
    const struct fb_mp_worker_argument told = { side->pool->shared, VICTIM, 0 };
    pool_worker_main(&told, sizeof told);
}

static void scene_prepare(struct scene *scene)
{
    be_worker(&scene->other);
}

static void scene_run(struct scene *scene)
{
    be_worker(&scene->side);
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

/* What it brought, when it is done. */
static const char *check_done(const struct side *side, const struct play *play, bool finished)
{
    const void *bytes;
    size_t size;
    struct fb_error error = { 0 };
    int code = fb_mp_future_result(side->future, 0, &bytes, &size, &error);
    if (code == -EOWNERDEAD && (finished || play->retries))
        return "it failed although it was done, or was to be tried again";
    if (code == -EOWNERDEAD && !strstr(error.text, "(pid 4242) was killed by signal 9"))
        return "it failed and does not say why";
    if (play->result == ITEMS)
        return check_map(side, code, finished);
    if (code == -EOWNERDEAD)
        return NULL;
    if (play->function == fail_at_length)
        return code == -EIO && strstr(error.text, "in its record itself") ? NULL : "a wrong error";
    if (code != 0 || size != play->result)
        return "a wrong result";
    for (size_t i = 0; i < size; i++)
        if (((const char *)bytes)[i] != 'x')
            return "wrong bytes";
    return NULL;
}

/* Done, or back with those that wait for a worker. */
static const char *check_outcome(struct side *side, const struct play *play, bool finished)
{
    enum fb_mp_future_state state = fb_mp_future_state(side->future);
    if (state == FB_MP_DONE)
        return check_done(side, play, finished);
    if (state != FB_MP_PENDING || finished)
        return finished ? "it is not done" : "it is lost with its worker";
    if (fb_mp_future_cancel(side->future, false) != 0)
        return "what nobody has begun can't be cancelled";
    return fb_mp_future_state(side->future) == FB_MP_CANCELLED ? NULL : "it is not cancelled";
}

static void drop_task(struct side *side)
{
    if (side->map)
        fb_mp_map_free(side->map); /* with its future */
    else
        fb_mp_future_free(side->future);
    side->map = NULL;
    side->future = NULL;
}

static const char *bury(struct side *side)
{
    struct fb_mp_pool *pool = side->pool;
    const struct fb_mp_worker_end end = { .index = VICTIM, .pid = PID, .code = -SIGKILL };
    pthread_mutex_lock(&pool->mutex);
    pool_recover_from_death(pool, &end);
    bool again = pool_recover_from_death(pool, &end);
    pthread_mutex_unlock(&pool->mutex);
    return again ? "the dead one still has something" : NULL;
}

static const char *scene_check(struct scene *scene, bool finished)
{
    struct side *side = &scene->side;
    const struct pool_worker *line = pool_worker(side->pool->shared, VICTIM);
    const char *wrong = bury(side);
    if (!wrong && side->future)
        wrong = check_outcome(side, scene->play, finished);
    if (!wrong && bury(&scene->other))
        wrong = "the first round is not over";
    if (!wrong && fb_mp_future_state(scene->other.future) != FB_MP_DONE)
        wrong = "the first round was not done";
    drop_task(side);
    drop_task(&scene->other);
    if (!wrong && (atomic_load(&line->completed) || atomic_load(&line->begin_ns)))
        wrong = "its line is not clean";
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

static const struct play plays[] = {
    { OPERATION("nothing", 0), do_nothing, 0, 0, 0, false },
    { OPERATION("a small result", 0), give_bytes, 1, SMALL, 0, false },
    { OPERATION("a large result", 0), give_bytes, 1, LARGE, 0, false },
    { OPERATION("a large result, tried again", 0), give_bytes, LARGE, LARGE, 1, false },
    { OPERATION("a failure", 0), fail_at_length, 0, 0, 0, false },
    { OPERATION("a limited one", 0), give_bytes, 1, SMALL, 0, true },
    { OPERATION("items of a map", 0), give_index, 0, ITEMS, 0, false },
    { OPERATION("items of a map, tried again", 0), give_index, 0, ITEMS, 1, false },
    { OPERATION("one that it sleeps for", give_task_late), give_bytes, 1, LARGE, 0, false },
};

static void perform(void **state)
{
    struct scene scene = { .play = *state };
    size_t used = fb_mp_heap_used();
    open_side(&scene.side, scene.play);
    open_side(&scene.other, scene.play);
    stepper_kill_everywhere(&scene.play->operation, &scene);
    close_side(&scene.side);
    close_side(&scene.other);
    assert_int_equal(fb_mp_heap_used(), used);
}

int main(void)
{
    enum { PLAYS = sizeof plays / sizeof *plays };
    struct CMUnitTest tests[PLAYS];
    if (!stepper_set_up()) /* on its one CPU a worker does not spin before it sleeps */
        return EXIT_SKIP;
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    for (size_t i = 0; i < PLAYS; i++)
        tests[i] = (struct CMUnitTest){ .name = plays[i].operation.name,
                                        .test_func = perform,
                                        .initial_state = (void *)&plays[i] };
    return RUN_TESTS(tests);
}
