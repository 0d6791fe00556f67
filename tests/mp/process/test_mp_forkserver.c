/* harness/mp/process/forkserver*.c: what workers get from the forkserver, and its own end. */
#include "tests/mp/process/supervisor_fixture.h"

#include "tests/support/programs/background_program.h"
#include "tests/support/programs/rerun_self.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool.h"
#include "harness/mp/process/forkserver_internal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
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

static const struct fb_mp_task tasks[] = { FB_MP_RUN(report_and_wait), { 0 } };

static void workers_get_descriptors(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        int ends[2];
        struct fb_mp_supervisor *supervisor;
        struct fb_error error;
        supervisor_page_clear();
        fb_mp_forkserver_start(&error);
        assert_int_equal(pipe(ends),
                         0); /* after the fork of the forkserver, which doesn't have it */
        assert_int_equal(write(ends[1], "x", 1), 1);
        struct fb_mp_supervisor_options options = { .method = methods[m],
                                                    .workers = 1,
                                                    .run = report_and_wait,
                                                    .shared = supervisor_page,
                                                    .name = "worker",
                                                    .fd = ends,
                                                    .fds = 1 };
        assert_int_equal(fb_mp_supervisor_open(&options, &supervisor, &error), 0);
        assert_true(wait_for(&supervisor_page->worker[0].begun, 1));
        assert_int_equal(supervisor_page->worker[0].byte, 'x');
        fb_mp_supervisor_close(supervisor, 0);
        close(ends[0]);
        close(ends[1]);
    }
}

static void workers_of_a_killed_forkserver_are_replaced(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *supervisor = supervisor_of(methods[m], WORKERS);
        pid_t forkserver = supervisor_page->worker[0].parent;
        struct fb_error error;
        for (uint32_t begun = 2; begun < 5; begun++) {
            assert_int_equal(parent_of(forkserver), getpid());
            assert_int_equal(kill(forkserver, SIGKILL), 0);
            struct fb_mp_worker_end killed = check_killed(supervisor, WORKERS);
            assert_true(killed.lost);
            assert_int_equal(killed.losses, begun - 1);
            for (unsigned i = 0; i < WORKERS; i++)
                assert_int_equal(fb_mp_supervisor_make(supervisor, i), 0);
            for (unsigned i = 0; i < WORKERS; i++) {
                assert_true(wait_for(&supervisor_page->worker[i].begun, begun));
                assert_int_equal(supervisor_page->worker[i].parent,
                                 supervisor_page->worker[0].parent);
            }
            assert_int_equal(fb_mp_supervisor_wait(supervisor, &error), 0);
            assert_int_equal(fb_mp_supervisor_next_end(supervisor, &(struct fb_mp_worker_end){ 0 }),
                             -EAGAIN);
            assert_int_not_equal(supervisor_page->worker[0].parent, forkserver);
            forkserver = supervisor_page->worker[0].parent;
        }
        command(2, LEAVE + 5);
        struct fb_mp_worker_end end = next_end(supervisor);
        assert_int_equal(end.index, 2);
        assert_int_equal(end.code, 5);
        fb_mp_supervisor_close(supervisor, 0);
    }
}

static void check_folder_and_affinity(const char *folder, const cpu_set_t *cpus)
{
    assert_string_equal(supervisor_page->worker[0].folder, folder);
    assert_true(CPU_EQUAL(&supervisor_page->worker[0].cpus, cpus));
}

/* The forkserver itself stays in the folder and with the affinity in which it was started. */
static void workers_start_in_the_callers_folder_and_affinity(void **state)
{
    (void)state;
    char folder[] = "/tmp/forkbench-forkserver-XXXXXX", before[256], *real;
    struct fb_error error;
    cpu_set_t cpus, one;
    assert_int_equal(fb_mp_forkserver_start(&error), 0);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    assert_non_null(mkdtemp(folder));
    assert_non_null(real = realpath(folder, NULL));
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    for (size_t m = 0; m < METHODS; m++) {
        assert_int_equal(chdir(folder), 0);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        struct fb_mp_supervisor *supervisor = supervisor_of(methods[m], 1);
        check_folder_and_affinity(real, &one);
        assert_int_equal(chdir("/"), 0);
        assert_int_equal(sched_setaffinity(0, sizeof cpus, &cpus), 0);
        fb_mp_supervisor_kill(supervisor);
        check_killed(supervisor, 1);
        assert_int_equal(fb_mp_supervisor_make(supervisor, 0), 0);
        assert_true(wait_for(&supervisor_page->worker[0].begun, 2));
        check_folder_and_affinity("/", &cpus);
        fb_mp_supervisor_close(supervisor, 0);
    }
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(folder), 0);
    free(real);
}

static void closing_a_connection_ends_its_workers(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        int connection;
        struct fb_error error;
        struct fb_mp_supervisor *other = supervisor_of(methods[m], 1);
        struct fb_mp_worker_request two = { .method = methods[m],
                                            .run = report_and_wait,
                                            .shared = supervisor_page,
                                            .first = 1,
                                            .count = 2,
                                            .name = "connected" };
        assert_int_equal(fb_mp_forkserver_connect(&connection, &error), 0);
        assert_int_equal(fb_mp_forkserver_make(connection, &two, NULL, 0), 0);
        assert_true(wait_for(&supervisor_page->worker[1].begun, 1));
        assert_true(wait_for(&supervisor_page->worker[2].begun, 1));
        close(connection);
        wait_until_dead(supervisor_page->worker[1].pid);
        wait_until_dead(supervisor_page->worker[2].pid);
        assert_true(
            pid_is_alive(supervisor_page->worker[0].pid)); /* made through another connection */
        fb_mp_supervisor_close(other, 0);
    }
}

/* ---- programs ---- */

/* First the forkserver can't fork workers, then this process can't fork a forkserver. */
static int be_refused(enum fb_mp_method method)
{
    struct fb_mp_supervisor *supervisor, *other;
    struct fb_error error;
    struct fb_mp_supervisor_options options = { .method = method,
                                                .workers = 1,
                                                .run = report_and_wait,
                                                .shared = supervisor_page,
                                                .name = "worker" };
    const struct rlimit none = { 0, 0 };
    if (getuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return EXIT_SKIP;
    limited = true;
    if (fb_mp_supervisor_open(&options, &supervisor, &error) < 0 ||
        !wait_for(&supervisor_page->worker[0].begun, 1))
        return 1;
    if (prlimit(supervisor_page->worker[0].parent, RLIMIT_NPROC, &none, NULL) < 0)
        return EXIT_SKIP;
    options.workers = 3;
    if (fb_mp_supervisor_open(&options, &other, &error) != 0 ||
        fb_mp_supervisor_wait(other, &error) != -EAGAIN || error.code != -EAGAIN)
        return 2;
    fb_mp_supervisor_close(other, 0);
    if (fb_mp_supervisor_make(supervisor, 1) != 0)
        return 3;
    struct fb_mp_worker_end end = next_end(supervisor);
    if (end.index != 1 || end.pid != 0 || end.code != -EAGAIN ||
        fb_mp_supervisor_pid(supervisor, 1) != 0)
        return 4;
    if (!pid_is_alive(supervisor_page->worker[0].pid))
        return 5;
    fb_mp_supervisor_close(supervisor, 0);
    fb_mp_forkserver_stop();
    setrlimit(RLIMIT_NPROC, &none);
    if (fb_mp_supervisor_open(&options, &supervisor, &error) != -EAGAIN || error.code != -EAGAIN)
        return 6;
    return waitpid(-1, NULL, WNOHANG) == -1 ? 0 : 7;
}

static int stay_with_pool(enum fb_mp_method method)
{
    struct fb_mp_pool *pool;
    struct fb_error error;
    struct fb_mp_pool_options options = { .method = method, .workers = 3 };
    if (fb_mp_pool_open(&options, &pool, &error) < 0)
        return 1;
    self_say("r");
    for (;;)
        pause();
    return 0;
}

static const struct self_program programs[] = {
    { "be_refused", be_refused, false },
    { "stay_with_pool", stay_with_pool, false },
    { 0 },
};

static void no_more_processes(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        self_check("be_refused", methods[m], "");
}

static void no_process_outlives_the_program(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        char mark[MARK_SIZE], byte, text[SELF_TEXT];
        mark_new(mark);
        struct self self = self_start("stay_with_pool", methods[m]);
        assert_int_equal(read(self.out, &byte, 1), 1);
        assert_true(wait_for_marked(mark, 5)); /* the program, its forkserver, three workers */
        assert_int_equal(kill(self.pid, SIGKILL), 0);
        assert_int_equal(self_finish(&self, text), -SIGKILL);
        assert_true(wait_for_none_marked(mark));
    }
}

int main(int argc, char **argv)
{
    void *memory;
    fb_mp_main(argc, argv, tasks);
    if (fb_mp_alloc(sizeof *supervisor_page, &memory) != 0)
        return 1;
    supervisor_page = memory;
    const struct self_program *program = self_program(programs, argc, argv);
    if (program)
        return self_be(program, argv);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_get_descriptors),
        cmocka_unit_test(workers_of_a_killed_forkserver_are_replaced),
        cmocka_unit_test(workers_start_in_the_callers_folder_and_affinity),
        cmocka_unit_test(closing_a_connection_ends_its_workers),
        cmocka_unit_test(no_more_processes),
        cmocka_unit_test(no_process_outlives_the_program),
    };
    return RUN_TESTS(tests);
}
