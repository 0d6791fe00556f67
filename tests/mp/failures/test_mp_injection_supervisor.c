/* The helper and crews when the machine has no more of something, on their owner's side: as in
 * test_mp_injection.c, each call to the C library fails in turn. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"

#include "harness/mp/process/forkserver_internal.h"
#include "harness/mp/process/supervisor.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <unistd.h>

static int said(int result, const struct fb_error *error)
{
    MUST(result == 0 || (error->code == result && error->text[0] != '\0'));
    return result;
}

static void have_heap(void)
{
    MUST(fb_mp_heap_make() == 0);
}

/* ---- the helper ---- */

static int line;

static int begin_helper(void)
{
    struct fb_error error = { 0 };
    return said(fb_mp_forkserver_start(&error), &error);
}

static void have_helper(void)
{
    MUST(begin_helper() == 0);
}

static int connect_line(void)
{
    struct fb_error error = { 0 };
    return said(fb_mp_forkserver_connect(&line, &error), &error);
}

/* What was begun on the way stays on purpose. */
static int connect_first(void)
{
    int result = connect_line();
    if (result < 0)
        fb_mp_forkserver_stop();
    return result;
}

static void close_line(void)
{
    MUST(close(line) == 0);
}

static void close_first(void)
{
    close_line();
    fb_mp_forkserver_stop();
}

/* ---- crews ---- */

static struct fb_mp_supervisor *crew;

static int stay(const void *argument, size_t size)
{
    (void)argument, (void)size;
    for (;;)
        pause();
    return 0;
}

static int open_crew(void)
{
    const struct fb_mp_supervisor_options options = { .workers = 2, .run = stay, .name = "crew" };
    struct fb_error error = { 0 };
    int result = said(fb_mp_supervisor_open(&options, &crew, &error), &error);
    if (result == 0 && (result = said(fb_mp_supervisor_wait(crew, &error), &error)) < 0)
        fb_mp_supervisor_close(crew, 0);
    return result;
}

static void close_crew(void)
{
    fb_mp_supervisor_close(crew, 0);
}

static void have_crew(void)
{
    have_helper();
    MUST(open_crew() == 0);
}

static void end_crew(void)
{
    close_crew();
    fb_mp_forkserver_stop();
}

static int make_third(void)
{
    struct fb_error error = { 0 };
    int result = fb_mp_supervisor_make(crew, 2);
    return result < 0 ? result : said(fb_mp_supervisor_wait(crew, &error), &error);
}

static void kill_third(void)
{
    struct fb_mp_worker_end end;
    int result;
    fb_mp_supervisor_signal(crew, 2, SIGKILL);
    while ((result = fb_mp_supervisor_next_end(crew, &end)) == -EAGAIN)
        sched_yield();
    MUST(result == 0 && end.index == 2 && end.pid > 0 && end.code == -SIGKILL);
}

/* Once their helper has gone, and they with it. */
static int make_anew(void)
{
    struct fb_mp_worker_end end;
    fb_mp_forkserver_stop();
    while (fb_mp_supervisor_fd(crew) >= 0)
        if (fb_mp_supervisor_next_end(crew, &end) == -EAGAIN)
            sched_yield();
    while (fb_mp_supervisor_next_end(crew, &end) == 0)
        ;
    struct fb_error error = { 0 };
    int result = fb_mp_supervisor_make(crew, 0);
    return result < 0 ? result : said(fb_mp_supervisor_wait(crew, &error), &error);
}

static void is_anew(void)
{
    MUST(fb_mp_supervisor_pid(crew, 0) > 0);
}

/* ---- */

/* In this order: act, undo, prepare, finish, what else it may say, whether it may succeed. */
static const struct operation helper_operations[] = {
    { "helper_begin, no heap", begin_helper, fb_mp_forkserver_stop, NULL, NULL, { -ENOMEM }, true },
    { "helper_begin", begin_helper, fb_mp_forkserver_stop, have_heap, NULL, { -ENOMEM }, false },
    { "helper_connect, the first",
      connect_first,
      close_first,
      have_heap,
      NULL,
      { -ENOMEM },
      false },
    { "helper_connect",
      connect_line,
      close_line,
      have_helper,
      fb_mp_forkserver_stop,
      { 0 },
      false },
};

static const struct operation crew_operations[] = {
    { "crew_open", open_crew, close_crew, have_helper, fb_mp_forkserver_stop, { 0 }, false },
    { "crew_make", make_third, kill_third, have_crew, end_crew, { 0 }, false },
    { "crew_make, helper gone", make_anew, is_anew, have_crew, end_crew, { 0 }, false },
};

#define TEST(name)                                                                                 \
    static void check_##name(void **state)                                                         \
    {                                                                                              \
        (void)state;                                                                               \
        unsigned wrong = 0;                                                                        \
        CHECK(name##_operations);                                                                  \
        assert_int_equal(wrong, 0);                                                                \
    }
TEST(helper)
TEST(crew)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_helper),
        cmocka_unit_test(check_crew),
    };
    return RUN_TESTS(tests);
}
