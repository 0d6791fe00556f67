/* harness/mp/pool/map.h: imap, which reads items from a source as they are needed. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct item {
    struct pool_page *pool_page;
    uint32_t number;
};

/* ---- tasks ---- */

/* The result is the item's square. Item 0 waits for the gate, and items that end with 7 fail. */
static int square(struct fb_mp_call *call)
{
    struct item item;
    memcpy(&item, call->argument, sizeof item);
    if (item.number != call->index)
        return -EDOM;
    if (item.number == 0 && fb_mp_event_wait(item.pool_page->gate, LIMIT_NS) < 0)
        return -ETIME;
    if (item.number % 10 == 7)
        return fb_error_set(&call->error, -EXDEV, "bad: %u", item.number);
    item.number *= item.number;
    return fb_mp_return(call, &item.number, sizeof item.number);
}

/* Each result is the number of items of the call. */
static int count(struct fb_mp_call *call)
{
    uint32_t *room = fb_mp_return_room(call, call->count * sizeof *room);
    for (size_t i = 0; room && i < call->count; i++)
        room[i] = (uint32_t)call->count;
    return room ? 0 : call->error.code;
}

static const struct fb_mp_task tasks[] = {
    POOL_PAGE_TASKS,
    FB_MP_FUNCTION(square),
    FB_MP_FUNCTION(count),
    { 0 },
};

/* ---- the source ---- */

struct source {
    size_t count, given, taken, most; /* most: how many may be given before they are taken */
    size_t bad;                       /* items that failed */
    bool fails, greedy;
};

static int next_item(void *context, void *ret_item)
{
    struct source *source = context;
    const struct item item = { pool_page, (uint32_t)source->given };
    if (source->given == source->count)
        return source->fails ? -EIO : 0;
    memcpy(ret_item, &item, sizeof item);
    source->given++;
    source->greedy |= source->most && source->given - source->taken > source->most;
    return 1;
}

static struct fb_mp_pool *pool_of(enum fb_mp_method method, unsigned workers)
{
    return pool_opened((struct fb_mp_pool_options){ .method = method, .workers = workers });
}

static struct fb_mp_imap *imap_of(struct fb_mp_pool *pool, struct source *source,
                                  const struct fb_mp_imap_options *options)
{
    struct fb_mp_imap *imap = NULL;
    assert_int_equal(
        fb_mp_imap(pool, square, next_item, source, sizeof(struct item), 4, options, &imap), 0);
    return imap;
}

/* Checks the next result, and returns its index. */
static size_t taken_from(struct fb_mp_imap *imap, struct source *source)
{
    const void *bytes = NULL;
    size_t index = 0;
    uint32_t number;
    struct fb_error error = { 0 };
    int result = fb_mp_imap_next(imap, LIMIT_NS, &bytes, &index, &error);
    if (index % 10 == 7) {
        char text[40];
        snprintf(text, sizeof text, "bad: %zu", index);
        assert_int_equal(result, -EXDEV);
        assert_int_equal(error.code, -EXDEV);
        if (!source->bad++) /* only the first error of a chunk has its text */
            assert_string_equal(error.text, text);
        assert_true(*error.text);
    } else {
        assert_int_equal(result, 0);
        memcpy(&number, bytes, sizeof number);
        assert_int_equal(number, index * index);
    }
    source->taken++;
    return index;
}

static void assert_at_end(struct fb_mp_imap *imap)
{
    for (int i = 0; i < 2; i++)
        assert_int_equal(fb_mp_imap_next(imap, LIMIT_NS, NULL, NULL, NULL), -ENODATA);
    fb_mp_imap_free(imap);
}

/* ---- */

static const struct fb_mp_imap_options ways[] = {
    { .ahead = 0 },
    { .ahead = 1 },
    { .map.chunk = 3, .ahead = 2 },
    { .map.chunk = 10 },
    { .map.chunk = 1000, .ahead = 3 },
};
#define WAYS (sizeof ways / sizeof *ways)

static void take_in_order(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (size_t k = 0; k < WAYS; k++) {
        size_t ahead = ways[k].ahead ? ways[k].ahead : 4 * (size_t)workers;
        size_t chunk = ways[k].map.chunk ? ways[k].map.chunk : 1;
        struct source source = { .count = 95, .most = ahead * chunk };
        struct fb_error error = { 0 };
        fb_mp_event_clear(pool_page->gate);
        struct fb_mp_imap *imap = imap_of(pool, &source, &ways[k]);
        assert_int_equal(fb_mp_imap_next(imap, 0, NULL, NULL, NULL), -EAGAIN);
        assert_int_equal(fb_mp_imap_next(imap, FB_MP_MILLISECOND, NULL, NULL, &error), -EAGAIN);
        assert_int_equal(error.code, -EAGAIN);
        assert_int_equal(source.given, source.most < 95 ? source.most : 95);
        fb_mp_event_set(pool_page->gate);
        for (size_t i = 0; i < 95; i++)
            assert_int_equal(taken_from(imap, &source), i);
        assert_false(source.greedy);
        assert_at_end(imap);
    }
    fb_mp_pool_close(pool);
}

static void results_come_in_order(void **state)
{
    (void)state;
    under_all(take_in_order, MANY_WORKERS);
}

static void take_as_done(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_pool *pool = pool_of(method, workers);
    for (size_t k = 0; k < WAYS; k++) {
        struct fb_mp_imap_options options = ways[k];
        options.unordered = true;
        size_t ahead = options.ahead ? options.ahead : 4 * (size_t)workers;
        size_t chunk = options.map.chunk ? options.map.chunk : 1;
        struct source source = { .count = 95, .most = ahead * chunk };
        bool seen[95] = { false };
        /* Item 0 waits for the gate. With more than one worker, the items of all other chunks come
         * first. */
        size_t before = workers > 1 && ahead > 1 && chunk < 95 ? 95 - chunk : 0;
        fb_mp_event_clear(pool_page->gate);
        struct fb_mp_imap *imap = imap_of(pool, &source, &options);
        for (size_t i = 0; i < 95; i++) {
            if (i == before)
                fb_mp_event_set(pool_page->gate);
            size_t index = taken_from(imap, &source);
            assert_true(index < 95 && !seen[index]);
            seen[index] = true;
        }
        assert_false(source.greedy);
        assert_at_end(imap);
    }
    fb_mp_pool_close(pool);
}

static void results_come_as_they_are_done(void **state)
{
    (void)state;
    under_all(take_as_done, MANY_WORKERS);
}

static void end_badly(enum fb_mp_method method, unsigned workers)
{
    struct fb_mp_pool *pool = pool_of(method, workers);
    fb_mp_event_set(pool_page->gate);
    for (size_t count = 0; count <= 12; count += 6) {
        struct source source = { .count = count, .fails = true };
        struct fb_mp_imap *imap =
            imap_of(pool, &source, &(struct fb_mp_imap_options){ .map.chunk = 5 });
        for (size_t i = 0; i < count; i++)
            assert_int_equal(taken_from(imap, &source), i);
        assert_int_equal(fb_mp_imap_next(imap, LIMIT_NS, NULL, NULL, NULL), -EIO);
        assert_at_end(imap);
    }
    fb_mp_pool_close(pool);
}

static void an_error_of_the_source_comes_after_its_items(void **state)
{
    (void)state;
    under_all(end_badly, MANY_WORKERS);
}

static void free_early(enum fb_mp_method method, unsigned workers)
{
    struct source source = { .count = 1000 };
    struct fb_mp_pool *pool = pool_of(method, workers);
    fb_mp_imap_free(imap_of(pool, &source, NULL)); /* item 0 waits for the gate */
    fb_mp_event_set(pool_page->gate);
    source = (struct source){ .count = 1000 };
    struct fb_mp_imap *imap =
        imap_of(pool, &source, &(struct fb_mp_imap_options){ .map.chunk = 3 });
    assert_int_equal(taken_from(imap, &source), 0);
    assert_int_equal(taken_from(imap, &source), 1);
    fb_mp_imap_free(imap);
    fb_mp_imap_free(NULL);
    assert_brings(submitted(pool, echo, "on", 2), "on", 2);
    source = (struct source){ .count = 10 };
    imap = imap_of(pool, &source, NULL);
    fb_mp_pool_shutdown(pool, false);
    assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), 0);
    fb_mp_pool_close(pool);
    fb_mp_imap_free(imap); /* an imap stays valid after its pool is closed */
}

static void an_imap_may_be_freed_early(void **state)
{
    (void)state;
    under_all(free_early, MANY_WORKERS);
}

static void take_whole_chunks(enum fb_mp_method method, unsigned workers)
{
    struct source source = { .count = 12 };
    struct fb_mp_imap *imap;
    const void *bytes = NULL;
    uint32_t number;
    struct fb_mp_pool *pool = pool_of(method, workers);
    const struct fb_mp_imap_options options = { .map = { .chunk = 5, .whole = true } };
    assert_int_equal(
        fb_mp_imap(pool, count, next_item, &source, sizeof(struct item), 4, &options, &imap), 0);
    for (size_t i = 0; i < 12; i++) {
        assert_int_equal(fb_mp_imap_next(imap, LIMIT_NS, &bytes, NULL, NULL), 0);
        memcpy(&number, bytes, sizeof number);
        assert_int_equal(number, i < 10 ? 5 : 2);
    }
    assert_at_end(imap);
    fb_mp_pool_close(pool);
}

static void a_call_may_get_a_whole_chunk(void **state)
{
    (void)state;
    under_all(take_whole_chunks, MANY_WORKERS);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_POOL_PAGE(results_come_in_order),
        WITH_POOL_PAGE(results_come_as_they_are_done),
        WITH_POOL_PAGE(an_error_of_the_source_comes_after_its_items),
        WITH_POOL_PAGE(an_imap_may_be_freed_early),
        WITH_POOL_PAGE(a_call_may_get_a_whole_chunk),
    };
    return RUN_TESTS(tests);
}
