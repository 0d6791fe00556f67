/* harness/mp/process/supervisor.c: workers, reporting their ends, replacing them. */
#include "tests/mp/process/supervisor_fixture.h"

#include "tests/support/programs/background_program.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/identity.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* Called by the leak sanitizer, which would need a process and descriptors of its own. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return fb_mp_parent_pid() != 0;
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(report_and_wait), { 0 } };

static void workers_have_their_names_and_parents(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *supervisor = supervisor_of(methods[m], 3);
        static const char *const names[] = { "worker-1", "worker-2", "worker-3" };
        for (unsigned i = 0; i < 3; i++) {
            const struct worker_report *report = &supervisor_page->worker[i];
            assert_int_equal(atomic_load(&report->begun), 1);
            assert_int_equal(report->pid, fb_mp_supervisor_pid(supervisor, i));
            assert_int_equal(report->parent, supervisor_page->worker[0].parent);
            assert_int_equal(parent_of(report->parent), getpid());
            assert_string_equal(report->name, names[i]);
        }
        fb_mp_supervisor_close(supervisor, 0);
    }
}

static void ends_are_reported(void **state)
{
    (void)state;
    static const int codes[] = { 0, 7, 255, -SIGKILL, -SIGTERM };
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *supervisor = supervisor_of(methods[m], 2);
        struct fb_mp_worker_end end;
        struct fb_error error;
        assert_int_equal(fb_mp_supervisor_next_end(supervisor, &end), -EAGAIN);
        for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
            pid_t pid = fb_mp_supervisor_pid(supervisor, 1);
            uint32_t generation = supervisor_page->worker[1].generation;
            if (codes[i] < 0)
                fb_mp_supervisor_signal(supervisor, 1, -codes[i]);
            else
                command(1, LEAVE + (uint32_t)codes[i]);
            end = next_end(supervisor);
            assert_int_equal(end.index, 1);
            assert_int_equal(end.pid, pid);
            assert_int_equal(end.code, codes[i]);
            assert_int_equal(fb_mp_supervisor_pid(supervisor, 1), 0);
            assert_int_equal(fb_mp_supervisor_next_end(supervisor, &end), -EAGAIN);
            command(1, STAY); /* before the worker is replaced */
            assert_int_equal(fb_mp_supervisor_make(supervisor, 1), 0);
            assert_true(wait_for(&supervisor_page->worker[1].begun, i + 2));
            assert_int_equal(fb_mp_supervisor_wait(supervisor, &error),
                             0); /* until the pid is known */
            assert_int_equal(fb_mp_supervisor_next_end(supervisor, &end), -EAGAIN);
            assert_int_equal(fb_mp_supervisor_pid(supervisor, 1), supervisor_page->worker[1].pid);
            assert_int_not_equal(supervisor_page->worker[1].pid, pid);
            assert_int_not_equal(supervisor_page->worker[1].generation, generation);
        }
        assert_int_equal(atomic_load(&supervisor_page->worker[0].begun), 1);
        assert_true(pid_is_alive(fb_mp_supervisor_pid(supervisor, 0)));
        fb_mp_supervisor_close(supervisor, 0);
    }
}

static void all_workers_are_killed(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *supervisor = supervisor_of(methods[m], WORKERS);
        fb_mp_supervisor_kill(supervisor);
        for (unsigned i = 0; i < WORKERS; i++)
            assert_false(pid_is_alive(supervisor_page->worker[i].pid));
        check_killed(supervisor, WORKERS);
        fb_mp_supervisor_close(supervisor, LIMIT_NS);
    }
}

static void close_waits_for_workers_that_leave(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        for (unsigned patient = 0; patient < 2; patient++) {
            struct fb_mp_supervisor *supervisor = supervisor_of(methods[m], WORKERS);
            for (unsigned i = 0; i < WORKERS && patient; i++)
                command(i, LEAVE);
            fb_mp_supervisor_close(supervisor, patient ? LIMIT_NS : 0);
            for (unsigned i = 0; i < WORKERS; i++) {
                assert_int_equal(atomic_load(&supervisor_page->worker[i].left), patient);
                assert_false(pid_is_alive(supervisor_page->worker[i].pid));
            }
        }
}

int main(int argc, char **argv)
{
    void *memory;
    fb_mp_main(argc, argv, tasks);
    if (fb_mp_alloc(sizeof *supervisor_page, &memory) != 0)
        return 1;
    supervisor_page = memory;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_have_their_names_and_parents),
        cmocka_unit_test(ends_are_reported),
        cmocka_unit_test(all_workers_are_killed),
        cmocka_unit_test(close_waits_for_workers_that_leave),
    };
    return RUN_TESTS(tests);
}
