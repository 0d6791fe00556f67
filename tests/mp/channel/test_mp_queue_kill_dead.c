/* harness/mp/channel/queue*.c: a process is killed at every instruction of an operation that
 * recovers from another's death, or looks for one. No message is lost. */
#include "tests/support/fork_child.h"
#include "tests/mp/channel/queue_death_fixture.h"

#include <signal.h>
#include <unistd.h>

/* ---- earlier deaths ---- */

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

/* Kills a process inside run, which takes about that many instructions; for each victim of the case
 * at another place. Returns whether run was finished. */
static bool kill_inside(struct scene *scene, void (*run)(struct scene *scene),
                        unsigned instructions)
{
    const struct operation operation = { .name = "earlier death",
                                         .prepare = scene_enter,
                                         .run = run };
    return stepper_kill_after(&operation, scene, scene->victims++ * 37 % instructions);
}

static void kill_in_put(struct scene *scene)
{
    if (kill_inside(scene, scene_put_one, 701))
        scene->must |= V;
}

static void kill_in_get(struct scene *scene)
{
    kill_inside(scene, scene_get_one, 251);
}

static void retake_one(struct scene *scene)
{
    const void *message;
    size_t size;
    pid_t pid;
    fb_mp_queue_retake(scene->queue, &message, &size, &pid);
}

static void kill_in_retake(struct scene *scene)
{
    abandon_one(scene);
    kill_inside(scene, retake_one, 1009);
}

/* ---- operations of the victim ---- */

static void count_abandoned(struct scene *scene)
{
    fb_mp_queue_abandoned(scene->queue);
}

/* Its put needs the slot of the interrupted put, which it recovers. */
static void get_both(struct scene *scene)
{
    scene_get(scene, 0);
    scene_report_begin(scene);
    fb_mp_queue_done(scene->queue);
    fb_mp_queue_abandoned(scene->queue);
    if (scene_get(scene, 0) != 0) /* it holds V in any case */
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
    fb_mp_queue_join(scene->queue, LIMIT_NS);
}

static const struct death_case death_cases[] = {
    /* operation, capacity, messages, size */
    { OPERATION("retake", 0, retake_one, 0), 4, 1, SMALL, .held = A, .before = abandon_one },
    { OPERATION("retake, large, another held", 0, retake_one, 0), 4, 2, LARGE, .held = A, .done = B,
      .before = abandon_one, .enter = scene_get_one },
    { OPERATION("count the abandoned", 0, count_abandoned, 0), 4, 2, LARGE, .before = abandon_two },
    { OPERATION("after a broken put", 0, get_both, 0), 4, 1, LARGE, .held = V, .put = V, .done = A,
      .before = kill_in_put, .reports_begin = true },
    { OPERATION("after a broken get", 0, get_or_not, 0), 4, 2, LARGE, .held = ANY,
      .before = kill_in_get },
    { OPERATION("after a broken retake", 0, retake_one, 0), 4, 1, LARGE, .held = A,
      .before = kill_in_retake },
    { OPERATION("join", 0, join_it, be_done), 4, 1, SMALL, .before = scene_take_one },
    { OPERATION("join, one is dead", 0, join_it, 0), 4, 1, LARGE, .before = abandon_one },
    { OPERATION("first use", 0, use_first, 0), 4, 0, SMALL, .first = true },
    { OPERATION("first use, a record of the dead", 0, scene_put_one, 0), 4, 1, LARGE, .put = V,
      .before = abandon_one, .first = true },
};

int main(void)
{
    return scene_main(death_cases, sizeof death_cases / sizeof *death_cases);
}
