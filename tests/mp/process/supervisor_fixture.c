#include "tests/mp/process/supervisor_fixture.h"

#include "harness/mp/core/identity.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

struct supervisor_page *supervisor_page;

int sit(const void *argument, size_t size)
{
    const struct fb_mp_worker_argument *told = argument;
    struct seat *seat = &((struct supervisor_page *)told->shared)->seat[told->index];
    if (size != sizeof *told)
        return 1;
    seat->pid = getpid();
    seat->parent = getppid();
    seat->life = told->generation;
    strcpy(seat->name, fb_mp_self_name());
    if (!getcwd(seat->folder, sizeof seat->folder) ||
        sched_getaffinity(0, sizeof seat->cpus, &seat->cpus) < 0)
        return 1;
    if (fb_mp_descriptor(0) >= 0 && read(fb_mp_descriptor(0), &seat->byte, 1) != 1)
        return 1;
    atomic_fetch_add(&seat->came, 1);
    while (atomic_load(&seat->order) == STAY)
        fb_mp_sleep(&seat->order, STAY, FB_MP_FOREVER);
    usleep(20000); /* who does not wait for it is done by then */
    atomic_fetch_add(&seat->left, 1);
    return (int)(atomic_load(&seat->order) - LEAVE);
}

void supervisor_page_clear(void)
{
    memset(supervisor_page, 0, sizeof *supervisor_page);
}

struct fb_mp_supervisor *crew_of(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_supervisor *crew;
    struct fb_error error;
    supervisor_page_clear();
    struct fb_mp_supervisor_options options = {
        .method = method, .workers = workers, .run = sit, .shared = supervisor_page, .name = "crew"
    };
    if (fb_mp_supervisor_open(&options, &crew, &error) < 0 ||
        fb_mp_supervisor_wait(crew, &error) < 0)
        fail_msg("%s", error.text);
    for (unsigned i = 0; i < workers; i++)
        assert_true(wait_for(&supervisor_page->seat[i].came, 1));
    return crew;
}

void order(unsigned index, uint32_t what)
{
    atomic_store(&supervisor_page->seat[index].order, what);
    fb_mp_wake(&supervisor_page->seat[index].order, 1);
}

struct fb_mp_worker_end next_end(struct fb_mp_supervisor *crew)
{
    struct fb_mp_worker_end end;
    int result;
    uint64_t limit = clock_ms() + LIMIT_MS;
    while ((result = fb_mp_supervisor_next_end(crew, &end)) == -EAGAIN && clock_ms() < limit)
        sched_yield();
    assert_int_equal(result, 0);
    return end;
}

bool is_alive(pid_t pid)
{
    const struct fb_mp_identity identity = { .pid = pid };
    return fb_mp_identity_is_alive(&identity);
}

struct fb_mp_worker_end check_killed(struct fb_mp_supervisor *crew, unsigned count)
{
    unsigned seen = 0;
    struct fb_mp_worker_end end = { 0 }, none;
    for (unsigned i = 0; i < count; i++) {
        end = next_end(crew);
        assert_true(end.index < count && !(seen >> end.index & 1));
        seen |= 1u << end.index;
        assert_int_equal(end.pid, supervisor_page->seat[end.index].pid);
        assert_int_equal(end.code, -SIGKILL);
        assert_int_equal(fb_mp_supervisor_pid(crew, end.index), 0);
        assert_false(is_alive(end.pid));
    }
    assert_int_equal(fb_mp_supervisor_next_end(crew, &none), -EAGAIN);
    return end;
}
