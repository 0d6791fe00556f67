/* The forkserver and supervisors, on their owner's side: as in test_mp_injection.c, each call to the C
 * library fails in turn. */
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

static int checked(int result, const struct fb_error *error)
{
    MUST(result == 0 || (error->code == result && error->text[0] != '\0'));
    return result;
}

static void have_heap(void)
{
    MUST(fb_mp_heap_make() == 0);
}

/* ---- the forkserver ---- */

static int connection;

static int start_forkserver(void)
{
    struct fb_error error = { 0 };
    return checked(fb_mp_forkserver_start(&error), &error);
}

static void have_forkserver(void)
{
    MUST(start_forkserver() == 0);
}

static int connect_to_forkserver(void)
{
    struct fb_error error = { 0 };
    return checked(fb_mp_forkserver_connect(&connection, &error), &error);
}

/* A forkserver that was started on the way stays, on purpose, so this stops it. */
static int connect_first(void)
{
    int result = connect_to_forkserver();
    if (result < 0)
        fb_mp_forkserver_stop();
    return result;
}

static void close_connection(void)
{
    MUST(close(connection) == 0);
}

static void close_first(void)
{
    close_connection();
    fb_mp_forkserver_stop();
}

/* ---- supervisors ---- */

static struct fb_mp_supervisor *supervisor;

static int stay(const void *argument, size_t size)
{
    (void)argument, (void)size;
    for (;;)
        pause();
    return 0;
}

static int open_supervisor(void)
{
    const struct fb_mp_supervisor_options options = { .workers = 2,
                                                      .run = stay,
                                                      .name = "supervisor" };
    struct fb_error error = { 0 };
    int result = checked(fb_mp_supervisor_open(&options, &supervisor, &error), &error);
    if (result == 0 && (result = checked(fb_mp_supervisor_wait(supervisor, &error), &error)) < 0)
        fb_mp_supervisor_close(supervisor, 0);
    return result;
}

static void close_supervisor(void)
{
    fb_mp_supervisor_close(supervisor, 0);
}

static void have_supervisor(void)
{
    have_forkserver();
    MUST(open_supervisor() == 0);
}

static void end_supervisor(void)
{
    close_supervisor();
    fb_mp_forkserver_stop();
}

static int make_third(void)
{
    struct fb_error error = { 0 };
    int result = fb_mp_supervisor_make(supervisor, 2);
    return result < 0 ? result : checked(fb_mp_supervisor_wait(supervisor, &error), &error);
}

static void kill_third(void)
{
    struct fb_mp_worker_end end;
    int result;
    fb_mp_supervisor_signal(supervisor, 2, SIGKILL);
    while ((result = fb_mp_supervisor_next_end(supervisor, &end)) == -EAGAIN)
        sched_yield();
    MUST(result == 0 && end.index == 2 && end.pid > 0 && end.code == -SIGKILL);
}

/* Makes a worker after the forkserver has ended, and all workers with it. */
static int make_after_forkserver_end(void)
{
    struct fb_mp_worker_end end;
    fb_mp_forkserver_stop();
    while (fb_mp_supervisor_fd(supervisor) >= 0)
        if (fb_mp_supervisor_next_end(supervisor, &end) == -EAGAIN)
            sched_yield();
    while (fb_mp_supervisor_next_end(supervisor, &end) == 0)
        ;
    struct fb_error error = { 0 };
    int result = fb_mp_supervisor_make(supervisor, 0);
    return result < 0 ? result : checked(fb_mp_supervisor_wait(supervisor, &error), &error);
}

static void worker_exists(void)
{
    MUST(fb_mp_supervisor_pid(supervisor, 0) > 0);
}

/* ---- */

/* In this order: name, act, undo, prepare, finish, also, may_succeed. */
static const struct operation forkserver_operations[] = {
    { "forkserver_start, no heap",
      start_forkserver,
      fb_mp_forkserver_stop,
      NULL,
      NULL,
      { -ENOMEM },
      true },
    { "forkserver_start",
      start_forkserver,
      fb_mp_forkserver_stop,
      have_heap,
      NULL,
      { -ENOMEM },
      false },
    { "forkserver_connect, the first",
      connect_first,
      close_first,
      have_heap,
      NULL,
      { -ENOMEM },
      false },
    { "forkserver_connect",
      connect_to_forkserver,
      close_connection,
      have_forkserver,
      fb_mp_forkserver_stop,
      { 0 },
      false },
};

static const struct operation supervisor_operations[] = {
    { "supervisor_open",
      open_supervisor,
      close_supervisor,
      have_forkserver,
      fb_mp_forkserver_stop,
      { 0 },
      false },
    { "supervisor_make", make_third, kill_third, have_supervisor, end_supervisor, { 0 }, false },
    { "supervisor_make, forkserver gone",
      make_after_forkserver_end,
      worker_exists,
      have_supervisor,
      end_supervisor,
      { 0 },
      false },
};

#define TEST(name)                                                                                 \
    static void check_##name(void **state)                                                         \
    {                                                                                              \
        (void)state;                                                                               \
        unsigned wrong = 0;                                                                        \
        CHECK(name##_operations);                                                                  \
        assert_int_equal(wrong, 0);                                                                \
    }
TEST(forkserver)
TEST(supervisor)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_forkserver),
        cmocka_unit_test(check_supervisor),
    };
    return RUN_TESTS(tests);
}
