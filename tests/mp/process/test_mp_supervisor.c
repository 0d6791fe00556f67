/* harness/mp/process/supervisor.h: crews of workers, and what they are told of their ends. */
#include "tests/mp/process/supervisor_fixture.h"

#include "tests/support/background_program.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/identity.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

/* The leak sanitizer asks this. It needs a process and descriptors of its own. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return fb_mp_parent_pid() != 0;
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(sit), { 0 } };

static void workers_know_who_they_are(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *crew = crew_of(methods[m], 3);
        static const char *const names[] = { "crew-1", "crew-2", "crew-3" };
        for (unsigned i = 0; i < 3; i++) {
            const struct seat *seat = &supervisor_page->seat[i];
            assert_int_equal(atomic_load(&seat->came), 1);
            assert_int_equal(seat->pid, fb_mp_supervisor_pid(crew, i));
            assert_int_equal(seat->parent, supervisor_page->seat[0].parent);
            assert_int_equal(parent_of(seat->parent), getpid());
            assert_string_equal(seat->name, names[i]);
        }
        fb_mp_supervisor_close(crew, 0);
    }
}

static void ends_are_told(void **state)
{
    (void)state;
    static const int codes[] = { 0, 7, 255, -SIGKILL, -SIGTERM };
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *crew = crew_of(methods[m], 2);
        struct fb_mp_worker_end end;
        struct fb_error error;
        assert_int_equal(fb_mp_supervisor_next_end(crew, &end), -EAGAIN);
        for (unsigned i = 0; i < sizeof codes / sizeof *codes; i++) {
            pid_t pid = fb_mp_supervisor_pid(crew, 1);
            uint32_t life = supervisor_page->seat[1].life;
            if (codes[i] < 0)
                fb_mp_supervisor_signal(crew, 1, -codes[i]);
            else
                order(1, LEAVE + (uint32_t)codes[i]);
            end = next_end(crew);
            assert_int_equal(end.index, 1);
            assert_int_equal(end.pid, pid);
            assert_int_equal(end.code, codes[i]);
            assert_int_equal(fb_mp_supervisor_pid(crew, 1), 0);
            assert_int_equal(fb_mp_supervisor_next_end(crew, &end), -EAGAIN);
            order(1, STAY); /* and made again */
            assert_int_equal(fb_mp_supervisor_make(crew, 1), 0);
            assert_true(wait_for(&supervisor_page->seat[1].came, i + 2));
            assert_int_equal(fb_mp_supervisor_wait(crew, &error),
                             0); /* it may not have been told yet */
            assert_int_equal(fb_mp_supervisor_next_end(crew, &end), -EAGAIN);
            assert_int_equal(fb_mp_supervisor_pid(crew, 1), supervisor_page->seat[1].pid);
            assert_int_not_equal(supervisor_page->seat[1].pid, pid);
            assert_int_not_equal(supervisor_page->seat[1].life, life);
        }
        assert_int_equal(atomic_load(&supervisor_page->seat[0].came), 1);
        assert_true(is_alive(fb_mp_supervisor_pid(crew, 0)));
        fb_mp_supervisor_close(crew, 0);
    }
}

static void a_crew_is_killed(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_supervisor *crew = crew_of(methods[m], SEATS);
        fb_mp_supervisor_kill(crew);
        for (unsigned i = 0; i < SEATS; i++)
            assert_false(is_alive(supervisor_page->seat[i].pid));
        check_killed(crew, SEATS);
        fb_mp_supervisor_close(crew, LIMIT);
    }
}

static void closing_has_patience(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        for (unsigned patient = 0; patient < 2; patient++) {
            struct fb_mp_supervisor *crew = crew_of(methods[m], SEATS);
            for (unsigned i = 0; i < SEATS && patient; i++)
                order(i, LEAVE);
            fb_mp_supervisor_close(crew, patient ? LIMIT : 0);
            for (unsigned i = 0; i < SEATS; i++) {
                assert_int_equal(atomic_load(&supervisor_page->seat[i].left), patient);
                assert_false(is_alive(supervisor_page->seat[i].pid));
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
        cmocka_unit_test(workers_know_who_they_are),
        cmocka_unit_test(ends_are_told),
        cmocka_unit_test(a_crew_is_killed),
        cmocka_unit_test(closing_has_patience),
    };
    return RUN_TESTS(tests);
}
