/* harness/mp/process/process.c when a whole program ends. This test runs itself again as one of
 * `programs`. */
#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

#include "tests/support/programs/background_program.h"
#include "tests/support/programs/rerun_self.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/process/process.h"
#include "harness/mp/channel/wait.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- what processes do ---- */

static _Atomic uint32_t *word_of(const void *argument)
{
    _Atomic uint32_t *word;
    memcpy(&word, argument, sizeof word);
    return word;
}

static int print_text(const void *argument, size_t size)
{
    (void)argument, (void)size;
    printf("child ");
    return 0;
}

static void print_own(void)
{
    printf("own ");
}

static int end_with_handler(const void *argument, size_t size)
{
    (void)argument, (void)size;
    atexit(print_own);
    return 0;
}

/* Prints that it has begun, and stays. */
static int stay(const void *argument, size_t size)
{
    (void)argument, (void)size;
    self_say("r");
    for (;;)
        pause();
    return 0;
}

/* The signal is blocked, so that it can come at any time. */
static int stay_until_terminated(const void *argument, size_t size)
{
    (void)size;
    int number;
    sigset_t terminate;
    sigemptyset(&terminate);
    sigaddset(&terminate, SIGTERM);
    sigprocmask(SIG_BLOCK, &terminate, NULL);
    atomic_store(word_of(argument), 1);
    if (sigwait(&terminate, &number) != 0)
        return 1;
    self_say("terminated ");
    return 0;
}

static int ignore_sigterm(const void *argument, size_t size)
{
    (void)size;
    signal(SIGTERM, SIG_IGN);
    atomic_store(word_of(argument), 1);
    for (;;)
        pause();
    return 0;
}

/* Ends some time after its parent has begun to exit: a parent that doesn't wait has ended by then. */
static int end_after_parent_exits(const void *argument, size_t size)
{
    (void)size;
    if (!wait_for(word_of(argument), 1))
        return 1;
    usleep(20000);
    self_say("child ");
    return 0;
}

/* A child that has a child. */
static int stay_with_child(const void *argument, size_t size)
{
    enum fb_mp_method method;
    struct fb_mp_process *process;
    if (size != sizeof method)
        return 1;
    memcpy(&method, argument, sizeof method);
    struct fb_mp_process_options options = { .run = stay, .method = method };
    if (fb_mp_process_start(&options, &process, NULL) < 0)
        return 1;
    return stay(NULL, 0);
}

/* Ends when the daemon does, which has the other end of the pipe, too. */
static int wait_for_closed_pipe(const void *argument, size_t size)
{
    (void)argument, (void)size;
    char byte;
    close(fb_mp_descriptor(1));
    self_say(read(fb_mp_descriptor(0), &byte, 1) == 0 ? "ended" : "error");
    return 0;
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(print_text),
    FB_MP_RUN(end_with_handler),
    FB_MP_RUN(stay),
    FB_MP_RUN(stay_until_terminated),
    FB_MP_RUN(ignore_sigterm),
    FB_MP_RUN(wait_for_closed_pipe),
    FB_MP_RUN(end_after_parent_exits),
    FB_MP_RUN(stay_with_child),
    { 0 },
};

/* ---- programs: they return an exit code ---- */

static _Atomic uint32_t *word; /* in shared memory */

static int launch(fb_mp_run run, enum fb_mp_method method, bool daemon)
{
    struct fb_mp_process *process;
    struct fb_mp_process_options options = {
        .run = run, .argument = &word, .size = sizeof word, .method = method, .daemon = daemon
    };
    if (run == stay_with_child) {
        options.argument = &method;
        options.size = sizeof method;
    }
    return fb_mp_process_start(&options, &process, NULL);
}

static int make_word(void)
{
    void *memory;
    int result = fb_mp_alloc(sizeof *word, &memory);
    if (result == 0)
        word = memory;
    return result;
}

static int print_and_start(enum fb_mp_method method)
{
    printf("before ");
    struct fb_mp_process_options options = { .run = print_text, .method = method };
    struct fb_mp_process *process;
    if (fb_mp_process_start(&options, &process, NULL) < 0 ||
        fb_mp_process_join(process, LIMIT_NS) < 0 || fb_mp_process_close(process) < 0)
        return 1;
    printf("after");
    return 0;
}

static void print_inherited(void)
{
    printf("%s ", fb_mp_self_name());
}

static int have_handlers(enum fb_mp_method method)
{
    atexit(print_inherited);
    return launch(end_with_handler, method, false) < 0;
}

static int have_daemon(enum fb_mp_method method)
{
    if (make_word() < 0 || launch(stay_until_terminated, method, true) < 0)
        return 1;
    return !wait_for(word, 1);
}

static int have_daemon_that_ignores_sigterm(enum fb_mp_method method)
{
    if (make_word() < 0 || launch(ignore_sigterm, method, true) < 0)
        return 1;
    return !wait_for(word, 1);
}

static int have_child_that_waits_for_daemon(enum fb_mp_method method)
{
    int ends[2];
    struct fb_mp_process *process;
    if (make_word() < 0 || pipe(ends) < 0)
        return 1;
    struct fb_mp_process_options options = { .run = ignore_sigterm,
                                             .argument = &word,
                                             .size = sizeof word,
                                             .fd = ends,
                                             .fds = 2,
                                             .method = method,
                                             .daemon = true };
    if (fb_mp_process_start(&options, &process, NULL) < 0 || !wait_for(word, 1))
        return 1;
    options.run = wait_for_closed_pipe;
    options.daemon = false;
    int result = fb_mp_process_start(&options, &process, NULL);
    close(ends[0]);
    close(ends[1]);
    return result < 0;
}

static void print_leaving(void)
{
    self_say("leaving ");
    atomic_store(word, 1);
}

static void print_left(void)
{
    self_say("left ");
}

/* Handlers run in reverse order of their registration; the runtime registers its own at the first
 * start. A spawned child doesn't have the parent's handlers. */
static int have_child_that_ends_later(enum fb_mp_method method)
{
    atexit(print_left);
    if (make_word() < 0 || launch(end_after_parent_exits, method, false) < 0)
        return 1;
    atexit(print_leaving);
    return 0;
}

static int be_killed(enum fb_mp_method method)
{
    self_say("p");
    if (launch(stay, method, false) < 0 || launch(stay, method, true) < 0 ||
        launch(stay_with_child, method, false) < 0)
        return 1;
    return stay(NULL, 0);
}

static void *be_killed_from_thread(void *context)
{
    if (be_killed(*(enum fb_mp_method *)context))
        _exit(1);
    return NULL;
}

static int be_killed_with_thread(enum fb_mp_method method)
{
    pthread_t thread;
    if (pthread_create(&thread, NULL, be_killed_from_thread, &method) != 0)
        return 1;
    pthread_join(thread, NULL);
    return 1;
}

/* ---- */

static const struct self_program programs[] = {
    { "print_and_start", print_and_start, false },
    { "have_handlers", have_handlers, false },
    { "have_daemon", have_daemon, false },
    { "have_daemon_that_ignores_sigterm", have_daemon_that_ignores_sigterm, false },
    { "have_child_that_waits_for_daemon", have_child_that_waits_for_daemon, false },
    { "have_child_that_ends_later", have_child_that_ends_later, false },
    { "be_killed", be_killed, false },
    { "be_killed_with_thread", be_killed_with_thread, false },
    { 0 },
};

static void buffered_text_is_written_once(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        self_check("print_and_start", methods[m], "before child after");
}

static void atexit_handlers_run(void **state)
{
    (void)state;
    self_check("have_handlers", FB_MP_FORK, "own Process-1 MainProcess ");
    self_check("have_handlers", FB_MP_SPAWN, "own MainProcess ");
}

static void a_daemon_is_terminated(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        self_check("have_daemon", methods[m], "terminated ");
}

static void a_daemon_that_ignores_sigterm_is_killed(void **state)
{
    (void)state;
    char text[SELF_TEXT];
    struct self self[METHODS];
    int64_t began = fb_mp_now();
    for (size_t m = 0; m < METHODS; m++)
        self[m] = self_start("have_daemon_that_ignores_sigterm", methods[m]);
    for (size_t m = 0; m < METHODS; m++) {
        assert_int_equal(self_finish(&self[m], text), 0);
        assert_string_equal(text, "");
        assert_true(fb_mp_now() - began >= FB_MP_SECOND);
    }
}

static void a_daemon_is_killed_while_others_wait_for_it(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        self_check("have_child_that_waits_for_daemon", methods[m], "ended");
}

static void exit_waits_for_processes(void **state)
{
    (void)state;
    /* A forked process also runs the handler that its parent had registered before. */
    self_check("have_child_that_ends_later", FB_MP_FORK, "leaving child left left ");
    self_check("have_child_that_ends_later", FB_MP_SPAWN, "leaving child left ");
}

/* ready: kills only when all have printed that they have begun; otherwise at any moment. */
static void kill_parent(const char *name, enum fb_mp_method method, bool ready)
{
    char mark[MARK_SIZE], text[SELF_TEXT];
    mark_new(mark);
    struct self self = self_start(name, method);
    for (int reported = 0; reported < (ready ? 6 : 1); reported++)
        assert_int_equal(read(self.out, text, 1), 1);
    assert_int_equal(kill(self.pid, SIGKILL), 0);
    assert_int_equal(self_finish(&self, text), -SIGKILL);
    assert_true(wait_for_none_marked(mark));
}

static void no_process_outlives_a_killed_parent(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        kill_parent("be_killed", methods[m], true);
        kill_parent("be_killed_with_thread", methods[m], true);
        for (int i = 0; i < 10; i++)
            kill_parent(i % 2 ? "be_killed" : "be_killed_with_thread", methods[m], false);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct self_program *program = self_program(programs, argc, argv);
    if (program)
        return self_be(program, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(buffered_text_is_written_once),
        cmocka_unit_test(atexit_handlers_run),
        cmocka_unit_test(a_daemon_is_terminated),
        cmocka_unit_test(a_daemon_that_ignores_sigterm_is_killed),
        cmocka_unit_test(a_daemon_is_killed_while_others_wait_for_it),
        cmocka_unit_test(exit_waits_for_processes),
        cmocka_unit_test(no_process_outlives_a_killed_parent),
    };
    return RUN_TESTS(tests);
}
