/* fb_mp_process_start when it fails: its error, and that nothing is left behind. */
#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

#include "tests/support/programs/rerun_self.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/process/process.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define NOBODY 65534

static bool limited; /* by setrlimit */

/* Called by the leak sanitizer, which would need a process and descriptors of its own. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return limited || fb_mp_parent_pid() != 0;
}

static int return_first(const void *argument, size_t size)
{
    return size ? *(const unsigned char *)argument : 0;
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(return_first), { 0 } };

/* ---- programs ---- */

/* Starts a process and prints the result, and whether a failed start left something behind. */
static void print_result(enum fb_mp_method method)
{
    struct fb_error error = { 0 };
    struct fb_mp_process *process = NULL;
    struct fb_mp_process_options options = { .run = return_first, .method = method };
    int result = fb_mp_process_start(&options, &process, &error);
    bool left = waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG | WNOWAIT) == 0;
    printf("%s%s%s ", result < 0 ? strerrorname_np(-result) : "started",
           result < 0 && !error.text[0] ? " without a text" : "",
           result < 0 && (left || process) ? " and something left" : "");
    if (result == 0)
        fb_mp_process_join(process, LIMIT_NS);
}

static int start_before_fb_mp_main(enum fb_mp_method method)
{
    print_result(method);
    return 0;
}

static int spawn_in_spawned_before_fb_mp_main(enum fb_mp_method method)
{
    setenv("FB_MP_SPAWNED", "1", 1);
    print_result(method);
    return 0;
}

struct gate {
    enum fb_mp_method method;
    _Atomic uint32_t open;
};

static void *start_behind_gate(void *context)
{
    struct gate *gate = context;
    if (wait_for(&gate->open, 1))
        print_result(gate->method);
    return NULL;
}

/* The limit doesn't hold for root. The thread, which counts as a process, is made before the limit
 * is set. */
static int start_at_process_limit(enum fb_mp_method method)
{
    struct gate gate = { .method = method };
    pthread_t thread;
    if (pthread_create(&thread, NULL, start_behind_gate, &gate) != 0)
        return 1;
    if (getuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return EXIT_SKIP;
    limited = true;
    setrlimit(RLIMIT_NPROC, &(struct rlimit){ 0, 0 });
    print_result(method);
    atomic_store(&gate.open, 1);
    pthread_join(thread, NULL);
    return 0;
}

static const struct self_program programs[] = {
    { "start_before_fb_mp_main", start_before_fb_mp_main, true },
    { "spawn_in_spawned_before_fb_mp_main", spawn_in_spawned_before_fb_mp_main, true },
    { "start_at_process_limit", start_at_process_limit, false },
    { 0 },
};

/* ---- */

static void a_spawn_before_fb_mp_main_is_refused(void **state)
{
    (void)state;
    self_check("start_before_fb_mp_main", FB_MP_SPAWN, "ENOSYS ");
    self_check("spawn_in_spawned_before_fb_mp_main", FB_MP_SPAWN, "EDEADLK ");
    self_check("start_before_fb_mp_main", FB_MP_FORK, "started ");
}

static void unknown_methods_are_refused(void **state)
{
    (void)state;
    static const int wrong[] = { FB_MP_SPAWN + 1, -1, 77, INT_MAX, INT_MIN };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct fb_error error = { 0 };
        struct fb_mp_process *process = NULL;
        struct fb_mp_process_options options = { .run = return_first,
                                                 .method = (enum fb_mp_method)wrong[i] };
        assert_int_equal(fb_mp_process_start(&options, &process, &error), -EINVAL);
        assert_null(process);
        assert_int_equal(error.code, -EINVAL);
        assert_non_null(strstr(error.text, "method"));
        assert_int_equal(waitpid(-1, NULL, WNOHANG), -1); /* nothing was started */
        assert_int_equal(errno, ECHILD);
        assert_int_equal(fb_mp_process_start(&options, &process, NULL), -EINVAL);
    }
}

static void the_limit_of_processes_is_reported(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        self_check("start_at_process_limit", methods[m], "EAGAIN EAGAIN ");
}

/* Starts a process with this limit of descriptors and waits for its end; returns whether it could
 * be started. */
static bool start_with(rlim_t descriptors, enum fb_mp_method method)
{
    char text[120];
    unsigned open = descriptors_open();
    const unsigned char five = 5;
    int code = 1000;
    struct fb_mp_process *process = NULL;
    struct fb_error error = { 0 };
    struct fb_mp_process_options options = {
        .run = return_first, .argument = &five, .size = 1, .method = method
    };
    struct rlimit before;
    getrlimit(RLIMIT_NOFILE, &before);
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){ descriptors, before.rlim_max });
    int result = fb_mp_process_start(&options, &process, &error);
    setrlimit(RLIMIT_NOFILE, &before);
    if (result == 0) {
        assert_int_equal(fb_mp_process_join(process, LIMIT_NS), 0);
        assert_int_equal(fb_mp_process_exit_code(process, &code), 0);
        /* A spawned process with so few descriptors may fail before its main. */
        assert_true(code == 5 || method == FB_MP_SPAWN);
    } else {
        assert_null(process);
        assert_true(error.text[0] != '\0');
        assert_int_equal(error.code, result);
    }
    assert_int_equal(fb_mp_process_close(process), 0);
    if (leaks_found(open, text, sizeof text))
        fail_msg("room for %u: %s", (unsigned)descriptors, text);
    return result == 0;
}

static void the_limit_of_descriptors_is_reported(void **state)
{
    (void)state;
    assert_int_equal(fb_mp_heap_make(), 0);
    for (size_t m = 0; m < METHODS; m++) {
        /* The limit is for the numbers of descriptors, between which there may be gaps. */
        int lowest = dup(STDOUT_FILENO);
        close(lowest);
        assert_false(start_with((rlim_t)lowest, methods[m]));
        for (rlim_t more = 1; more < 100; more++)
            start_with((rlim_t)lowest + more, methods[m]);
        assert_true(start_with(200, methods[m]));
    }
}

int main(int argc, char **argv)
{
    const struct self_program *program = self_program(programs, argc, argv);
    if (program && program->before_main)
        return self_be(program, argv);
    fb_mp_main(argc, argv, tasks);
    if (program)
        return self_be(program, argv);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_spawn_before_fb_mp_main_is_refused),
        cmocka_unit_test(unknown_methods_are_refused),
        cmocka_unit_test(the_limit_of_processes_is_reported),
        cmocka_unit_test(the_limit_of_descriptors_is_reported),
    };
    return RUN_TESTS(tests);
}
