#include "tests/mp/process/supervisor_fixture.h"

#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct supervisor_page *supervisor_page;

int report_and_wait(const void *argument, size_t size)
{
    const struct fb_mp_worker_argument *given = argument;
    if (size != sizeof *given)
        return 1;
    struct worker_report *report = &((struct supervisor_page *)given->shared)->worker[given->index];
    report->pid = getpid();
    report->parent = getppid();
    report->generation = given->generation;
    strcpy(report->name, fb_mp_self_name());
    if (!getcwd(report->folder, sizeof report->folder) ||
        sched_getaffinity(0, sizeof report->cpus, &report->cpus) < 0)
        return 1;
    if (fb_mp_descriptor(0) >= 0 && read(fb_mp_descriptor(0), &report->byte, 1) != 1)
        return 1;
    atomic_fetch_add(&report->begun, 1);
    while (atomic_load(&report->command) == STAY)
        fb_mp_sleep(&report->command, STAY, FB_MP_FOREVER);
    usleep(20000); /* a supervisor that does not wait for the worker is closed before this ends */
    atomic_fetch_add(&report->left, 1);
    return (int)(atomic_load(&report->command) - LEAVE);
}

void supervisor_page_clear(void)
{
    memset(supervisor_page, 0, sizeof *supervisor_page);
}

struct fb_mp_supervisor *supervisor_of(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_supervisor *supervisor;
    struct fb_error error;
    supervisor_page_clear();
    struct fb_mp_supervisor_options options = { .method = method,
                                                .workers = workers,
                                                .run = report_and_wait,
                                                .shared = supervisor_page,
                                                .name = "worker" };
    if (fb_mp_supervisor_open(&options, &supervisor, &error) < 0 ||
        fb_mp_supervisor_wait(supervisor, &error) < 0)
        fail_msg("%s", error.text);
    for (unsigned i = 0; i < workers; i++)
        assert_true(wait_for(&supervisor_page->worker[i].begun, 1));
    return supervisor;
}

void command(unsigned index, uint32_t what)
{
    atomic_store(&supervisor_page->worker[index].command, what);
    fb_mp_wake(&supervisor_page->worker[index].command, 1);
}

struct fb_mp_worker_end next_end(struct fb_mp_supervisor *supervisor)
{
    struct fb_mp_worker_end end;
    int result;
    uint64_t limit = clock_ms() + LIMIT_MS;
    while ((result = fb_mp_supervisor_next_end(supervisor, &end)) == -EAGAIN && clock_ms() < limit)
        sched_yield();
    assert_int_equal(result, 0);
    return end;
}

struct fb_mp_worker_end check_killed(struct fb_mp_supervisor *supervisor, unsigned count)
{
    unsigned seen = 0;
    struct fb_mp_worker_end end = { 0 }, none;
    for (unsigned i = 0; i < count; i++) {
        end = next_end(supervisor);
        assert_true(end.index < count && !(seen >> end.index & 1));
        seen |= 1u << end.index;
        assert_int_equal(end.pid, supervisor_page->worker[end.index].pid);
        assert_int_equal(end.code, -SIGKILL);
        assert_int_equal(fb_mp_supervisor_pid(supervisor, end.index), 0);
        assert_false(pid_is_alive(end.pid));
    }
    assert_int_equal(fb_mp_supervisor_next_end(supervisor, &none), -EAGAIN);
    return end;
}
