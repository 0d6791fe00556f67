/* harness/mp/pool/map.h: items that kill their worker fail or are run again, and all other items
 * have results. */
#include "tests/mp/pool/crash_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>

#define ITEMS 40u
#define FATAL 13u
#define CHUNK 4u

/* ---- tasks ---- */

struct page {
    _Atomic uint32_t tries;
};
static struct page *page; /* in shared memory; tasks get the address, which spawned workers need */

static int square(struct fb_mp_call *call)
{
    uint32_t number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

/* The bound is the item that kills its worker. */
static int square_or_die(struct fb_mp_call *call)
{
    if (memcmp(call->argument, call->bound, sizeof(uint32_t)) == 0)
        end_self(-SIGKILL);
    return square(call);
}

/* The item before the fatal one fails. The fatal one kills its worker, but only once. */
static int fail_and_die(struct fb_mp_call *call)
{
    struct page *given;
    uint32_t number;
    memcpy(&given, call->bound, sizeof given);
    memcpy(&number, call->argument, sizeof number);
    if (number == FATAL && atomic_fetch_add(&given->tries, 1) == 0)
        end_self(-SIGKILL);
    return number + 1 == FATAL ? fb_error_set(&call->error, -EIO, "no good") : square(call);
}

static const struct fb_mp_task tasks[] = { FB_MP_FUNCTION(square_or_die),
                                           FB_MP_FUNCTION(fail_and_die),
                                           { 0 } };

/* ---- */

static void map_with_a_killer(enum fb_mp_method method, unsigned workers)
{
    uint32_t items[ITEMS], results[ITEMS], fatal = FATAL;
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i] = i;
    struct fb_mp_pool *pool =
        crash_pool_open((struct fb_mp_pool_options){ .method = method, .workers = workers });
    const struct fb_mp_map_options options = { .bound = &fatal,
                                               .bound_size = sizeof fatal,
                                               .chunk = CHUNK };
    struct fb_error error = { 0 };
    memset(results, 0xff, sizeof results);
    assert_int_equal(fb_mp_map(pool, square_or_die, items, ITEMS, sizeof *items, results,
                               sizeof *results, &options, &error),
                     -EOWNERDEAD);
    assert_int_equal(error.code, -EOWNERDEAD);
    assert_non_null(strstr(error.text, "item 13: "));
    assert_non_null(strstr(error.text, "signal 9"));
    for (uint32_t i = 0; i < ITEMS; i++)
        assert_int_equal(results[i], i == FATAL ? 0 : i * i);
    crash_pool_end(pool);
}

static void a_fatal_item_fails_alone(void **state)
{
    (void)state;
    crash_under_all(map_with_a_killer);
}

/* The error of an item is returned even if its worker is killed afterwards. */
static void an_error_is_kept_when_its_worker_is_killed(void **state)
{
    (void)state;
    uint32_t items[ITEMS], results[ITEMS];
    for (uint32_t i = 0; i < ITEMS; i++)
        items[i] = i;
    for (size_t m = 0; m < METHODS; m++)
        for (unsigned retries = 0; retries < 2; retries++) {
            struct fb_mp_pool *pool = crash_pool_open((struct fb_mp_pool_options){
                .method = methods[m], .workers = 1, .retries = retries });
            const struct fb_mp_map_options options = { .bound = &page,
                                                       .bound_size = sizeof page,
                                                       .chunk = ITEMS };
            struct fb_error error = { 0 };
            memset(page, 0, sizeof *page);
            assert_int_equal(fb_mp_map(pool, fail_and_die, items, ITEMS, sizeof *items, results,
                                       sizeof *results, &options, &error),
                             -EIO);
            assert_string_equal(error.text, "item 12: no good");
            for (uint32_t i = 0; i < ITEMS; i++)
                if (i + 1 != FATAL && (i != FATAL || retries))
                    assert_int_equal(results[i], i * i);
            crash_pool_end(pool);
        }
}

static int count_to_items(void *context, void *item)
{
    uint32_t *next = context;
    if (*next == ITEMS)
        return 0;
    memcpy(item, next, sizeof *next);
    ++*next;
    return 1;
}

/* Every item comes once, and the fatal one fails. */
static void check_imap(struct fb_mp_pool *pool, bool unordered, size_t chunk)
{
    uint32_t next = 0, fatal = FATAL, number;
    bool seen[ITEMS] = { 0 };
    struct fb_mp_imap *imap;
    const struct fb_mp_imap_options options = {
        .map = { .bound = &fatal, .bound_size = sizeof fatal, .chunk = chunk },
        .unordered = unordered
    };
    assert_int_equal(fb_mp_imap(pool, square_or_die, count_to_items, &next, sizeof next,
                                sizeof number, &options, &imap),
                     0);
    for (uint32_t i = 0; i < ITEMS; i++) {
        const void *result;
        size_t index = ITEMS;
        struct fb_error error = { 0 };
        int code = fb_mp_imap_next(imap, LIMIT_NS, &result, &index, &error);
        assert_true(index < ITEMS && !seen[index]);
        assert_true(unordered || index == i);
        seen[index] = true;
        if (index == FATAL) {
            assert_int_equal(code, -EOWNERDEAD);
            assert_non_null(strstr(error.text, "signal 9"));
            continue;
        }
        assert_int_equal(code, 0);
        memcpy(&number, result, sizeof number);
        assert_int_equal(number, index * index);
    }
    assert_int_equal(fb_mp_imap_next(imap, LIMIT_NS, NULL, NULL, NULL), -ENODATA);
    fb_mp_imap_free(imap);
}

static void imap_with_a_killer(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_pool *pool =
        crash_pool_open((struct fb_mp_pool_options){ .method = method, .workers = workers });
    for (int unordered = 0; unordered < 2; unordered++) {
        check_imap(pool, unordered, 1);
        check_imap(pool, unordered, CHUNK);
    }
    crash_pool_end(pool);
}

static void a_fatal_item_of_an_imap_fails_alone(void **state)
{
    (void)state;
    crash_under_all(imap_with_a_killer);
}

int main(int argc, char **argv)
{
    void *memory;
    fb_mp_main(argc, argv, tasks);
    if (fb_mp_alloc(sizeof *page, &memory) != 0)
        return 1;
    page = memory;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fatal_item_fails_alone),
        cmocka_unit_test(an_error_is_kept_when_its_worker_is_killed),
        cmocka_unit_test(a_fatal_item_of_an_imap_fails_alone),
    };
    return RUN_TESTS(tests);
}
