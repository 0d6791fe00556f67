/* Pools whose helper or workers find that the machine has no more of something (injected.h): tasks
 * are done or fail, and a pool that is not broken by it goes on. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/failures/failing_pool.h"
#include "tests/mp/process_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG ((size_t)3 << 19)          /* more than the heap grows by */
#define VARIABLE "FORKBENCH_TEST_ARMS" /* tells images which call fails */
#define CALLS_MOST 60                  /* that one of them makes, by far */

/* Generations of forks, from the test program on. */
enum { HELPER = 2, WORKER };

static struct scene {
    enum fb_mp_method method;
    unsigned who; /* whose calls fail: HELPER, WORKER, or 0 */
    unsigned n;
    bool lasting;
    const char *only;
    fb_mp_function function;
} scene;

static unsigned generation;

/* That a call fails for good is so in each that comes; once, in the first that has so many. */
static void arm_child(void)
{
    generation++;
    if (generation != scene.who || (!scene.lasting && atomic_load(&failing_pool_page->failed)))
        return;
    injected_only = scene.only;
    injected_arm(scene.n, scene.lasting, scene.n % 2);
}

static void arm_image(int argc, char **argv)
{
    const char *which = getenv(VARIABLE);
    if (which && argc > 1 && strcmp(argv[1], "--fb-mp") == 0)
        injected_arm((unsigned)atoi(which), which[0] == '0', 0);
}

/* ---- what workers do ---- */

static int give_much(struct fb_mp_call *call)
{
    void *room = fb_mp_return_room(call, BIG);
    if (!room)
        return call->error.code;
    memset(room, 1, BIG);
    return fb_mp_return(call, call->argument, call->size);
}

/* Fails with a text that has to have memory. */
static int complain(struct fb_mp_call *call)
{
    return fb_error_set(&call->error, -EDOM, "%0100d", 1);
}

/* ---- a trial ---- */

static int try(struct fb_mp_pool *pool)
{
    struct fb_mp_future *future;
    int result = fb_mp_submit(pool, scene.function, "given", 6, NULL, &future);
    return result < 0 ? result : outcome(future);
}

/* Two tasks of one pool: how they end, or what refused it. */
static int use_starved(int ret_result[2])
{
    const struct fb_mp_pool_options options = { .method = scene.method, .workers = 1 };
    struct fb_mp_pool *pool;
    struct fb_error error = { 0 };
    int result = fb_mp_pool_open(&options, &pool, &error);
    MUST(result == 0 || (error.code == result && error.text[0] != '\0'));
    if (result < 0)
        return result;
    /* What its worker then wants, the heap has to grow for. */
    void **big = scene.function == echo_argument ? NULL : fill_heap(BIG);
    void **small = scene.function == complain ? fill_heap(64) : NULL;
    for (int i = 0; i < 2; i++)
        ret_result[i] = try(pool);
    empty_heap(big);
    empty_heap(small);
    fb_mp_pool_close(pool);
    return 0;
}

/* With another helper everything is as ever. */
static void use_sated(void)
{
    const struct fb_mp_pool_options options = { .method = scene.method, .workers = 1 };
    struct fb_mp_pool *pool = NULL;
    struct fb_error error;
    fb_mp_forkserver_stop();
    unsetenv(VARIABLE);
    scene.who = 0;
    MUST(fb_mp_pool_open(&options, &pool, &error) == 0);
    MUST(outcome(handed_in(pool, echo_argument)) == 0);
    fb_mp_pool_close(pool);
}

/* Who is once refused memory, or a worker, has it the next time. */
static int be_trial(void *context)
{
    const int as_ever = scene.function == complain ? -EDOM : 0;
    int result[2];
    (void)context;
    trial_begin();
    int opened = use_starved(result);
    if (opened < 0 && !scene.lasting)
        MUST(use_starved(result) == 0);
    if (opened == 0 && scene.who && !scene.lasting)
        MUST(result[0] <= 0 && result[1] == as_ever);
    if (!scene.who && (opened < 0 || result[0] < 0))
        atomic_store(&failing_pool_page->failed, 1);
    use_sated();
    trial_end();
    return 0;
}

/* Whether it came to that. */
static bool fails(struct scene what)
{
    scene = what;
    trial_run(be_trial, what.n);
    return atomic_load(&failing_pool_page->failed) > 0;
}

/* ---- the tests ---- */

static void each_call_of_the_helper_once(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        unsigned n = 1;
        while (n < CALLS_MOST &&
               fails((struct scene){
                   .method = methods[m], .who = HELPER, .n = n, .function = echo_argument }))
            n++;
        print_message("%u calls of the helper failed once\n", n - 1);
        assert_in_range(n, 4, CALLS_MOST - 1);
    }
}

/* But for sendmsg: a helper that can't say anything is waited for, for a minute. */
static void calls_of_the_helper_for_good(void **state)
{
    static const char *const of_both[] = { "signalfd", "reallocarray", "pidfd_open" };
    static const char *const of_spawn[] = { "memfd_create",
                                            "fcntl",
                                            "write",
                                            "calloc",
                                            "posix_spawn",
                                            "posix_spawn_file_actions_adddup2",
                                            "posix_spawn_file_actions_addclosefrom_np" };
    struct scene what = { .who = HELPER, .n = 1, .lasting = true, .function = echo_argument };
    (void)state;
    what.only = "fork";
    assert_true(fails(what));
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < sizeof of_both / sizeof *of_both; i++) {
            what.method = methods[m];
            what.only = of_both[i];
            if (!fails(what))
                fail_msg("the helper never calls %s", of_both[i]);
        }
    what.method = FB_MP_SPAWN;
    for (size_t i = 0; i < sizeof of_spawn / sizeof *of_spawn; i++) {
        what.only = of_spawn[i];
        if (!fails(what))
            fail_msg("the helper never calls %s", of_spawn[i]);
    }
}

static void each_call_of_a_forked_worker(void **state)
{
    static const fb_mp_function function[] = { echo_argument, give_much, complain };
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (int lasting = 0; lasting < 2; lasting++) {
            struct scene what = { .who = WORKER, .lasting = lasting, .function = function[i] };
            for (what.n = 1; what.n < CALLS_MOST && fails(what);)
                what.n++;
            print_message("%u calls of a worker failed\n", what.n - 1);
            assert_in_range(what.n, 2, CALLS_MOST - 1);
        }
}

/* That can't begin, or can't give what it has. */
static void calls_of_spawned_workers(void **state)
{
    char which[16];
    unsigned failed = 0;
    (void)state;
    for (int lasting = 0; lasting < 2; lasting++)
        for (unsigned n = 1; n < 7; n++) {
            snprintf(which, sizeof which, "%s%u", lasting ? "0" : "", n);
            setenv(VARIABLE, which, 1);
            failed += fails((struct scene){ .method = FB_MP_SPAWN, .n = n, .function = give_much });
        }
    unsetenv(VARIABLE);
    print_message("%u times a spawned worker failed\n", failed);
    assert_true(failed >= 4);
}

static const struct fb_mp_task tasks[] = {
    FB_MP_FUNCTION(echo_argument), FB_MP_FUNCTION(give_much), FB_MP_FUNCTION(complain), { 0 }
};

int main(int argc, char **argv)
{
    arm_image(argc, argv);
    fb_mp_main(argc, argv, tasks);
    starved_begin();
    pthread_atfork(NULL, NULL, arm_child);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_the_helper_once),
        cmocka_unit_test(calls_of_the_helper_for_good),
        cmocka_unit_test(each_call_of_a_forked_worker),
        cmocka_unit_test(calls_of_spawned_workers),
    };
    return RUN_TESTS(tests);
}
