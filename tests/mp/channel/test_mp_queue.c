/* harness/mp/channel/queue*.c: every message of many producers arrives at one of many consumers,
 * whole, in order and once. */
#include "tests/mp/channel/queue_fixture.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BIG ((size_t)3 << 20)

/* ---- many to many ---- */

#define PRODUCERS 3u
#define CONSUMERS 3u
#define EACH 4000u

/* A message is a number, with the producer in the upper half; each seventh message is in the heap.
 */
static int produce(const void *argument, size_t size)
{
    (void)size;
    uint64_t note[20] = { 0 };
    queue_page_find(argument);
    uint64_t producer = atomic_fetch_add(&queue_page->ready, 1);
    for (uint64_t i = 0; i < EACH; i++) {
        note[0] = producer << 32 | i;
        if (fb_mp_queue_put(queue_page->queue, note, i % 7 ? 8 : sizeof note, LIMIT_NS) != 0)
            return 1;
    }
    return 0;
}

static int consume(const void *argument, size_t size)
{
    uint64_t note[20], next[PRODUCERS] = { 0 };
    int result;
    queue_page_find(argument);
    while ((result = fb_mp_queue_get(queue_page->queue, note, sizeof note, LIMIT_NS, &size)) == 0) {
        uint64_t producer = note[0] >> 32, number = note[0] & 0xffffffff;
        if (producer >= PRODUCERS || number < next[producer] ||
            size != (number % 7 ? 8 : sizeof note))
            return 1;
        next[producer] = number + 1;
        atomic_fetch_add(&queue_page->count, 1);
        atomic_fetch_add(&queue_page->sum, number);
    }
    return result == -ENODATA ? 0 : 2;
}

/* With a single end mark, each consumer puts it back for the next one. */
static int consume_and_pass_on(const void *argument, size_t size)
{
    int code = consume(argument, size);
    return code != 0 ? code : (fb_mp_queue_put_end(queue_page->queue, LIMIT_NS) != 0) * 3;
}

static void exchange(enum fb_mp_method method, size_t capacity, bool shared)
{
    struct fb_mp_process *producer[PRODUCERS], *consumer[CONSUMERS];
    queue_page_make(capacity);
    for (unsigned i = 0; i < CONSUMERS; i++)
        consumer[i] = start_on_page(shared ? consume_and_pass_on : consume, method);
    for (unsigned i = 0; i < PRODUCERS; i++)
        producer[i] = start_on_page(produce, method);
    for (unsigned i = 0; i < PRODUCERS; i++)
        assert_int_equal(ended(producer[i]), 0);
    for (unsigned i = 0; i < (shared ? 1 : CONSUMERS); i++)
        assert_int_equal(fb_mp_queue_put_end(queue_page->queue, LIMIT_NS), 0);
    for (unsigned i = 0; i < CONSUMERS; i++)
        assert_int_equal(ended(consumer[i]), 0);
    assert_int_equal(queue_page->count, PRODUCERS * EACH);
    assert_int_equal(queue_page->sum, PRODUCERS * (uint64_t)EACH * (EACH - 1) / 2);
    assert_int_equal(try_get(), shared ? -ENODATA : -ETIMEDOUT);
    queue_page_free();
}

static void each_message_arrives_once_and_in_order(void **state)
{
    (void)state;
    static const size_t capacities[] = { 1, 3, 64 };
    for (int m = 0; m < METHODS; m++)
        for (int c = 0; c < 3; c++)
            exchange(methods[m], capacities[c], c == 1);
}

/* ---- sizes ---- */

static const size_t sizes[] = { 0, 1, 47, 48, 49, 1000, 100000, BIG };
#define SIZES (sizeof sizes / sizeof *sizes)

static int put_sizes(const void *argument, size_t size)
{
    (void)size;
    unsigned char *bytes = malloc(BIG);
    queue_page_find(argument);
    for (size_t i = 0; i < SIZES; i++) {
        fill(bytes, sizes[i]);
        if (fb_mp_queue_put(queue_page->queue, sizes[i] ? bytes : NULL, sizes[i], LIMIT_NS) != 0)
            return 1;
    }
    free(bytes);
    return 0;
}

/* The largest message is larger than the queue's own memory. */
static void messages_of_any_size(void **state)
{
    (void)state;
    unsigned char *bytes = malloc(BIG);
    const void *message = NULL;
    size_t size = 77;
    for (int m = 0; m < METHODS; m++) {
        queue_page_make(2);
        struct fb_mp_process *process = start_on_page(put_sizes, methods[m]);
        for (size_t i = 0; i < SIZES; i++) {
            for (size_t n = sizes[i] < 2 ? sizes[i] : 2; n > 0; n--) {
                int result =
                    fb_mp_queue_get(queue_page->queue, bytes, sizes[i] - n, LIMIT_NS, &size);
                assert_int_equal(result, -EMSGSIZE);
                assert_int_equal(size, sizes[i]);
            }
            if (i % 2) {
                assert_int_equal(
                    fb_mp_queue_get(queue_page->queue, bytes, sizes[i], LIMIT_NS, &size), 0);
            } else {
                assert_int_equal(fb_mp_queue_take(queue_page->queue, LIMIT_NS, &message, &size), 0);
                memcpy(bytes, message, size);
            }
            assert_int_equal(size, sizes[i]);
            assert_true(is_filled(bytes, size));
        }
        assert_int_equal(try_get(), -ETIMEDOUT);
        assert_int_equal(ended(process), 0);
        queue_page_free();
    }
    free(bytes);
}

/* A message that is too large for the buffer can also be discarded. */
static void a_message_that_is_too_large_can_be_discarded(void **state)
{
    (void)state;
    uint64_t number[9] = { 1 };
    size_t size;
    queue_page_make(2);
    assert_int_equal(fb_mp_queue_put(queue_page->queue, number, sizeof number, 0), 0);
    assert_int_equal(put_number(2, 0), 0);
    assert_int_equal(fb_mp_queue_get(queue_page->queue, number, 8, 0, &size), -EMSGSIZE);
    assert_int_equal(fb_mp_queue_done(queue_page->queue), 0);
    expect_number(2);
    queue_page_free();
}

/* ---- bounds ---- */

static void the_capacity_is_exact(void **state)
{
    (void)state;
    static const size_t capacities[] = { 1, 2, 3, 7, 20, 64 };
    for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
        queue_page_make(capacities[c]);
        for (uint64_t lap = 0; lap < 5; lap++) {
            assert_int_equal(try_get(), -ETIMEDOUT);
            for (uint64_t i = 0; i < capacities[c]; i++) {
                assert_int_equal(fb_mp_queue_size(queue_page->queue), i);
                assert_int_equal(put_number(lap * 100 + i, 0), 0);
            }
            assert_int_equal(put_number(0, 0), -ETIMEDOUT);
            assert_int_equal(fb_mp_queue_put(queue_page->queue, sizes, sizeof sizes, 0),
                             -ETIMEDOUT);
            assert_int_equal(fb_mp_queue_put_end(queue_page->queue, -1), -ETIMEDOUT);
            expect_number(lap * 100);
            assert_int_equal(put_number(lap * 100 + capacities[c], 0), 0);
            assert_int_equal(put_number(0, 0), -ETIMEDOUT);
            for (uint64_t i = 1; i <= capacities[c]; i++)
                expect_number(lap * 100 + i);
        }
        queue_page_free();
    }
}

static void impossible_sizes_are_refused(void **state)
{
    (void)state;
    struct fb_mp_queue *queue = NULL;
    size_t before = fb_mp_heap_used();
    assert_int_equal(fb_mp_queue_make(0, &queue), -EINVAL);
    assert_int_equal(fb_mp_queue_make(FB_MP_QUEUE_MOST + 1, &queue), -EINVAL);
    assert_int_equal(fb_mp_queue_make(SIZE_MAX, &queue), -EINVAL);
    assert_null(queue);
    fb_mp_queue_free(NULL);
    assert_int_equal(fb_mp_heap_used(), before);
    queue_page_make(1);
    assert_int_equal(fb_mp_queue_put(queue_page->queue, "", (size_t)1 << 60, 0), -ENOMEM);
    assert_int_equal(put_number(1, 0), 0);
    expect_number(1);
    queue_page_free();
}

static void timeouts_are_never_too_short(void **state)
{
    (void)state;
    const int64_t times[] = { 1, 3 * FB_MP_MILLISECOND, 70 * FB_MP_MILLISECOND };
    uint64_t number = 0;
    size_t size = 77;
    queue_page_make(2);
    for (int full = 0; full < 2; full++)
        for (int i = 0; i < 3; i++) {
            int64_t begin = fb_mp_now();
            int result = full ? put_number(0, times[i])
                              : fb_mp_queue_get(queue_page->queue, &number, 8, times[i], &size);
            assert_int_equal(result, -ETIMEDOUT);
            assert_true(fb_mp_now() - begin >= times[i]);
            if (!full && i == 2)
                for (uint64_t k = 0; k < 2; k++)
                    assert_int_equal(put_number(k, 0), 0);
        }
    assert_int_equal(size, 77);
    queue_page_free();
}

/* ---- without copying ---- */

static void messages_are_written_and_read_in_place(void **state)
{
    (void)state;
    void *memory;
    const void *message;
    size_t size;
    queue_page_make(2);
    assert_int_equal(fb_mp_queue_commit(queue_page->queue, 0), -EINVAL);
    for (size_t i = 0; i < SIZES; i++) {
        assert_int_equal(fb_mp_queue_reserve(queue_page->queue, 5000, &memory), 0);
        memset(memory, 1, 5000);
        assert_int_equal(fb_mp_queue_reserve(queue_page->queue, sizes[i], &memory), 0);
        fill(memory, sizes[i]);
        assert_int_equal(fb_mp_queue_commit(queue_page->queue, 0), 0);
        assert_int_equal(fb_mp_queue_commit(queue_page->queue, 0), -EINVAL);
        assert_int_equal(fb_mp_queue_take(queue_page->queue, 0, &message, &size), 0);
        assert_int_equal(size, sizes[i]);
        assert_true(is_filled(message, size));
        assert_true(size <= 48 || message == memory); /* nothing was copied */
    }
    assert_int_equal(put_number(1, 0), 0);
    assert_int_equal(put_number(2, 0), 0);
    assert_int_equal(fb_mp_queue_reserve(queue_page->queue, 1000, &memory), 0);
    fill(memory, 1000);
    assert_int_equal(fb_mp_queue_commit(queue_page->queue, 0), -ETIMEDOUT);
    expect_number(1);
    assert_int_equal(fb_mp_queue_commit(queue_page->queue, 0), 0); /* it was still reserved */
    expect_number(2);
    assert_int_equal(fb_mp_queue_take(queue_page->queue, 0, &message, &size), 0);
    assert_true(size == 1000 && is_filled(message, size));
    queue_page_free();
}

/* queue.h: the next reserve or put frees the reserved memory. */
static void a_put_frees_the_reserved_memory(void **state)
{
    (void)state;
    unsigned char bytes[1000] = { 0 };
    void *memory;
    queue_page_make(4);
    for (size_t size = 8; size <= sizeof bytes; size += sizeof bytes - 8) {
        assert_int_equal(fb_mp_queue_reserve(queue_page->queue, 2000, &memory), 0);
        assert_int_equal(fb_mp_queue_put(queue_page->queue, bytes, size, 0), 0);
        assert_int_equal(fb_mp_queue_commit(queue_page->queue, 0), -EINVAL);
    }
    queue_page_free();
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(produce),
    FB_MP_RUN(consume),
    { .name = "pass on", .run = consume_and_pass_on },
    { .name = "put sizes", .run = put_sizes },
    { 0 },
};

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_message_arrives_once_and_in_order),
        cmocka_unit_test(messages_of_any_size),
        cmocka_unit_test(a_message_that_is_too_large_can_be_discarded),
        cmocka_unit_test(the_capacity_is_exact),
        cmocka_unit_test(impossible_sizes_are_refused),
        cmocka_unit_test(timeouts_are_never_too_short),
        cmocka_unit_test(messages_are_written_and_read_in_place),
        cmocka_unit_test(a_put_frees_the_reserved_memory),
    };
    return RUN_TESTS(tests);
}
