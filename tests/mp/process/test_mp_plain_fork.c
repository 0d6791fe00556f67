/* harness/mp/process: a child of a plain fork(), which the runtime did not start. */
#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

#include "tests/support/fork_child.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Called by the leak sanitizer, which reports false leaks in a process that a thread has forked. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return fb_mp_parent_pid() != 0;
}

static int sleep_for_ever(const void *argument, size_t size)
{
    (void)argument, (void)size;
    for (;;)
        pause();
    return 0;
}

static int return_seven(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return 7;
}

static int is_first_of_its_parent(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return strcmp(fb_mp_self_name(), "Process-1") != 0;
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(sleep_for_ever),
    FB_MP_RUN(return_seven),
    FB_MP_RUN(is_first_of_its_parent),
    { 0 },
};

/* ---- what the child does: each returns or exits with 0 if all is well ---- */

static int exit_at_once(void *context)
{
    (void)context;
    exit(0);
}

static int close_handle_and_exit(void *context)
{
    exit(fb_mp_process_close(context) != 0);
}

/* Starts a process and waits for it: its exit code, or 1000. */
static int run_process(fb_mp_run run, enum fb_mp_method method)
{
    int code = 1000;
    struct fb_mp_process *process;
    struct fb_mp_process_options options = { .run = run, .method = method };
    if (fb_mp_process_start(&options, &process, NULL) < 0 ||
        fb_mp_process_join(process, FB_MP_FOREVER) < 0 ||
        fb_mp_process_exit_code(process, &code) < 0 || fb_mp_process_close(process) < 0)
        return 1000;
    return code;
}

static int start_first_process(void *context)
{
    const enum fb_mp_method *method = context;
    alarm(LIMIT_MS / 1000);
    return run_process(is_first_of_its_parent, *method);
}

static void *run_process_in_thread(void *context)
{
    const enum fb_mp_method *method = context;
    return (void *)(intptr_t)run_process(return_seven, *method);
}

/* Starts a thread that runs a process: the process's exit code, or 1000. */
static int run_process_from_thread(enum fb_mp_method method)
{
    pthread_t thread;
    void *code;
    if (pthread_create(&thread, NULL, run_process_in_thread, &method) != 0 ||
        pthread_join(thread, &code) != 0)
        return 1000;
    return (int)(intptr_t)code;
}

static int start_from_thread(void *context)
{
    const enum fb_mp_method *method = context;
    alarm(LIMIT_MS / 1000); /* a hang ends this child, not the whole test */
    return run_process_from_thread(*method) != 7;
}

/* ---- */

/* A terminated process reports SIGTERM, even if SIGKILL is sent right after. */
static void its_exit_spares_the_daemons_of_its_parent(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process *daemon = started((struct fb_mp_process_options){
            .run = sleep_for_ever, .method = methods[m], .daemon = true });
        fflush(NULL);
        assert_int_equal(forked_end(forked_run(exit_at_once, NULL)), 0);
        assert_int_equal(fb_mp_process_kill(daemon), 0);
        assert_int_equal(ended(daemon), -SIGKILL);
    }
}

static void a_handle_it_closes_does_not_bring_the_others_back(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process_options options = { .run = sleep_for_ever,
                                                 .method = methods[m],
                                                 .daemon = true };
        struct fb_mp_process *process[3];
        for (int i = 0; i < 3; i++)
            process[i] = started(options);
        for (int closed = 0; closed < 3; closed++) {
            fflush(NULL);
            assert_int_equal(forked_end(forked_run(close_handle_and_exit, process[closed])), 0);
        }
        for (int i = 0; i < 3; i++) {
            assert_int_equal(fb_mp_process_kill(process[i]), 0);
            assert_int_equal(ended(process[i]), -SIGKILL);
        }
    }
}

static void its_processes_are_numbered_from_one(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        assert_int_equal(ended(started((struct fb_mp_process_options){ .run = return_seven })), 7);
        enum fb_mp_method method = methods[m];
        assert_int_equal(forked_end(forked_run(start_first_process, &method)), 0);
    }
}

static void its_threads_start_processes(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        enum fb_mp_method method = methods[m];
        assert_int_equal(run_process_from_thread(method), 7); /* the parent has a fork thread */
        assert_int_equal(forked_end(forked_run(start_from_thread, &method)), 0);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(its_exit_spares_the_daemons_of_its_parent),
        cmocka_unit_test(a_handle_it_closes_does_not_bring_the_others_back),
        cmocka_unit_test(its_processes_are_numbered_from_one),
        cmocka_unit_test(its_threads_start_processes),
    };
    return RUN_TESTS(tests);
}
