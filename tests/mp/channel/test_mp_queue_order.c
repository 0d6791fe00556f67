/* harness/mp/channel/queue*.c: a change is visible before the eventcount of those that wait for it
 * is read.
 *
 * A waiter announces itself at the eventcount and then looks at the queue; a user changes the queue
 * and then looks at the eventcount. If each could read before its own store is visible, neither
 * would see the other, and the waiter would sleep until its slice of 50 ms is over. x86 reorders
 * exactly this pair, a store and a later load. A stress test would show it only now and then, so
 * this one records the operations and checks their order. */
#include "tests/mp/channel/store_order.h"
#include "tests/support/support.h"

#include "harness/mp/channel/queue_record.h"

#include <errno.h>
#include <string.h>

#define LARGE 80u /* bytes of a message that does not fit into its slot */

static void assert_in_order(void)
{
    assert_true(store_order_stored());
    assert_false(store_order_overtaken());
    assert_true(store_order_loaded());
}

static struct fb_mp_queue *make_queue(void)
{
    struct fb_mp_queue *queue;
    assert_int_equal(fb_mp_queue_make(4, &queue), 0);
    assert_int_equal(fb_mp_queue_done(queue), -EINVAL); /* the test is a user from now on */
    return queue;
}

static void watch_slots(struct fb_mp_queue *queue, const fb_mp_eventcount *eventcount)
{
    store_order_watch(eventcount, queue->slot, queue->slots * sizeof *queue->slot);
}

static void watch_held(struct fb_mp_queue *queue)
{
    store_order_watch(&queue->idle, &queue_user(queue, 0)->held.word, sizeof(uint64_t));
}

/* ---- the recorder itself ---- */

static void a_weak_store_can_be_overtaken(void **state)
{
    _Atomic uint64_t data = 0;
    _Atomic uint32_t word = 0;
    (void)state;
    store_order_watch(&word, &data, sizeof data);
    atomic_store_explicit(&data, 1, memory_order_release);
    assert_int_equal(atomic_load(&word), 0);
    assert_true(store_order_stored() && store_order_loaded() && store_order_overtaken());
    store_order_watch(&word, &data, sizeof data);
    atomic_exchange(&data, 2);
    assert_int_equal(atomic_load(&word), 0);
    assert_in_order();
    store_order_watch(&word, &data, sizeof data);
    atomic_store(&data, 3);
    assert_true(store_order_stored() && !store_order_loaded());
}

/* ---- the queue ---- */

static void a_put_is_visible_first(void **state)
{
    static const char message[LARGE];
    struct fb_mp_queue *queue = make_queue();
    void *memory;
    (void)state;
    watch_slots(queue, &queue->items);
    assert_int_equal(fb_mp_queue_put(queue, message, 1, 0), 0);
    assert_in_order();
    watch_slots(queue, &queue->items);
    assert_int_equal(fb_mp_queue_put(queue, message, LARGE, 0), 0);
    assert_in_order();
    assert_int_equal(fb_mp_queue_reserve(queue, LARGE, &memory), 0);
    memcpy(memory, message, LARGE);
    watch_slots(queue, &queue->items);
    assert_int_equal(fb_mp_queue_commit(queue, 0), 0);
    assert_in_order();
    watch_slots(queue, &queue->items);
    assert_int_equal(fb_mp_queue_put_end(queue, 0), 0);
    assert_in_order();
    fb_mp_queue_free(queue);
}

static void the_room_of_a_taken_message_is_visible_first(void **state)
{
    struct fb_mp_queue *queue = make_queue();
    const void *message;
    size_t size;
    (void)state;
    assert_int_equal(fb_mp_queue_put(queue, "x", 1, 0), 0);
    watch_slots(queue, &queue->space);
    assert_int_equal(fb_mp_queue_take(queue, 0, &message, &size), 0);
    assert_in_order();
    fb_mp_queue_free(queue);
}

static void a_message_is_visibly_done_first(void **state)
{
    struct fb_mp_queue *queue = make_queue();
    const void *message;
    size_t size;
    (void)state;
    for (int i = 0; i < 2; i++)
        assert_int_equal(fb_mp_queue_put(queue, "x", 1, 0), 0);
    assert_int_equal(fb_mp_queue_take(queue, 0, &message, &size), 0);
    watch_held(queue);
    assert_int_equal(fb_mp_queue_done(queue), 0);
    assert_in_order();
    assert_int_equal(fb_mp_queue_take(queue, 0, &message, &size), 0);
    watch_held(queue); /* the next take ends it too */
    assert_int_equal(fb_mp_queue_take(queue, 0, &message, &size), -ETIMEDOUT);
    assert_in_order();
    fb_mp_queue_free(queue);
}

static void the_close_is_visible_first(void **state)
{
    struct fb_mp_queue *queue = make_queue();
    (void)state;
    store_order_watch(&queue->items, (const void *)&queue->closed, sizeof queue->closed);
    fb_mp_queue_close(queue);
    assert_in_order();
    store_order_watch(&queue->space, (const void *)&queue->closed, sizeof queue->closed);
    fb_mp_queue_close(queue);
    assert_in_order();
    fb_mp_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_weak_store_can_be_overtaken),
        cmocka_unit_test(a_put_is_visible_first),
        cmocka_unit_test(the_room_of_a_taken_message_is_visible_first),
        cmocka_unit_test(a_message_is_visibly_done_first),
        cmocka_unit_test(the_close_is_visible_first),
    };
    return RUN_TESTS(tests);
}
