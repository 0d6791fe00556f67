/* harness/mp/queue*.c: a process is killed at every instruction of what comes after another's
 * death, or looks for it; those after it find every message all the same. */
#include "tests/support/fork_child.h"
#include "tests/mp/channel/queue_death_fixture.h"

#include <signal.h>
#include <unistd.h>

/* ---- what others left behind ---- */

static int take_and_die(void *context)
{
    scene_get(context, 0);
    return kill(getpid(), SIGKILL);
}

static void abandon_one(struct scene *scene)
{
    assert_int_equal(forked_end(forked_run(take_and_die, scene)), -SIGKILL);
}

static int reserve_and_die(void *context)
{
    struct scene *scene = context;
    void *memory;
    scene_get(scene, 0);
    fb_mp_queue_reserve(scene->queue, LARGE, &memory);
    return kill(getpid(), SIGKILL);
}

static void abandon_two(struct scene *scene)
{
    assert_int_equal(forked_end(forked_run(reserve_and_die, scene)), -SIGKILL);
    abandon_one(scene);
}

/* Somebody has died somewhere in this, which takes fewer instructions, for each victim somewhere
 * else. Whether it was over. */
static bool break_off(struct scene *scene, void (*run)(struct scene *scene), unsigned instructions)
{
    const struct operation operation = { .name = "damage", .prepare = scene_enter, .run = run };
    return stepper_kill_after(&operation, scene, scene->victims++ * 37 % instructions);
}

static void break_off_put(struct scene *scene)
{
    if (break_off(scene, scene_put_one, 701))
        scene->must |= V;
}

static void break_off_get(struct scene *scene)
{
    break_off(scene, scene_get_one, 251);
}

static void retake_one(struct scene *scene)
{
    const void *message;
    size_t size;
    pid_t pid;
    fb_mp_queue_retake(scene->queue, &message, &size, &pid);
}

static void break_off_retake(struct scene *scene)
{
    abandon_one(scene);
    break_off(scene, retake_one, 1009);
}

/* ---- what the victim does ---- */

static void count_them(struct scene *scene)
{
    fb_mp_queue_abandoned(scene->queue);
}

/* Its put takes the place of a broken one, which it clears away. */
static void get_both(struct scene *scene)
{
    scene_get(scene, 0);
    scene_tell(scene);
    fb_mp_queue_done(scene->queue);
    fb_mp_queue_abandoned(scene->queue);
    if (scene_get(scene, 0) != 0) /* so that it holds V in any case */
        scene_put_one(scene), scene_get(scene, 0);
}

static void get_or_not(struct scene *scene)
{
    scene_get(scene, 0);
}

static void use_first(struct scene *scene)
{
    fb_mp_queue_done(scene->queue);
}

static void be_done(struct scene *scene)
{
    assert_int_equal(fb_mp_queue_done(scene->queue), 0);
}

static void join_it(struct scene *scene)
{
    fb_mp_queue_join(scene->queue, LIMIT);
}

static const struct play plays[] = {
    /* operation, capacity, messages, size */
    { OPERATION("retake", 0, retake_one, 0), 4, 1, SMALL, .held = A, .before = abandon_one },
    { OPERATION("retake, large, another held", 0, retake_one, 0), 4, 2, LARGE, .held = A, .done = B,
      .before = abandon_one, .enter = scene_get_one },
    { OPERATION("count the abandoned", 0, count_them, 0), 4, 2, LARGE, .before = abandon_two },
    { OPERATION("after a broken put", 0, get_both, 0), 4, 1, LARGE, .held = V, .put = V, .done = A,
      .before = break_off_put, .tells = true },
    { OPERATION("after a broken get", 0, get_or_not, 0), 4, 2, LARGE, .held = ANY,
      .before = break_off_get },
    { OPERATION("after a broken retake", 0, retake_one, 0), 4, 1, LARGE, .held = A,
      .before = break_off_retake },
    { OPERATION("join", 0, join_it, be_done), 4, 1, SMALL, .before = scene_take_one },
    { OPERATION("join, one is dead", 0, join_it, 0), 4, 1, LARGE, .before = abandon_one },
    { OPERATION("first use", 0, use_first, 0), 4, 0, SMALL, .first = true },
    { OPERATION("first use, a record of the dead", 0, scene_put_one, 0), 4, 1, LARGE, .put = V,
      .before = abandon_one, .first = true },
};

int main(void)
{
    return scene_main(plays, sizeof plays / sizeof *plays);
}
