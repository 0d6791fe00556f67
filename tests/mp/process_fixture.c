#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

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
    assert_int_equal(fb_mp_process_join(process, LIMIT_MS * FB_MP_MILLISECOND), 0);
    assert_int_equal(fb_mp_process_exit_code(process, &code), 0);
    assert_int_equal(fb_mp_process_close(process), 0);
    return code;
}
