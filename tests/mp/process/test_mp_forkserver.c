/* harness/mp/helper*.c: the helper that makes workers: what it gives them, and its own end. */
#include "tests/mp/process/supervisor_fixture.h"

#include "tests/support/background_program.h"
#include "tests/support/rerun_self.h"

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

static bool limited; /* in what a process may have */

/* The leak sanitizer asks this. It needs a process and descriptors of its own. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return limited || fb_mp_parent_pid() != 0;
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(sit), { 0 } };

static bool wait_for_death(pid_t pid)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (!is_alive(pid))
            return true;
    return false;
}

static void descriptors_reach_them(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        int ends[2];
        struct fb_mp_supervisor *crew;
        struct fb_error error;
        supervisor_page_clear();
        fb_mp_forkserver_start(&error);
        assert_int_equal(pipe(ends), 0); /* which the helper does not know */
        assert_int_equal(write(ends[1], "x", 1), 1);
        struct fb_mp_supervisor_options options = { .method = methods[m],
                                                    .workers = 1,
                                                    .run = sit,
                                                    .shared = supervisor_page,
                                                    .name = "crew",
                                                    .fd = ends,
                                                    .fds = 1 };
        assert_int_equal(fb_mp_supervisor_open(&options, &crew, &error), 0);
        assert_true(wait_for(&supervisor_page->seat[0].came, 1));
        assert_int_equal(supervisor_page->seat[0].byte, 'x');
        fb_mp_supervisor_close(crew, 0);
        close(ends[0]);
        close(ends[1]);
    }
}

static void its_helper_dies(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *crew = crew_of(methods[m], SEATS);
        pid_t helper = supervisor_page->seat[0].parent;
        struct fb_error error;
        for (uint32_t lives = 2; lives < 5; lives++) {
            assert_int_equal(parent_of(helper), getpid());
            assert_int_equal(kill(helper, SIGKILL), 0);
            struct fb_mp_worker_end killed = check_killed(crew, SEATS);
            assert_true(killed.lost);
            assert_int_equal(killed.losses, lives - 1);
            for (unsigned i = 0; i < SEATS; i++)
                assert_int_equal(fb_mp_supervisor_make(crew, i), 0);
            for (unsigned i = 0; i < SEATS; i++) {
                assert_true(wait_for(&supervisor_page->seat[i].came, lives));
                assert_int_equal(supervisor_page->seat[i].parent, supervisor_page->seat[0].parent);
            }
            assert_int_equal(fb_mp_supervisor_wait(crew, &error), 0);
            assert_int_equal(fb_mp_supervisor_next_end(crew, &(struct fb_mp_worker_end){ 0 }),
                             -EAGAIN);
            assert_int_not_equal(supervisor_page->seat[0].parent, helper);
            helper = supervisor_page->seat[0].parent;
        }
        order(2, LEAVE + 5);
        struct fb_mp_worker_end end = next_end(crew);
        assert_int_equal(end.index, 2);
        assert_int_equal(end.code, 5);
        fb_mp_supervisor_close(crew, 0);
    }
}

static void check_place(const char *folder, const cpu_set_t *cpus)
{
    assert_string_equal(supervisor_page->seat[0].folder, folder);
    assert_true(CPU_EQUAL(&supervisor_page->seat[0].cpus, cpus));
}

/* The helper was begun elsewhere, and stays there. */
static void they_begin_where_we_are(void **state)
{
    (void)state;
    char folder[] = "/tmp/forkbench-helper-XXXXXX", before[256], *there;
    struct fb_error error;
    cpu_set_t cpus, one;
    assert_int_equal(fb_mp_forkserver_start(&error), 0);
    assert_non_null(getcwd(before, sizeof before));
    assert_int_equal(sched_getaffinity(0, sizeof cpus, &cpus), 0);
    assert_non_null(mkdtemp(folder));
    assert_non_null(there = realpath(folder, NULL));
    CPU_ZERO(&one);
    CPU_SET(sched_getcpu(), &one);
    for (size_t m = 0; m < METHODS; m++) {
        assert_int_equal(chdir(folder), 0);
        assert_int_equal(sched_setaffinity(0, sizeof one, &one), 0);
        struct fb_mp_supervisor *crew = crew_of(methods[m], 1);
        check_place(there, &one);
        assert_int_equal(chdir("/"), 0);
        assert_int_equal(sched_setaffinity(0, sizeof cpus, &cpus), 0);
        fb_mp_supervisor_kill(crew);
        check_killed(crew, 1);
        assert_int_equal(fb_mp_supervisor_make(crew, 0), 0);
        assert_true(wait_for(&supervisor_page->seat[0].came, 2));
        check_place("/", &cpus);
        fb_mp_supervisor_close(crew, 0);
    }
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(folder), 0);
    free(there);
}

static void closing_a_line_ends_its_workers(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        int line;
        struct fb_error error;
        struct fb_mp_supervisor *other = crew_of(methods[m], 1);
        struct fb_mp_worker_request two = { .method = methods[m],
                                            .run = sit,
                                            .shared = supervisor_page,
                                            .first = 1,
                                            .count = 2,
                                            .name = "line" };
        assert_int_equal(fb_mp_forkserver_connect(&line, &error), 0);
        assert_int_equal(fb_mp_forkserver_make(line, &two, NULL, 0), 0);
        assert_true(wait_for(&supervisor_page->seat[1].came, 1));
        assert_true(wait_for(&supervisor_page->seat[2].came, 1));
        close(line);
        assert_true(wait_for_death(supervisor_page->seat[1].pid));
        assert_true(wait_for_death(supervisor_page->seat[2].pid));
        assert_true(is_alive(supervisor_page->seat[0].pid)); /* that is another line's */
        fb_mp_supervisor_close(other, 0);
    }
}

/* ---- programs ---- */

/* First the helper can't fork, then there can't be a helper. */
static int be_refused(enum fb_mp_method method)
{
    struct fb_mp_supervisor *crew, *other;
    struct fb_error error;
    struct fb_mp_supervisor_options options = {
        .method = method, .workers = 1, .run = sit, .shared = supervisor_page, .name = "crew"
    };
    const struct rlimit none = { 0, 0 };
    if (getuid() == 0 && setresuid(NOBODY, NOBODY, NOBODY) < 0)
        return EXIT_SKIP;
    limited = true;
    if (fb_mp_supervisor_open(&options, &crew, &error) < 0 ||
        !wait_for(&supervisor_page->seat[0].came, 1))
        return 1;
    if (prlimit(supervisor_page->seat[0].parent, RLIMIT_NPROC, &none, NULL) < 0)
        return EXIT_SKIP;
    options.workers = 3;
    if (fb_mp_supervisor_open(&options, &other, &error) != 0 ||
        fb_mp_supervisor_wait(other, &error) != -EAGAIN || error.code != -EAGAIN)
        return 2;
    fb_mp_supervisor_close(other, 0);
    if (fb_mp_supervisor_make(crew, 1) != 0)
        return 3;
    struct fb_mp_worker_end end = next_end(crew);
    if (end.index != 1 || end.pid != 0 || end.code != -EAGAIN || fb_mp_supervisor_pid(crew, 1) != 0)
        return 4;
    if (!is_alive(supervisor_page->seat[0].pid))
        return 5;
    fb_mp_supervisor_close(crew, 0);
    fb_mp_forkserver_stop();
    setrlimit(RLIMIT_NPROC, &none);
    if (fb_mp_supervisor_open(&options, &crew, &error) != -EAGAIN || error.code != -EAGAIN)
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

static void nobody_outlives_the_program(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        char mark[MARK_SIZE], byte, text[SELF_TEXT];
        mark_new(mark);
        struct self self = self_start("stay_with_pool", methods[m]);
        assert_int_equal(read(self.out, &byte, 1), 1);
        assert_true(wait_for_marked(mark, 5)); /* it, its helper, three workers */
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
        cmocka_unit_test(descriptors_reach_them),
        cmocka_unit_test(its_helper_dies),
        cmocka_unit_test(they_begin_where_we_are),
        cmocka_unit_test(closing_a_line_ends_its_workers),
        cmocka_unit_test(no_more_processes),
        cmocka_unit_test(nobody_outlives_the_program),
    };
    return RUN_TESTS(tests);
}
