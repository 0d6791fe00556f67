/* harness/mp/pool/map.h: map, waiting for it and in the background. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <string.h>

/* ---- tasks ---- */

static int square(struct fb_mp_call *call)
{
    uint32_t number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

/* The result is the item's index plus the bound number; there is no array of items. */
static int add_bound(struct fb_mp_call *call)
{
    uint32_t bound;
    if (call->argument || call->size != 0 || call->count != 1)
        return -EDOM;
    memcpy(&bound, call->bound, sizeof bound);
    bound += (uint32_t)call->index;
    return fb_mp_return(call, &bound, sizeof bound);
}

/* The result is the address of the item. */
static int return_address(struct fb_mp_call *call)
{
    return fb_mp_return(call, &call->argument, sizeof call->argument);
}

/* The result of an item: the item, and the first index and the number of items of its call. */
struct whole {
    uint32_t item, index, count;
};

static int see_whole(struct fb_mp_call *call)
{
    struct whole *room = fb_mp_return_room(call, call->count * sizeof *room);
    const uint32_t *item = call->argument;
    if (!room || call->size != call->count * sizeof *item)
        return -EDOM;
    for (uint32_t i = 0; i < call->count; i++)
        room[i] = (struct whole){ item[i], (uint32_t)call->index, (uint32_t)call->count };
    return item[0] == 30 ? fb_error_set(&call->error, -EXDEV, "thirty") : 0;
}

/* Items that end with 7 fail after they have set a result. */
static int fail_at_sevens(struct fb_mp_call *call)
{
    struct pool_page *found;
    memcpy(&found, call->bound, sizeof found);
    uint32_t number = 5;
    int result = fb_mp_return(call, &number, sizeof number);
    atomic_fetch_add(&found->ended, 1);
    if (result == 0 && call->index % 10 == 7)
        result = fb_error_set(&call->error, -EXDEV, "sevens are bad: %zu", call->index);
    return result;
}

static int return_nothing(struct fb_mp_call *call)
{
    struct pool_page *found;
    memcpy(&found, call->bound, sizeof found);
    atomic_fetch_add(&found->ended, 1);
    return 0;
}

static int not_in_the_table(struct fb_mp_call *call)
{
    (void)call;
    return 0;
}

static const struct fb_mp_task tasks[] = {
    POOL_PAGE_TASKS,
    FB_MP_FUNCTION(square),
    FB_MP_FUNCTION(add_bound),
    FB_MP_FUNCTION(return_address),
    FB_MP_FUNCTION(see_whole),
    FB_MP_FUNCTION(fail_at_sevens),
    FB_MP_FUNCTION(return_nothing),
    { 0 },
};

static struct fb_mp_pool *pool_of(enum fb_mp_method method, unsigned workers)
{
    return pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
}

/* ---- items, results, chunks ---- */

static void map_in_chunks(enum fb_mp_method method, unsigned workers)
{
    static const size_t chunks[] = { 0, 1, 7, 1000, 5000, SIZE_MAX };
    uint32_t items[1000], results[1000];
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (uint32_t i = 0; i < 1000; i++)
        items[i] = i + 1;
    for (size_t k = 0; k < 6; k++) {
        const struct fb_mp_map_options options = { .chunk = chunks[k] };
        memset(results, 0xff, sizeof results);
        assert_int_equal(fb_mp_map(pool, square, items, 1000, 4, results, 4, &options, NULL), 0);
        for (uint32_t i = 0; i < 1000; i++)
            assert_int_equal(results[i], (i + 1) * (i + 1));
        assert_int_equal(fb_mp_map(pool, square, items, 0, 4, results, 4, &options, NULL), 0);
        assert_int_equal(fb_mp_map(pool, square, items, 3, 4, results, 4, &options, NULL), 0);
        assert_int_equal(results[2], 9);
    }
    fb_mp_pool_close(pool);
}

static void chunks_have_any_size(void **state)
{
    (void)state;
    under_all(map_in_chunks, MANY_WORKERS);
}

static void map_without(enum fb_mp_method method, unsigned workers)
{
    uint32_t bound = 1000, results[300];
    struct fb_error error = { 0 };
    struct fb_mp_pool *pool = pool_of(method, workers);
    struct fb_mp_map_options options = { .bound = &bound, .bound_size = sizeof bound };
    assert_int_equal(fb_mp_map(pool, add_bound, NULL, 300, 0, results, 4, &options, NULL), 0);
    for (uint32_t i = 0; i < 300; i++)
        assert_int_equal(results[i], 1000 + i);
    options = (struct fb_mp_map_options){ .bound = &pool_page, .bound_size = sizeof pool_page };
    atomic_store(&pool_page->ended, 0);
    assert_int_equal(fb_mp_map(pool, return_nothing, NULL, 300, 0, NULL, 0, &options, NULL), 0);
    assert_int_equal(atomic_load(&pool_page->ended), 300);
    /* A result of the wrong size. */
    assert_int_equal(fb_mp_map(pool, square, &bound, 1, 4, results, 8, NULL, &error), -EMSGSIZE);
    assert_non_null(strstr(error.text, "item 0"));
    assert_int_equal(results[0], 0);
    fb_mp_pool_close(pool);
}

static void items_and_results_may_be_missing(void **state)
{
    (void)state;
    under_all(map_without, MANY_WORKERS);
}

#define MANY 100000

static void map_shared(enum fb_mp_method method, unsigned workers)
{
    void *items, *results;
    struct fb_mp_map *map;
    struct fb_mp_pool *pool = pool_of(method, workers);
    assert_int_equal(fb_mp_alloc(MANY * sizeof(uint32_t), &items), 0);
    assert_int_equal(fb_mp_alloc(MANY * sizeof(void *), &results), 0);
    size_t before = fb_mp_heap_used();
    memset(results, 1, MANY * sizeof(void *));
    assert_int_equal(
        fb_mp_map_async(pool, return_address, items, MANY, 4, results, sizeof(void *), NULL, &map),
        0);
    assert_true(fb_mp_heap_used() - before < MANY); /* there are no copies */
    assert_int_equal(fb_mp_map_wait(map, LIMIT_NS), 0);
    const uint32_t *const *place = results; /* written by the workers */
    for (size_t i = 0; i < MANY; i++)
        assert_ptr_equal(place[i], (uint32_t *)items + i);
    assert_int_equal(fb_mp_map_result(map, 0, NULL), 0);
    fb_mp_map_free(map);
    fb_mp_pool_close(pool);
    assert_int_equal(fb_mp_free(items), 0);
    assert_int_equal(fb_mp_free(results), 0);
}

static void shared_memory_is_not_copied(void **state)
{
    (void)state;
    under_all(map_shared, MANY_WORKERS);
}

static void map_whole(enum fb_mp_method method, unsigned workers)
{
    uint32_t items[100];
    struct whole whole[100];
    struct fb_error error = { 0 };
    const struct fb_mp_map_options options = { .chunk = 7, .whole = true };
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (uint32_t i = 0; i < 100; i++)
        items[i] = i + 100;
    for (int fails = 0; fails < 2; fails++) {
        if (fails)
            items[35] = 30; /* where a chunk begins */
        int result =
            fb_mp_map(pool, see_whole, items, 100, 4, whole, sizeof *whole, &options, &error);
        assert_int_equal(result, fails ? -EXDEV : 0);
        for (uint32_t i = 0; i < 100; i++) {
            bool failed = fails && i / 7 == 5;
            assert_int_equal(whole[i].item, failed ? 0 : items[i]);
            assert_int_equal(whole[i].index, failed ? 0 : i / 7 * 7);
            assert_int_equal(whole[i].count, failed ? 0 : i < 98 ? 7 : 2);
        }
    }
    assert_string_equal(error.text, "item 35: thirty");
    fb_mp_pool_close(pool);
}

static void a_call_may_get_a_whole_chunk(void **state)
{
    (void)state;
    under_all(map_whole, MANY_WORKERS);
}

/* ---- failures ---- */

static void map_with_errors(enum fb_mp_method method, unsigned workers)
{
    static const size_t chunks[] = { 0, 1, 4, 200 };
    uint32_t results[100];
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (size_t k = 0; k < 4; k++) {
        struct fb_error error = { 0 };
        const struct fb_mp_map_options options = { .bound = &pool_page,
                                                   .bound_size = sizeof pool_page,
                                                   .chunk = chunks[k] };
        pool_page_clear();
        assert_int_equal(
            fb_mp_map(pool, fail_at_sevens, NULL, 100, 0, results, 4, &options, &error), -EXDEV);
        assert_int_equal(error.code, -EXDEV);
        assert_string_equal(error.text, "item 7: sevens are bad: 7");
        assert_int_equal(atomic_load(&pool_page->ended), 100); /* all items were run */
        for (size_t i = 0; i < 100; i++)
            assert_int_equal(results[i], i % 10 == 7 ? 0 : 5);
        assert_int_equal(fb_mp_map(pool, fail_at_sevens, NULL, 7, 0, results, 4, &options, NULL),
                         0);
    }
    fb_mp_pool_close(pool);
}

static void the_first_error_is_returned_after_all_items_were_run(void **state)
{
    (void)state;
    under_all(map_with_errors, MANY_WORKERS);
}

static void wrong_maps_are_refused(void **state)
{
    (void)state;
    struct fb_error error = { 0 };
    uint32_t item = 3;
    struct fb_mp_pool *pool = pool_of(FB_MP_SPAWN, 1);
    assert_int_equal(fb_mp_map(pool, not_in_the_table, &item, 1, 4, NULL, 0, NULL, &error),
                     -EINVAL);
    assert_true(error.code == -EINVAL && *error.text);
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_map(pool, square, &item, 1, 4, &item, 4, NULL, &error), -ESHUTDOWN);
    assert_true(error.code == -ESHUTDOWN && *error.text);
    fb_mp_pool_close(pool);
}

/* ---- in the background ---- */

#define ITEMS 250 /* more than workers */

static void map_in_background(enum fb_mp_method method, unsigned workers)
{
    struct pool_page *items[ITEMS];
    uint32_t results[ITEMS];
    struct fb_error error = { 0 };
    struct fb_mp_map *map, *early;
    const struct fb_mp_map_options options = { .chunk = 1 };
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = pool_page;
    memset(results, 0xff, sizeof results);
    assert_int_equal(fb_mp_map_async(pool, wait_at_gate, items, ITEMS, sizeof *items, results, 4,
                                     &options, &map),
                     0);
    assert_int_equal(fb_mp_map_async(pool, wait_at_gate, items, ITEMS, sizeof *items, results, 4,
                                     &options, &early),
                     0);
    memset(items, 0, sizeof items); /* the map has a copy */
    assert_true(wait_for(&pool_page->begun, workers));
    assert_int_equal(fb_mp_map_wait(map, 0), -ETIMEDOUT);
    assert_int_equal(fb_mp_map_wait(map, FB_MP_MILLISECOND), -ETIMEDOUT);
    assert_int_equal(fb_mp_map_result(map, FB_MP_MILLISECOND, &error), -ETIMEDOUT);
    assert_int_equal(error.code, -ETIMEDOUT);
    fb_mp_map_free(early); /* none of its tasks has begun */
    fb_mp_event_set(pool_page->gate);
    assert_int_equal(fb_mp_map_wait(map, LIMIT_NS), 0);
    for (size_t i = 0; i < ITEMS; i++)
        assert_int_equal(results[i], UINT32_MAX); /* written by fb_mp_map_result only */
    assert_int_equal(fb_mp_map_result(map, 0, &error), 0);
    uint64_t sum = 0;
    for (size_t i = 0; i < ITEMS; i++)
        sum += results[i];
    assert_int_equal(sum, (ITEMS - 1) * ITEMS / 2);
    assert_int_equal(atomic_load(&pool_page->begun), ITEMS);
    fb_mp_map_free(map);
    fb_mp_map_free(NULL);
    fb_mp_pool_close(pool);
}

/* The map is freed while its tasks run. */
static void map_and_free(enum fb_mp_method method, unsigned workers)
{
    struct pool_page *items[ITEMS];
    struct fb_mp_map *map;
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (size_t i = 0; i < ITEMS; i++)
        items[i] = pool_page;
    assert_int_equal(
        fb_mp_map_async(pool, wait_at_gate, items, ITEMS, sizeof *items, NULL, 0, NULL, &map), 0);
    assert_true(wait_for(&pool_page->begun, workers));
    fb_mp_map_free(map);
    fb_mp_event_set(pool_page->gate);
    assert_brings(submitted(pool, echo, "on", 2), "on", 2);
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), 0);
    fb_mp_pool_close(pool);
}

static void maps_in_the_background(void **state)
{
    (void)state;
    under_all(map_in_background, MANY_WORKERS);
    under_all(map_and_free, MANY_WORKERS);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_POOL_PAGE(chunks_have_any_size),
        WITH_POOL_PAGE(items_and_results_may_be_missing),
        WITH_POOL_PAGE(shared_memory_is_not_copied),
        WITH_POOL_PAGE(a_call_may_get_a_whole_chunk),
        WITH_POOL_PAGE(the_first_error_is_returned_after_all_items_were_run),
        WITH_POOL_PAGE(wrong_maps_are_refused),
        WITH_POOL_PAGE(maps_in_the_background),
    };
    return RUN_TESTS(tests);
}
