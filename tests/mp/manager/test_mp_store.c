/* harness/mp/manager/store.c, store_list.c: lent items return to the front of the list, or are settled. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"

#include "harness/mp/manager/store.h"

#include <stdlib.h>

/* ---- lists of numbers ---- */

static struct store_list list;

static int list_begin(void **state)
{
    (void)state;
    list = (struct store_list){ 0 };
    return 0;
}

static int list_end(void **state)
{
    (void)state;
    store_list_clear(&list);
    return 0;
}

/* The invariants of store.h. */
static void check_room(void)
{
    assert_true(list.first >= list.lent);
    assert_true(list.first + list.count <= list.room);
}

static void add(int64_t number)
{
    struct fb_mp_object object = fb_mp_integer(number);
    assert_int_equal(store_list_add(&list, list.count, &object), 0);
    assert_int_equal(object.type, FB_MP_NIL);
    check_room();
}

static int64_t take(void)
{
    struct fb_mp_object object;
    assert_true(list.count > 0);
    store_list_take(&list, 0, &object);
    check_room();
    return object.integer;
}

static int64_t lend(void)
{
    struct fb_mp_object object;
    assert_true(list.count > 0);
    store_list_lend(&list, &object);
    check_room();
    return object.integer;
}

static void return_item(int64_t number)
{
    struct fb_mp_object object = fb_mp_integer(number);
    check_room();
    assert_true(list.lent > 0);
    store_list_return(&list, &object);
    assert_int_equal(object.type, FB_MP_NIL);
    check_room();
}

static void take_range(int64_t from, int64_t to)
{
    for (int64_t number = from; number < to; number++)
        assert_int_equal(take(), number);
}

/* ---- lending ---- */

static void lent_items_return_to_the_front(void **state)
{
    (void)state;
    for (int64_t i = 0; i < 5; i++)
        add(i);
    assert_int_equal(lend(), 0);
    assert_int_equal(lend(), 1);
    assert_int_equal(lend(), 2);
    assert_int_equal(list.count, 2);
    return_item(1);
    store_list_settle(&list); /* 2 has arrived */
    return_item(0);
    assert_int_equal(list.lent, 0);
    assert_int_equal(list.count, 4);
    take_range(0, 2);
    take_range(3, 5);
    assert_int_equal(list.count, 0);
}

/* Meanwhile, so many items pass through the list that it moves to the beginning of its array. */
static void items_return_to_a_compacted_list(void **state)
{
    (void)state;
    for (int64_t lent = 1; lent <= 3; lent++) {
        int64_t first = lent, next = 8;
        for (int64_t i = 0; i < next; i++)
            add(i);
        for (int64_t i = 0; i < lent; i++)
            assert_int_equal(lend(), i);
        size_t moves = 0, room = list.room;
        for (int i = 0; i < 100; i++) {
            size_t before = list.first;
            add(next++);
            moves += list.first < before;
            assert_int_equal(take(), first++);
        }
        assert_true(moves > 0);
        assert_true(list.room <= 4 * room); /* the room in front is used again */
        for (int64_t i = lent; i-- > 0;)
            return_item(i);
        assert_int_equal(list.lent, 0);
        take_range(0, lent);
        take_range(first, next);
        store_list_clear(&list);
    }
}

static void items_return_to_a_list_that_has_grown(void **state)
{
    (void)state;
    enum { MANY = 10000, LENT = 8 };
    for (int64_t i = 0; i < LENT; i++)
        add(i);
    size_t room = list.room;
    for (int64_t i = 0; i < LENT; i++)
        assert_int_equal(lend(), i);
    for (int64_t i = LENT; i < MANY; i++)
        add(i);
    assert_true(list.room > room);
    for (int64_t i = LENT; i-- > 0;)
        return_item(i);
    assert_int_equal(list.count, MANY);
    take_range(0, MANY);
}

/* A return allocates no memory, however full the list is. */
static void returning_needs_no_memory(void **state)
{
    (void)state;
    const char *name;
    int code;
    for (int64_t count = 1; count < 40; count++) {
        struct fb_mp_object object;
        for (int64_t i = 0; i < count; i++)
            add(i);
        store_list_lend(&list, &object);
        for (int64_t i = count; list.first + list.count < list.room; i++)
            add(i);
        injected_arm(1, true, 0);
        store_list_return(&list, &object);
        bool asked = injected_disarm(&name, &code);
        assert_false(asked);
        take_range(0, count);
        store_list_clear(&list);
    }
}

/* Random operations, compared with a plain array in which items never move. */
static void random_operations_keep_the_order(void **state)
{
    (void)state;
    enum { CALLS = 200000, LENT = 20 };
    static int64_t row[2 * CALLS];
    unsigned short seed[3] = { 1, 2, 3 };
    size_t first = CALLS, end = CALLS, lent = 0;
    int64_t held[LENT], next = 0;
    for (int i = 0; i < CALLS; i++) {
        /* In turns, the list tends to grow and to become empty. */
        long what = nrand48(seed) % 8 + (i / 1000 % 2 ? 2 : 0);
        if (what < 4) {
            row[end++] = next;
            add(next++);
        } else if (what < 6 && end > first)
            assert_int_equal(take(), row[first++]);
        else if (what < 8 && end > first && lent < LENT) {
            held[lent] = lend();
            assert_int_equal(held[lent++], row[first++]);
        } else if (lent > 0 && nrand48(seed) % 2) {
            row[--first] = held[--lent];
            return_item(row[first]);
        } else if (lent > 0) {
            store_list_settle(&list);
            lent--;
        }
        assert_int_equal(list.count, end - first);
        assert_int_equal(list.lent, lent);
    }
    assert_true(next > CALLS / 4);
    while (first < end)
        assert_int_equal(take(), row[first++]);
}

/* ---- a queue ---- */

static int run(struct store_object *object, enum wire_op op, struct fb_mp_object argument,
               struct fb_mp_object *ret_answer)
{
    struct wire_request request = { .op = op,
                                    .argument = { argument },
                                    .arguments = op == WIRE_QUEUE_PUT };
    struct store_call call = { .request = &request };
    int result = store_run(object, &call);
    *ret_answer = call.answer;
    return result;
}

/* A returned item always has room, even if the queue was filled meanwhile. */
static void a_full_queue_takes_back_what_it_lent(void **state)
{
    (void)state;
    struct wire_request request = { .op = WIRE_MAKE,
                                    .argument = { fb_mp_integer(WIRE_QUEUE), fb_mp_integer(2) },
                                    .arguments = 2 };
    struct store_call call = { .request = &request };
    struct store_object *queue;
    struct fb_mp_object answer, lent;
    assert_int_equal(store_make(&call, &queue), 0);
    assert_int_equal(run(queue, WIRE_QUEUE_GET, fb_mp_nil(), &answer), STORE_WAIT);
    for (int64_t i = 0; i < 2; i++)
        assert_int_equal(run(queue, WIRE_QUEUE_PUT, fb_mp_integer(i), &answer), 0);
    assert_int_equal(run(queue, WIRE_QUEUE_PUT, fb_mp_integer(2), &answer), STORE_WAIT);
    assert_int_equal(run(queue, WIRE_QUEUE_GET, fb_mp_nil(), &lent), 0);
    assert_int_equal(run(queue, WIRE_QUEUE_PUT, fb_mp_integer(2), &answer), 0);
    store_list_return(&queue->list, &lent);
    assert_int_equal(run(queue, WIRE_QUEUE_PUT, fb_mp_integer(3), &answer), STORE_WAIT);
    assert_int_equal(run(queue, WIRE_QUEUE_SIZE, fb_mp_nil(), &answer), 0);
    assert_int_equal(answer.integer, 3);
    for (int64_t i = 0; i < 3; i++) {
        assert_int_equal(run(queue, WIRE_QUEUE_GET, fb_mp_nil(), &answer), 0);
        assert_int_equal(answer.integer, i);
        store_list_settle(&queue->list);
    }
    store_free(queue);
}

#define WITH_LIST(test) cmocka_unit_test_setup_teardown(test, list_begin, list_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_LIST(lent_items_return_to_the_front),
        WITH_LIST(items_return_to_a_compacted_list),
        WITH_LIST(items_return_to_a_list_that_has_grown),
        WITH_LIST(returning_needs_no_memory),
        WITH_LIST(random_operations_keep_the_order),
        cmocka_unit_test(a_full_queue_takes_back_what_it_lent),
    };
    return RUN_TESTS(tests);
}
