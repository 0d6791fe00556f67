/* harness/mp/manager/manager.h: a client is killed at every system call of an operation, and at random
 * instructions. Other clients' calls continue, and its operation is done once or not at all. */
#include "tests/mp/manager/manager_fixture.h"
#include "tests/support/stepper.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>

#define SOON (STEPPER_LIMIT_MS * FB_MP_MILLISECOND)
#define RANDOM 20       /* random instructions to kill at, for each operation */
#define RANDOM_LONG 500 /* the same if STEPPER_EACH is in the environment */
#define MOST 40000      /* instructions of an operation */

enum { A = 1, V }; /* the item that is there before, and the victim's */

struct scene {
    const struct kill_case *kill_case;
    struct fb_mp_proxy *list, *lock, *queue; /* new ones for each victim */
};

struct kill_case {
    struct operation operation;
    const char *(*look)(struct scene *scene, bool finished);
};

/* ---- setup ---- */

static void begin(struct scene *scene)
{
    DONE(fb_mp_list_make(manager, &scene->list));
    DONE(fb_mp_managed_lock_make(manager, &scene->lock));
    DONE(fb_mp_managed_queue_make(manager, 0, &scene->queue));
    DONE(fb_mp_managed_queue_put(scene->queue, N(A), 0));
}

/* Makes calls first, so that the victim has a connection. */
static void enter(struct scene *scene)
{
    size_t size;
    fb_mp_list_length(scene->list, &size);
    fb_mp_managed_lock_release(scene->lock);
    fb_mp_managed_queue_size(scene->queue, &size);
}

/* ---- the victim's operations ---- */

static void append(struct scene *scene)
{
    fb_mp_list_append(scene->list, N(V));
}

static void lock_once(struct scene *scene)
{
    fb_mp_managed_lock_acquire(scene->lock, SOON);
    fb_mp_managed_lock_release(scene->lock);
}

static void put_and_get(struct scene *scene)
{
    struct fb_mp_object got;
    fb_mp_managed_queue_put(scene->queue, N(V), SOON);
    fb_mp_managed_queue_get(scene->queue, SOON, &got);
}

static void open_and_close(struct scene *scene)
{
    struct fb_mp_proxy *again;
    if (fb_mp_proxy_open(manager, fb_mp_proxy_number(scene->list), &again) == 0)
        fb_mp_proxy_close(again);
}

/* ---- checks ---- */

static const char *look_at_list(struct scene *scene, bool finished)
{
    struct fb_mp_object items;
    if (fb_mp_list_copy(scene->list, &items) != 0)
        return "the list can't be read";
    bool once = items.count == 1 && items.items[0].integer == V;
    bool none = items.count == 0;
    fb_mp_object_free(&items);
    return once || (none && !finished) ? NULL : "the list is not what it should be";
}

static const char *look_at_lock(struct scene *scene, bool finished)
{
    int owner_deaths = 0;
    for (int i = 0; i < 3; i++) {
        int result = fb_mp_managed_lock_acquire(scene->lock, SOON);
        if (result != 0 && result != -EOWNERDEAD)
            return "the lock can't be acquired";
        owner_deaths += result == -EOWNERDEAD;
        if (fb_mp_managed_lock_acquire(scene->lock, SOON) != -EDEADLK)
            return "the lock's owner is not known";
        if (fb_mp_managed_lock_release(scene->lock) != 0)
            return "the lock can't be released";
    }
    return owner_deaths <= !finished ? NULL : "-EOWNERDEAD is returned too often";
}

/* The victim puts V before it gets A, so A can't be missing if V was not put. */
static const char *look_at_queue(struct scene *scene, bool finished)
{
    struct fb_mp_object got;
    int64_t item[3] = { 0 };
    int count = 0, result = 0;
    while (count < 3 && (result = fb_mp_managed_queue_get(scene->queue, 0, &got)) == 0)
        item[count++] = got.integer;
    if (result != -ETIMEDOUT)
        return "the queue can't be emptied";
    bool got_one = count == 1 && item[0] == V;
    bool put_one = count == 2 && item[0] == A && item[1] == V;
    bool neither = count == 1 && item[0] == A;
    return got_one || (!finished && (put_one || neither)) ? NULL
                                                          : "the queue is not what it should be";
}

/* Waits until the object is gone, which the victim referred to. */
static bool is_gone(uint64_t number)
{
    struct fb_mp_proxy *proxy;
    int result;
    for (uint64_t limit = clock_ms() + STEPPER_LIMIT_MS; clock_ms() < limit; sched_yield()) {
        if ((result = fb_mp_proxy_open(manager, number, &proxy)) != 0)
            return result == -ENOENT;
        fb_mp_proxy_close(proxy);
    }
    return false;
}

/* Makes some calls first, during which the server processes what the victim had sent. */
static const char *check(struct scene *scene, bool finished)
{
    struct fb_mp_proxy *other[3] = { scene->list, scene->lock, scene->queue };
    struct fb_mp_object items;
    uint64_t began = clock_ms(), number[3];
    for (int i = 0; i < 3; i++)
        if (fb_mp_list_copy(scene->list, &items) == 0)
            fb_mp_object_free(&items);
    const char *wrong = scene->kill_case->look(scene, finished);
    for (int i = 0; i < 3; i++) {
        number[i] = fb_mp_proxy_number(other[i]);
        fb_mp_proxy_close(other[i]);
    }
    for (int i = 0; i < 3 && !wrong; i++)
        if (!is_gone(number[i]))
            wrong = "an object without a proxy still exists";
    return !wrong && clock_ms() - began > STEPPER_LIMIT_MS ? "the calls take too long" : wrong;
}

/* ---- */

static const struct kill_case kill_cases[] = {
    /* .operation: name, begin, prepare, ready, run, asleep, check */
    { { "append", begin, enter, 0, append, 0, check }, look_at_list },
    { { "first append", begin, 0, 0, append, 0, check }, look_at_list },
    { { "lock", begin, enter, 0, lock_once, 0, check }, look_at_lock },
    { { "first lock", begin, 0, 0, lock_once, 0, check }, look_at_lock },
    { { "queue", begin, enter, 0, put_and_get, 0, check }, look_at_queue },
    { { "first queue", begin, 0, 0, put_and_get, 0, check }, look_at_queue },
    { { "open", begin, enter, 0, open_and_close, 0, check }, look_at_lock },
};

static void kill_at_random(const struct operation *operation, struct scene *scene)
{
    unsigned short seed[3] = { 1, 2, 3 };
    unsigned most = MOST, before_end = 0;
    int wanted = getenv("STEPPER_EACH") ? RANDOM_LONG : RANDOM;
    for (int i = 0; i < wanted; i++) {
        unsigned instructions = (unsigned)nrand48(seed) % most;
        bool finished = stepper_kill_after(operation, scene, instructions);
        const char *wrong = operation->check(scene, finished);
        if (wrong)
            fail_msg("%s, killed after %u instructions: %s", operation->name, instructions, wrong);
        if (finished)
            most = instructions + 1; /* the operation has no more instructions */
        before_end += !finished;
    }
    print_message("%s: killed at %u points of less than %u instructions\n", operation->name,
                  before_end, most);
}

static void perform(void **state)
{
    struct scene scene = { .kill_case = *state };
    struct fb_error error;
    if (fb_mp_manager_start(FB_MP_FORK, &manager, &error) < 0)
        fail_msg("%s", error.text);
    stepper_kill_at_calls(&scene.kill_case->operation, &scene);
    kill_at_random(&scene.kill_case->operation, &scene);
    fb_mp_manager_close(manager);
}

int main(void)
{
    struct CMUnitTest tests[sizeof kill_cases / sizeof *kill_cases];
    if (!stepper_set_up())
        return EXIT_SKIP;
    for (size_t i = 0; i < sizeof kill_cases / sizeof *kill_cases; i++)
        tests[i] = (struct CMUnitTest){ .name = kill_cases[i].operation.name,
                                        .test_func = perform,
                                        .initial_state = (void *)&kill_cases[i] };
    return RUN_TESTS(tests);
}
