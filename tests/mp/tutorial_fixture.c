#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"
#include "tests/mp/tutorial_fixture.h"

#include <string.h>

struct tutorial_argument given;
struct tutorial_page *tutorial_page;

struct fb_mp_process *tutorials_start(fb_mp_run run, enum fb_mp_method method, uint32_t worker)
{
    static const char *const names[] = { "Anna", "Bert", "Carl", "Dora", "Emil" };
    const struct tutorial_argument own = { tutorial_page, worker };
    return started((struct fb_mp_process_options){ .run = run,
                                                   .argument = &own,
                                                   .size = sizeof own,
                                                   .name = names[worker],
                                                   .method = method });
}

void tutorials_begin(const void *argument)
{
    memcpy(&given, argument, sizeof given);
    tutorial_page = given.tutorial_page;
}

void tutorials_run(fb_mp_run run, enum fb_mp_method method, uint32_t workers)
{
    struct fb_mp_process *process[WORKERS_MOST];
    for (uint32_t i = 0; i < workers; i++)
        process[i] = tutorials_start(run, method, i);
    for (uint32_t i = 0; i < workers; i++)
        assert_int_equal(ended(process[i]), 0);
}
