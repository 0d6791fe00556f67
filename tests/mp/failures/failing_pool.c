#include "tests/support/support.h"

#include "tests/mp/failures/failing_pool.h"

#include "tests/support/fork_child.h"
#include "tests/mp/failures/fault_injection.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct failing_pool_page *failing_pool_page;

void failing_pool_begin(void)
{
    void *memory;
    if (fb_mp_alloc(sizeof *failing_pool_page, &memory) < 0)
        exit(1);
    failing_pool_page = memory;
}

/* ---- a process of a test ---- */

static unsigned descriptors_before;
static size_t used_before;

void trial_begin(void)
{
    alarm(LIMIT_MS / 1000);
    memset(failing_pool_page, 0, sizeof *failing_pool_page);
    descriptors_before = descriptors_open();
    used_before = fb_mp_heap_used();
    injected_count = &failing_pool_page->failed;
}

void disarm(void)
{
    const char *name;
    int code;
    injected_disarm(&name, &code);
}

void trial_end(void)
{
    char text[120];
    MUST(!leaks_found(descriptors_before, text, sizeof text));
    MUST(fb_mp_heap_used() == used_before);
}

void trial_run(int (*body)(void *context), unsigned what)
{
    int end = forked_end(forked_run(body, &what));
    if (end != 0)
        fail_msg("trial %u: %s %d", what, end == -SIGALRM ? "hangs:" : "exit code", end);
}

/* ---- memory ---- */

void **fill_heap(size_t size)
{
    void **last = NULL;
    void *memory;
    injected_count = NULL;
    injected_arm(1, true, 0);
    while (fb_mp_alloc_at(size, &memory) == 0) {
        memcpy(memory, &last, sizeof last);
        last = memory;
    }
    disarm();
    injected_count = &failing_pool_page->failed;
    return last;
}

void empty_heap(void **last)
{
    while (last) {
        void **before = *last;
        MUST(fb_mp_free(last) == 0);
        last = before;
    }
}

/* ---- pools and tasks ---- */

int echo_argument(struct fb_mp_call *call)
{
    return fb_mp_return(call, call->argument, call->size);
}

int hold(struct fb_mp_call *call)
{
    (void)call;
    atomic_fetch_add(&failing_pool_page->begun, 1);
    while (!atomic_load(&failing_pool_page->gate))
        fb_mp_sleep(&failing_pool_page->gate, 0, FB_MP_FOREVER);
    atomic_fetch_add(&failing_pool_page->ended, 1);
    return 0;
}

void open_gate(void)
{
    atomic_store(&failing_pool_page->gate, 1);
    fb_mp_wake(&failing_pool_page->gate, INT32_MAX);
}

struct fb_mp_pool *open_pool(unsigned workers)
{
    const struct fb_mp_pool_options options = { .workers = workers };
    struct fb_mp_pool *pool = NULL;
    struct fb_error error;
    MUST(fb_mp_pool_open(&options, &pool, &error) == 0);
    return pool;
}

struct fb_mp_future *submit_task(struct fb_mp_pool *pool, fb_mp_function function)
{
    struct fb_mp_future *future = NULL;
    MUST(fb_mp_submit(pool, function, "given", 6, NULL, &future) == 0);
    return future;
}

int task_result(struct fb_mp_future *future)
{
    const void *got;
    size_t size;
    struct fb_error error = { 0 };
    int result = fb_mp_future_result(future, LIMIT_NS, &got, &size, &error);
    MUST(result == 0 ? size == 6 && memcmp(got, "given", 6) == 0
                     : error.code == result && error.text[0] != '\0');
    fb_mp_future_free(future);
    return result;
}
