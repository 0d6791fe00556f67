#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

#include "harness/mp/core/identity.h"

#include <sched.h>

const enum fb_mp_method methods[METHODS] = { FB_MP_FORK, FB_MP_SPAWN };

struct fb_mp_process *started(struct fb_mp_process_options options)
{
    struct fb_mp_process *process;
    struct fb_error error;
    if (fb_mp_process_start(&options, &process, &error) < 0)
        fail_msg("%s", error.text);
    return process;
}

int ended(struct fb_mp_process *process)
{
    int code = 1000;
    assert_int_equal(fb_mp_process_join(process, LIMIT_NS), 0);
    assert_int_equal(fb_mp_process_exit_code(process, &code), 0);
    assert_int_equal(fb_mp_process_close(process), 0);
    return code;
}

bool pid_is_alive(pid_t pid)
{
    const struct fb_mp_identity identity = { .pid = pid };
    return fb_mp_identity_is_alive(&identity);
}

void wait_until_dead(pid_t pid)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    for (; pid_is_alive(pid); sched_yield())
        if (clock_ms() > limit)
            fail_msg("process %d is still alive", (int)pid);
}
