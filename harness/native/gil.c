/* A worker is a thread under an emulated CPython GIL: it runs only while it holds the lock. The
 * variants say which language the kernel's code stands for, or that there is no lock. */
#include "harness/native/gil_lock.h"
#include "harness/native/threads.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LEAST_INTERVAL_NS 1000u

#define REASON(release) (1u << (release))

/* When a worker releases the lock. */
struct mode {
    const char *name;  /* the variant */
    unsigned releases; /* the reasons to release it, as bits */
    bool safepoints;   /* also on request, at a safepoint */
};

static const struct mode modes[] = {
    /* Like the kernel's Python version. The first mode is the default. */
    { "twin", REASON(FB_RELEASE_COMPUTING) | REASON(FB_RELEASE_WAITING) | REASON(FB_RELEASE_JOB),
      true },
    /* All computation is Python code. */
    { "python", REASON(FB_RELEASE_WAITING) | REASON(FB_RELEASE_JOB), true },
    /* Calls of an extension module that never releases the lock, not even while waiting. */
    { "hold", REASON(FB_RELEASE_JOB), false },
    /* Calls of an extension module that releases the lock at once. */
    { "release", REASON(FB_RELEASE_CALL) | REASON(FB_RELEASE_JOB), false },
    /* Free threading: no lock. */
    { "off", 0, false },
};

struct user {
    struct fb_yield yield; /* first member: callbacks get its address */
    struct fb_gil_thread lock;
    const struct mode *mode;
};

struct fb_pool {
    struct fb_threads threads;
    struct fb_gil_lock lock;
    struct user *user;
    const struct mode *mode;
    _Atomic uint32_t never; /* request word of modes without safepoints; always 0 */
};

static struct fb_gil_thread *lock_of(struct fb_yield *yield)
{
    return &((struct user *)yield)->lock;
}

static bool releases(const struct fb_yield *yield, enum fb_release reason)
{
    return ((const struct user *)yield)->mode->releases & REASON(reason);
}

static bool is_requested(const struct fb_yield *yield)
{
    const struct fb_gil_lock *lock = ((const struct user *)yield)->lock.lock;
    return atomic_load_explicit(&lock->drop_request, memory_order_relaxed) != 0;
}

static bool safepoint(struct fb_yield *yield)
{
    fb_gil_lock_drop(lock_of(yield));
    fb_gil_lock_take(lock_of(yield));
    return false;
}

static void release(struct fb_yield *yield, enum fb_release reason)
{
    if (releases(yield, reason))
        fb_gil_lock_drop(lock_of(yield));
}

static void acquire(struct fb_yield *yield, enum fb_release reason)
{
    if (releases(yield, reason))
        fb_gil_lock_take(lock_of(yield));
    else if (reason == FB_RELEASE_CALL && is_requested(yield))
        safepoint(yield); /* the interpreter checks between two calls */
}

static struct fb_yield *yield_of(void *context, unsigned index)
{
    struct fb_pool *pool = context;
    struct user *user = &pool->user[index];
    const _Atomic uint32_t *request =
        pool->mode->safepoints ? &pool->lock.drop_request : &pool->never;
    user->mode = pool->mode;
    user->yield = (struct fb_yield){ request, safepoint, release, acquire };
    user->lock =
        (struct fb_gil_thread){ .lock = &pool->lock,
                                .number = index,
                                .stamps = fb_team_stamps(pool->threads.caller.team, index) };
    return &user->yield;
}

static const struct mode *find_mode(const char *variant)
{
    if (!variant || !variant[0])
        return &modes[0];
    for (size_t i = 0; i < sizeof modes / sizeof *modes; i++)
        if (strcmp(modes[i].name, variant) == 0)
            return &modes[i];
    return NULL;
}

static int find(const char *variant, char *ret_variant, size_t size, struct fb_error *error)
{
    const struct mode *mode = find_mode(variant);
    if (!mode)
        return fb_error_set(error, -EINVAL,
                            "no such mode of gil: %.60s: give twin, python, hold, release or off",
                            variant);
    snprintf(ret_variant, size, "%s", mode == &modes[0] ? "" : mode->name);
    return 0;
}

static int variants(char ***ret_names)
{
    const size_t count = sizeof modes / sizeof *modes;
    char **names = calloc(count, sizeof *names);
    if (!names)
        return -ENOMEM;
    for (size_t i = 1; i < count; i++) /* without the default; the last entry stays NULL */
        names[i - 1] = (char *)(uintptr_t)modes[i].name;
    *ret_names = names;
    return 0;
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    struct user *user = calloc(setting->workers, sizeof *user);
    int result = -ENOMEM;
    if (!pool || !user) {
        fb_error_set(error, result, "out of memory");
        goto fail;
    }
    pool->user = user;
    pool->mode = find_mode(setting->variant);
    uint64_t interval_ns = setting->switch_interval_ns;
    result = fb_gil_lock_init(&pool->lock,
                              interval_ns > LEAST_INTERVAL_NS ? interval_ns : LEAST_INTERVAL_NS);
    if (result < 0) {
        fb_error_set(error, result, "can't make the lock: %s", strerror(-result));
        goto fail;
    }
    result = fb_threads_open(&pool->threads, setting, pool->mode->releases ? yield_of : NULL, pool,
                             error);
    if (result < 0) {
        fb_gil_lock_destroy(&pool->lock);
        goto fail;
    }
    *ret_pool = pool;
    return 0;
fail:
    free(pool);
    free(user);
    return result;
}

static int run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error)
{
    struct fb_team *team = pool->threads.caller.team;
    pool->lock.last_holder = 0; /* so that taking it first does not count as a switch */
    for (unsigned i = 0; i < team->workers; i++) {
        struct fb_gil_thread *user = &pool->user[i].lock;
        user->switches = user->waits = user->held_ns = 0;
    }
    int result = fb_caller_run(&pool->threads.caller, job, report, error);
    for (unsigned i = 0; i < team->workers && report; i++) {
        const struct fb_gil_thread *user = &pool->user[i].lock;
        team->report[i].lock_switches = user->switches;
        team->report[i].lock_waits = user->waits;
        team->report[i].lock_held_ns = user->held_ns;
    }
    return result;
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    fb_threads_close(&pool->threads);
    fb_gil_lock_destroy(&pool->lock);
    free(pool->user);
    free(pool);
}

const struct fb_harness fb_harness_gil = {
    .name = "gil",
    .summary = "threads under an emulated CPython GIL",
    .native = true,
    .takes_variant = true,
    .base = "single",
    .find = find,
    .variants = variants,
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
