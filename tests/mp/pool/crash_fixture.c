#include "tests/mp/pool/crash_fixture.h"

#include "tests/support/programs/background_program.h"

#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

_Noreturn void end_self(int how)
{
    if (how >= 0)
        exit(how);
    signal(-how, SIG_DFL); /* a sanitizer may have installed a handler */
    raise(-how);
    _exit(255);
}

struct fb_mp_pool *crash_pool_open(struct fb_mp_pool_options options)
{
    struct fb_mp_pool *pool;
    struct fb_error error = { 0 };
    if (fb_mp_pool_open(&options, &pool, &error) < 0)
        fail_msg("%s", error.text);
    return pool;
}

struct fb_mp_pool *crash_pool_open_stopped(struct fb_mp_pool_options options)
{
    options.workers = 1;
    struct fb_mp_pool *pool = crash_pool_open(options);
    const struct pool_worker *worker = pool_worker(pool->shared, 0);
    pid_t pid = 0;
    uint64_t limit = clock_ms() + LIMIT_MS;
    for (; !pid || atomic_load(&worker->state) != WORKER_READY; sched_yield()) {
        assert_true(clock_ms() < limit);
        pthread_mutex_lock(&pool->mutex);
        pid = fb_mp_supervisor_pid(pool->supervisor, 0);
        pthread_mutex_unlock(&pool->mutex);
    }
    assert_int_equal(kill(pid, SIGSTOP), 0);
    assert_true(wait_for_stop(pid));
    return pool;
}

void crash_under_all(crash_body body)
{
    static const unsigned workers[] = { 1, 2, 7, MANY_WORKERS };
    for (size_t m = 0; m < METHODS; m++)
        for (size_t i = 0; i < sizeof workers / sizeof *workers; i++)
            body(methods[m], workers[i]);
}

void crash_pool_end(struct fb_mp_pool *pool)
{
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), 0);
    fb_mp_pool_close(pool);
}

struct fb_mp_future *crash_submit(struct fb_mp_pool *pool, fb_mp_function function,
                                  const void *argument, size_t size,
                                  const struct fb_mp_task_options *options)
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

/* A worker whose forkserver has just ended may have another parent for a moment. */
pid_t forkserver_of(pid_t worker)
{
    pid_t forkserver = worker > 0 ? parent_of(worker) : 0;
    return forkserver > 1 && parent_of(forkserver) == getpid() ? forkserver : 0;
}

void assert_worker_died(struct fb_mp_future *future, pid_t pid, int how)
{
    struct fb_error error = { 0 };
    char expected[64];
    assert_int_equal(fb_mp_future_result(future, LIMIT_NS, NULL, NULL, &error), -EOWNERDEAD);
    assert_int_equal(error.code, -EOWNERDEAD);
    assert_int_equal(fb_mp_future_state(future), FB_MP_DONE);
    snprintf(expected, sizeof expected, "(pid %d)", (int)pid);
    if (pid && !strstr(error.text, expected))
        fail_msg("the error does not contain \"%s\": %s", expected, error.text);
    snprintf(expected, sizeof expected, how < 0 ? "signal %d" : "code %d", abs(how));
    if (!strstr(error.text, expected))
        fail_msg("the error does not contain \"%s\": %s", expected, error.text);
    fb_mp_future_free(future);
}
