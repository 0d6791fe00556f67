/* harness/mp/channel/queue*.c: a process is killed at every instruction of an operation on a queue.
 * The others are not blocked, and no message is lost or arrives twice. */
#include "tests/mp/channel/queue_death_fixture.h"

#include <errno.h>
#include <string.h>

/* ---- putting ---- */

/* The test process makes room. */
static void make_room(struct scene *scene)
{
    scene_take_one(scene);
}

/* The queue has four slots, of which three may be used. */
static void fill_up(struct scene *scene)
{
    assert_int_equal(scene_put(scene, S, 0), 0);
    scene->must |= S;
}

static void reserve_one(struct scene *scene)
{
    void *memory;
    if (fb_mp_queue_reserve(scene->queue, scene->death_case->size, &memory) == 0)
        memcpy(memory, scene_message(V), scene->death_case->size);
}

static void commit_one(struct scene *scene)
{
    fb_mp_queue_commit(scene->queue, LIMIT_NS);
}

static void reserve_and_commit(struct scene *scene)
{
    reserve_one(scene);
    commit_one(scene);
}

static int wait_for_one(struct scene *scene)
{
    int result = scene_get(scene, LIMIT_NS);
    return result != 0 && result != -EPIPE;
}

/* A sleeper is woken by the victim if that has put a message or closed the queue, otherwise by H.
 * It exits without having done its message. */
static const char *help_getter(struct scene *scene, bool finished)
{
    fb_mp_queue_abandoned(scene->queue);
    if (!finished && fb_mp_queue_size(scene->queue) == 0 && scene_put(scene, H, 0) == 0)
        scene->must |= H;
    return sleeper_ends(&scene->sleeper) ? NULL : "the sleeper is not woken";
}

/* ---- getting ---- */

static void put_for_victim(struct scene *scene)
{
    assert_int_equal(scene_put(scene, V, 0), 0);
    scene->must |= V;
}

static int put_in_turn(struct scene *scene)
{
    int result = scene_put(scene, S, LIMIT_NS);
    return result != 0 && result != -EPIPE;
}

/* The sleeper is woken by the victim if that has made room, otherwise by the test's take. */
static const char *help_putter(struct scene *scene, bool finished)
{
    fb_mp_queue_abandoned(scene->queue);
    if (!finished && fb_mp_queue_size(scene->queue) == scene->death_case->capacity &&
        scene_get_tallied(scene, 0) != 0)
        return "no message can be taken from the full queue";
    scene->must |= S;
    return sleeper_ends(&scene->sleeper) ? NULL : "the sleeper is not woken";
}

/* The call of get ends the work on the message before. */
static void get_another(struct scene *scene)
{
    scene_report_begin(scene);
    scene_get(scene, 0);
}

static void take_and_do(struct scene *scene)
{
    const void *message;
    size_t size;
    fb_mp_queue_take(scene->queue, 0, &message, &size);
    scene_report_begin(scene);
    fb_mp_queue_done(scene->queue);
}

/* The next put needs the slot that the victim had claimed, if it had. There is room at once in this
 * case, as well as if the message was taken. */
static const char *put_after_it(struct scene *scene, bool finished)
{
    bool has_room = finished || fb_mp_queue_size(scene->queue) < scene->death_case->capacity;
    int result = scene_put(scene, H, 0);
    if (result == 0)
        scene->must |= H;
    if (result != (has_room ? 0 : -ETIMEDOUT))
        return has_room ? "a taken message left no room"
                        : "the queue has more messages than its capacity";
    return NULL;
}

/* ---- closing ---- */

static void close_it(struct scene *scene)
{
    fb_mp_queue_close(scene->queue);
}

static const char *help_closed_getter(struct scene *scene, bool finished)
{
    int result = scene_put(scene, H, 0);
    scene->closed = result == -EPIPE;
    if (result == 0)
        scene->must |= H;
    else if (result != -EPIPE)
        return "the queue is neither open nor closed";
    if (finished && !scene->closed)
        return "it is not closed";
    return sleeper_ends(&scene->sleeper) ? NULL : "the sleeper is not woken";
}

static const char *help_closed_putter(struct scene *scene, bool finished)
{
    scene->closed = scene_put(scene, H, 0) == -EPIPE;
    if (scene->closed)
        return sleeper_ends(&scene->sleeper) ? NULL : "the sleeper is not woken";
    return finished ? "it is not closed" : help_putter(scene, finished);
}

/* The get marks the end of the closed queue. */
static void close_and_get(struct scene *scene)
{
    fb_mp_queue_close(scene->queue);
    scene_get(scene, 0);
}

/* Another close completes the close of the victim. */
static const char *close_again(struct scene *scene, bool finished)
{
    if (finished && scene_put(scene, H, 0) != -EPIPE)
        return "it is not closed";
    fb_mp_queue_close(scene->queue);
    scene->closed = true;
    return NULL;
}

static const struct death_case death_cases[] = {
    /* operation, capacity, messages, size */
    { OPERATION("put", 0, scene_put_one, 0), 4, 1, SMALL, .put = V },
    { OPERATION("put, large", 0, scene_put_one, 0), 4, 1, LARGE, .put = V },
    { OPERATION("put, full", 0, scene_put_one, make_room), 2, 2, SMALL, .put = V },
    { OPERATION("put, large, full", 0, scene_put_one, make_room), 2, 2, LARGE, .put = V },
    { OPERATION("put, full, with slots left", 0, scene_put_one, make_room), 3, 2, SMALL, .put = V,
      .before = fill_up },
    { OPERATION("put, waking", scene_start_sleeper, scene_put_one, 0), 3, 0, SMALL, .put = V,
      .sleeper = wait_for_one, .help = help_getter },
    { OPERATION("put, dropping a reservation", 0, scene_put_one, 0), 4, 1, LARGE, .put = V,
      .enter = reserve_one },
    { OPERATION("reserve and commit", 0, reserve_and_commit, 0), 4, 1, LARGE, .put = V },
    { OPERATION("reserve and commit, small", 0, reserve_and_commit, 0), 4, 1, SMALL, .put = V,
      .enter = reserve_one },
    { OPERATION("commit, full", 0, commit_one, make_room), 2, 2, LARGE, .put = V,
      .enter = reserve_one },
    { OPERATION("get", 0, scene_get_one, 0), 4, 2, SMALL, .held = A },
    { OPERATION("get, large", 0, scene_get_one, 0), 3, 2, LARGE, .held = A },
    { OPERATION("get, large, full", 0, scene_get_one, 0), 2, 2, LARGE, .held = A,
      .help = put_after_it },
    { OPERATION("get, large, full, with slots left", 0, scene_get_one, 0), 3, 2, LARGE, .held = A,
      .before = fill_up, .help = put_after_it },
    { OPERATION("get, empty", 0, scene_get_one, put_for_victim), 4, 0, LARGE, .held = V },
    { OPERATION("get, waking", scene_start_sleeper, scene_get_one, 0), 2, 2, LARGE, .held = A,
      .sleeper = put_in_turn, .help = help_putter },
    { OPERATION("get another", 0, get_another, 0), 4, 2, LARGE, .held = B, .done = A,
      .enter = scene_get_one, .reports_begin = true },
    { OPERATION("take and done", 0, take_and_do, 0), 4, 2, LARGE, .done = A,
      .reports_begin = true },
    { OPERATION("close, waking a getter", scene_start_sleeper, close_it, 0), 4, 0, SMALL,
      .sleeper = wait_for_one, .help = help_closed_getter },
    { OPERATION("close, waking a putter", scene_start_sleeper, close_it, 0), 2, 2, SMALL,
      .sleeper = put_in_turn, .help = help_closed_putter },
    { OPERATION("close, and the end", 0, close_and_get, 0), 2, 0, SMALL, .help = close_again },
};

int main(void)
{
    return scene_main(death_cases, sizeof death_cases / sizeof *death_cases);
}
