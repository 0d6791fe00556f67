/* Pools whose forkserver or workers run out of a resource (fault_injection.h): tasks are done or fail, and a
 * pool that is not broken continues. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/failures/failing_pool.h"
#include "tests/mp/process_fixture.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BIG ((size_t)3 << 19)          /* more than the step by which the heap grows */
#define VARIABLE "FORKBENCH_TEST_ARMS" /* which call fails in spawned processes */
#define CALLS_MOST 60                  /* far more than a forkserver or worker makes */

/* Generations of forks, counted from the test program. */
enum { FORKSERVER = 2, WORKER };

static struct trial {
    enum fb_mp_method method;
    unsigned failing_generation; /* whose calls fail: FORKSERVER, WORKER, or 0: none */
    unsigned n;
    bool lasting;
    const char *only;
    fb_mp_function function;
} trial;

static unsigned generation;

/* If lasting, calls fail in each process of that generation; otherwise only in the first one. */
static void arm_child(void)
{
    generation++;
    if (generation != trial.failing_generation ||
        (!trial.lasting && atomic_load(&failing_pool_page->failed)))
        return;
    injected_only = trial.only;
    injected_arm(trial.n, trial.lasting, trial.n % 2);
}

static void arm_spawned(int argc, char **argv)
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

/* Fails with a text that needs memory. */
static int complain(struct fb_mp_call *call)
{
    return fb_error_set(&call->error, -EDOM, "%0100d", 1);
}

/* ---- a trial ---- */

static int try(struct fb_mp_pool *pool)
{
    struct fb_mp_future *future;
    int result = fb_mp_submit(pool, trial.function, "given", 6, NULL, &future);
    return result < 0 ? result : task_result(future);
}

/* Runs two tasks in a pool: their results, or the error of opening the pool. */
static int use_failing_pool(int ret_result[2])
{
    const struct fb_mp_pool_options options = { .method = trial.method, .workers = 1 };
    struct fb_mp_pool *pool;
    struct fb_error error = { 0 };
    int result = fb_mp_pool_open(&options, &pool, &error);
    MUST(result == 0 || (error.code == result && error.text[0] != '\0'));
    if (result < 0)
        return result;
    /* The heap is full, so that it has to grow for the worker's result. */
    void **big = trial.function == echo_argument ? NULL : fill_heap(BIG);
    void **small = trial.function == complain ? fill_heap(64) : NULL;
    for (int i = 0; i < 2; i++)
        ret_result[i] = try(pool);
    empty_heap(big);
    empty_heap(small);
    fb_mp_pool_close(pool);
    return 0;
}

/* With a new forkserver, everything works. */
static void use_working_pool(void)
{
    const struct fb_mp_pool_options options = { .method = trial.method, .workers = 1 };
    struct fb_mp_pool *pool = NULL;
    struct fb_error error;
    fb_mp_forkserver_stop();
    unsetenv(VARIABLE);
    trial.failing_generation = 0;
    MUST(fb_mp_pool_open(&options, &pool, &error) == 0);
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    fb_mp_pool_close(pool);
}

/* After one failure, the next attempt succeeds. */
static int run_one_trial(void *context)
{
    const int normal = trial.function == complain ? -EDOM : 0;
    int result[2];
    (void)context;
    trial_begin();
    int opened = use_failing_pool(result);
    if (opened < 0 && !trial.lasting)
        MUST(use_failing_pool(result) == 0);
    if (opened == 0 && trial.failing_generation && !trial.lasting)
        MUST(result[0] <= 0 && result[1] == normal);
    if (!trial.failing_generation && (opened < 0 || result[0] < 0))
        atomic_store(&failing_pool_page->failed, 1);
    use_working_pool();
    trial_end();
    return 0;
}

/* Runs a trial. Returns whether a call failed. */
static bool fails(struct trial what)
{
    trial = what;
    trial_run(run_one_trial, what.n);
    return atomic_load(&failing_pool_page->failed) > 0;
}

/* ---- the tests ---- */

static void each_call_of_the_forkserver_fails_once(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        unsigned n = 1;
        while (n < CALLS_MOST && fails((struct trial){ .method = methods[m],
                                                       .failing_generation = FORKSERVER,
                                                       .n = n,
                                                       .function = echo_argument }))
            n++;
        print_message("%u calls of the forkserver failed once\n", n - 1);
        assert_in_range(n, 4, CALLS_MOST - 1);
    }
}

/* Not for sendmsg: the owner waits a minute for a forkserver that can't send. */
static void calls_of_the_forkserver_fail_permanently(void **state)
{
    static const char *const of_both[] = { "signalfd", "reallocarray", "pidfd_open" };
    static const char *const of_spawn[] = { "memfd_create",
                                            "fcntl",
                                            "write",
                                            "calloc",
                                            "posix_spawn",
                                            "posix_spawn_file_actions_adddup2",
                                            "posix_spawn_file_actions_addclosefrom_np" };
    struct trial what = {
        .failing_generation = FORKSERVER, .n = 1, .lasting = true, .function = echo_argument
    };
    (void)state;
    what.only = "fork";
    assert_true(fails(what));
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < sizeof of_both / sizeof *of_both; i++) {
            what.method = methods[m];
            what.only = of_both[i];
            if (!fails(what))
                fail_msg("the forkserver never calls %s", of_both[i]);
        }
    what.method = FB_MP_SPAWN;
    for (size_t i = 0; i < sizeof of_spawn / sizeof *of_spawn; i++) {
        what.only = of_spawn[i];
        if (!fails(what))
            fail_msg("the forkserver never calls %s", of_spawn[i]);
    }
}

static void each_call_of_a_forked_worker_fails(void **state)
{
    static const fb_mp_function function[] = { echo_argument, give_much, complain };
    (void)state;
    for (size_t i = 0; i < 3; i++)
        for (int lasting = 0; lasting < 2; lasting++) {
            struct trial what = { .failing_generation = WORKER,
                                  .lasting = lasting,
                                  .function = function[i] };
            for (what.n = 1; what.n < CALLS_MOST && fails(what);)
                what.n++;
            print_message("%u calls of a worker failed\n", what.n - 1);
            assert_in_range(what.n, 2, CALLS_MOST - 1);
        }
}

/* Workers that can't start or can't return their result. */
static void calls_of_spawned_workers_fail(void **state)
{
    char which[16];
    unsigned failed = 0;
    (void)state;
    for (int lasting = 0; lasting < 2; lasting++)
        for (unsigned n = 1; n < 7; n++) {
            snprintf(which, sizeof which, "%s%u", lasting ? "0" : "", n);
            setenv(VARIABLE, which, 1);
            failed += fails((struct trial){ .method = FB_MP_SPAWN, .n = n, .function = give_much });
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
    arm_spawned(argc, argv);
    fb_mp_main(argc, argv, tasks);
    failing_pool_begin();
    pthread_atfork(NULL, NULL, arm_child);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_call_of_the_forkserver_fails_once),
        cmocka_unit_test(calls_of_the_forkserver_fail_permanently),
        cmocka_unit_test(each_call_of_a_forked_worker_fails),
        cmocka_unit_test(calls_of_spawned_workers_fail),
    };
    return RUN_TESTS(tests);
}
