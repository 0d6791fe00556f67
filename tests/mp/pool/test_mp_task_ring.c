/* harness/mp/pool/task_ring.h: the transitions of a task's state, in each order in which an
 * owner and its workers can make them. */
#include "tests/support/support.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/task_ring.h"

#define RECORDS 8u
#define WORKER 3u
#define OTHER 70u /* in another group */

static struct task_ring ring;
static task_list completed;
static uint64_t tail; /* the ring's next position */

static int make_ring(void **state)
{
    (void)state;
    ring = (struct task_ring){ .records = 0 };
    completed = 0;
    tail = 0;
    return task_ring_make(&ring, RECORDS);
}

static int free_ring(void **state)
{
    (void)state;
    task_ring_free(&ring);
    return 0;
}

#define WITH_RING(test) cmocka_unit_test_setup_teardown(test, make_ring, free_ring)

static void make_ready(uint32_t number)
{
    assert_true(task_ring_has_room(&ring, tail));
    task_make_ready(&ring, tail++, number);
}

/* Claims the first ready task, which must be this one. */
static uint64_t claim(unsigned worker, uint32_t number)
{
    uint64_t position = UINT64_MAX;
    assert_ptr_equal(task_claim(&ring, worker, &position), &ring.record[number]);
    return position;
}

static void assert_state(uint32_t number, enum task_state state, unsigned worker)
{
    uint64_t word = task_read(&ring.record[number]);
    assert_int_equal(task_state_of(word), state);
    assert_int_equal(task_worker_of(word), worker);
}

static void complete(unsigned worker, uint32_t number, uint64_t position)
{
    assert_true(task_mark_done(&ring.record[number], position, worker));
    task_list_completed(&ring, &ring.record[number], worker, &completed);
}

/* ---- claiming ---- */

static void tasks_are_claimed_in_the_order_of_submission(void **state)
{
    (void)state;
    static const uint32_t order[] = { 5, 0, 7 };
    uint64_t position;
    assert_null(task_claim(&ring, WORKER, &position));
    for (size_t round = 0; round < 2 * RECORDS; round++) {
        for (size_t i = 0; i < 3; i++)
            make_ready(order[i]);
        for (size_t i = 0; i < 3; i++) {
            assert_int_equal(claim(i % 2 ? WORKER : OTHER, order[i]), 3 * round + i);
            assert_state(order[i], TASK_CLAIMED, i % 2 ? WORKER : OTHER);
        }
        assert_null(task_claim(&ring, WORKER, &position));
    }
}

static void a_withdrawn_task_is_not_claimed(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 3; i++)
        make_ready(i);
    assert_true(task_withdraw(&ring.record[1]));
    assert_false(task_withdraw(&ring.record[1]));
    claim(WORKER, 0);
    assert_false(task_withdraw(&ring.record[0]));
    claim(WORKER, 2);
}

static void a_full_ring_has_room_after_a_claim_or_a_withdrawal(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < RECORDS; i++)
        make_ready(i);
    assert_false(task_ring_has_room(&ring, tail));
    assert_true(task_withdraw(&ring.record[1]));
    assert_false(task_ring_has_room(&ring, tail)); /* the first one still is in its entry */
    claim(WORKER, 0);
    make_ready(0);
    make_ready(1);
    assert_false(task_ring_has_room(&ring, tail));
    for (uint32_t i = 2; i < RECORDS + 2; i++)
        claim(WORKER, i % RECORDS);
}

/* ---- completing ---- */

static void completed_tasks_come_oldest_first(void **state)
{
    (void)state;
    static const uint32_t order[] = { 4, 1, 6, 0 };
    for (size_t i = 0; i < 4; i++) {
        make_ready(order[i]);
        complete(OTHER, order[i], claim(OTHER, order[i]));
    }
    assert_true(task_any_completed(&ring, OTHER / 64));
    assert_false(task_any_completed(&ring, 0));
    assert_int_equal(task_take_workers(&ring, OTHER / 64), (uint64_t)1 << OTHER % 64);
    uint32_t each = task_take_completed(&ring, &completed);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(each, order[i] + 1);
        each = ring.record[each - 1].next;
    }
    assert_int_equal(each, 0);
    assert_int_equal(task_take_completed(&ring, &completed), 0);
    assert_int_equal(task_take_workers(&ring, OTHER / 64), 0);
}

/* ---- revoking ---- */

static void a_task_that_is_done_cannot_be_revoked(void **state)
{
    (void)state;
    make_ready(2);
    uint64_t position = claim(WORKER, 2), seen = task_read(&ring.record[2]);
    complete(WORKER, 2, position); /* after the owner has read the word */
    assert_false(task_revoke(&ring.record[2], seen));
    assert_false(task_revoke(&ring.record[2], task_read(&ring.record[2])));
    assert_state(2, TASK_DONE, WORKER);
    assert_int_equal(task_take_completed(&ring, &completed), 3);
}

static void a_revoked_task_cannot_be_completed(void **state)
{
    (void)state;
    make_ready(2);
    uint64_t position = claim(WORKER, 2);
    assert_true(task_revoke(&ring.record[2], task_read(&ring.record[2])));
    assert_false(task_mark_done(&ring.record[2], position, WORKER));
    assert_state(2, TASK_REVOKED, WORKER); /* so the owner finds it after the worker's end */
    make_ready(2);
    claim(OTHER, 2);
}

static void only_the_claim_that_was_seen_is_revoked(void **state)
{
    (void)state;
    make_ready(2);
    assert_false(task_revoke(&ring.record[2], task_read(&ring.record[2])));
    uint64_t position = claim(WORKER, 2), seen = task_read(&ring.record[2]);
    complete(WORKER, 2, position);
    task_release(&ring.record[2]);
    make_ready(2);
    claim(WORKER, 2); /* another task in the same record, with the same worker */
    assert_false(task_revoke(&ring.record[2], seen));
    assert_state(2, TASK_CLAIMED, WORKER);
}

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_RING(tasks_are_claimed_in_the_order_of_submission),
        WITH_RING(a_withdrawn_task_is_not_claimed),
        WITH_RING(a_full_ring_has_room_after_a_claim_or_a_withdrawal),
        WITH_RING(completed_tasks_come_oldest_first),
        WITH_RING(a_task_that_is_done_cannot_be_revoked),
        WITH_RING(a_revoked_task_cannot_be_completed),
        WITH_RING(only_the_claim_that_was_seen_is_revoked),
    };
    return RUN_TESTS(tests);
}
