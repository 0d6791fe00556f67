#include "tests/mp/pool/crash_fixture.h"

#include "tests/support/background_program.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void die(int how)
{
    if (how >= 0)
        exit(how);
    signal(-how, SIG_DFL); /* a sanitizer may have another one */
    raise(-how);
    _exit(255);
}

struct fb_mp_pool *mortal_open(struct fb_mp_pool_options options)
{
    struct fb_mp_pool *pool;
    struct fb_error error = { 0 };
    if (fb_mp_pool_open(&options, &pool, &error) < 0)
        fail_msg("%s", error.text);
    return pool;
}

void mortal_under_all(mortal_body body)
{
    static const unsigned workers[] = { 1, 2, 7, MANY_WORKERS };
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
            body(methods[m], workers[i]);
}

void mortal_end(struct fb_mp_pool *pool)
{
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT), 0);
    fb_mp_pool_close(pool);
}

struct fb_mp_future *handed(struct fb_mp_pool *pool, fb_mp_function function, const void *argument,
                            size_t size, const struct fb_mp_task_options *options)
{
    struct fb_mp_future *future;
    assert_int_equal(fb_mp_submit(pool, function, argument, size, options, &future), 0);
    return future;
}

bool wait_for_workers(struct fb_mp_pool *pool, uint64_t deaths)
{
    struct fb_mp_pool_state now;
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield()) {
        fb_mp_pool_state(pool, &now);
        if (now.deaths >= deaths && now.alive == now.workers)
            return true;
    }
    return false;
}

static char state_of(pid_t pid)
{
    char path[32], text[256] = "";
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return 0;
    char *read = fgets(text, sizeof text, file);
    fclose(file);
    char *name = read ? strrchr(text, ')') : NULL;
    return name ? name[2] : 0;
}

bool wait_for_stop(pid_t pid)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (state_of(pid) == 'T')
            return true;
    return false;
}

/* A worker whose helper has just died may have another parent for a moment. */
pid_t helper_of(pid_t worker)
{
    pid_t helper = worker > 0 ? parent_of(worker) : 0;
    return helper > 1 && parent_of(helper) == getpid() ? helper : 0;
}

void check_dead(struct fb_mp_future *future, pid_t pid, int how)
{
    struct fb_error error = { 0 };
    char expected[64];
    assert_int_equal(fb_mp_future_result(future, LIMIT, NULL, NULL, &error), -EOWNERDEAD);
    assert_int_equal(error.code, -EOWNERDEAD);
    assert_int_equal(fb_mp_future_state(future), FB_MP_DONE);
    snprintf(expected, sizeof expected, "(pid %d)", (int)pid);
    if (pid && !strstr(error.text, expected))
        fail_msg("it is not said that it was %s: %s", expected, error.text);
    snprintf(expected, sizeof expected, how < 0 ? "signal %d" : "code %d", abs(how));
    if (!strstr(error.text, expected))
        fail_msg("it is not said that it ended by %s: %s", expected, error.text);
    fb_mp_future_free(future);
}
