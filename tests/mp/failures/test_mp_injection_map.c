/* Maps while the system runs out of a resource (fault_injection.h): the results of items that workers
 * have at that moment, and of all others. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/failures/failing_pool.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

/* Waiting needs no memory, as map.h says: the map is done, or not yet. */
static int wait_for_map(void *context)
{
    (void)context;
    trial_begin();
    struct fb_mp_pool *pool = open_pool(1);
    struct fb_mp_map *map = NULL;
    MUST(fb_mp_map_async(pool, hold, NULL, 2, 0, NULL, 0, NULL, &map) == 0);
    MUST(wait_for(&failing_pool_page->begun, 1));
    injected_arm(1, true, 0);
    int result = fb_mp_map_wait(map, 0);
    disarm();
    open_gate();
    MUST(fb_mp_map_result(map, LIMIT_NS, NULL) == 0);
    fb_mp_map_free(map);
    fb_mp_pool_close(pool);
    trial_end();
    MUST(result == -ETIMEDOUT);
    return 0;
}

static void waiting_for_a_map_needs_no_memory(void **state)
{
    (void)state;
    trial_run(wait_for_map, 0);
}

static int take_a_while(struct fb_mp_call *call)
{
    (void)call;
    atomic_fetch_add(&failing_pool_page->begun, 1);
    for (int i = 0; i < 2000; i++)
        sched_yield();
    atomic_fetch_add(&failing_pool_page->ended, 1);
    return 0;
}

/* Whether it succeeds or fails, no worker uses the caller's items and results after it returns. */
static int map_then_check_that_workers_stopped(void *context)
{
    unsigned n = *(unsigned *)context;
    trial_begin();
    struct fb_mp_pool *pool = open_pool(1);
    const struct fb_mp_map_options options = { .chunk = 1 };
    struct fb_error error;
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    injected_only = "calloc";
    injected_arm(n, true, 0);
    int result = fb_mp_map(pool, take_a_while, NULL, 8, 0, NULL, 0, &options, &error);
    uint32_t before = atomic_load(&failing_pool_page->ended);
    disarm();
    MUST(result == 0 ? before == 8 : result == -ENOMEM);
    fb_mp_pool_shutdown(pool, false);
    MUST(fb_mp_pool_join(pool, LIMIT_NS) == 0);
    fb_mp_pool_close(pool);
    trial_end();
    MUST(atomic_load(&failing_pool_page->ended) == before);
    return 0;
}

static void no_worker_uses_a_map_that_failed(void **state)
{
    (void)state;
    for (unsigned n = 1; n < 12; n++)
        trial_run(map_then_check_that_workers_stopped, n);
}

#define ITEMS 6

static int next_item(void *context, void *item)
{
    unsigned *next = context;
    memcpy(item, next, sizeof *next);
    return (*next)++ < ITEMS;
}

/* -ENODATA comes only after each item's result or error has been returned. */
static int lose_no_item(void *context)
{
    unsigned n = *(unsigned *)context, next = 0, returned = 0;
    trial_begin();
    struct fb_mp_pool *pool = open_pool(1);
    const struct fb_mp_imap_options options = { .ahead = 1 };
    struct fb_mp_imap *imap;
    const void *got;
    int result;
    MUST(fb_mp_imap(pool, echo_argument, next_item, &next, sizeof next, sizeof next, &options,
                    &imap) == 0);
    injected_only = "calloc";
    injected_arm(n, false, 0);
    do {
        size_t index = SIZE_MAX;
        result = fb_mp_imap_next(imap, LIMIT_NS, &got, &index, NULL);
        MUST(result == -ENODATA || index == returned);
        MUST(result != 0 || memcmp(got, &returned, sizeof returned) == 0);
        returned += index == returned;
    } while (result != -ENODATA);
    disarm();
    fb_mp_imap_free(imap);
    fb_mp_pool_close(pool);
    trial_end();
    MUST(atomic_load(&failing_pool_page->failed) == 1);
    MUST(returned == ITEMS);
    return 0;
}

static void an_imap_continues_after_a_failure(void **state)
{
    (void)state;
    for (unsigned n = 1; n < ITEMS; n++)
        trial_run(lose_no_item, n);
}

int main(void)
{
    failing_pool_begin();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_for_a_map_needs_no_memory),
        cmocka_unit_test(no_worker_uses_a_map_that_failed),
        cmocka_unit_test(an_imap_continues_after_a_failure),
    };
    return RUN_TESTS(tests);
}
