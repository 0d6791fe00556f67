/* harness/mp/channel/queue*.c: taken messages, the users that took them, and waits that end. */
#include "tests/mp/channel/queue_fixture.h"

#include "tests/support/fork_child.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const uint64_t large[10]; /* does not fit into a slot */

/* ---- closing ---- */

static int sleep_in_get(const void *argument, size_t size)
{
    uint64_t number;
    queue_page_find(argument);
    atomic_fetch_add(&queue_page->ready, 1);
    return fb_mp_queue_get(queue_page->queue, &number, sizeof number, FB_MP_FOREVER, &size) !=
           -EPIPE;
}

static int sleep_in_put(const void *argument, size_t size)
{
    (void)size;
    queue_page_find(argument);
    atomic_fetch_add(&queue_page->ready, 1);
    return put_number(9, FB_MP_FOREVER) != -EPIPE;
}

static void closing_ends_waits(void **state)
{
    (void)state;
    for (int i = 0; i < 2 * METHODS; i++) {
        bool full = i % 2;
        struct fb_mp_process *process[3];
        queue_page_make(2);
        for (uint64_t k = 0; full && k < 2; k++)
            assert_int_equal(put_number(k, 0), 0);
        for (int k = 0; k < 3; k++)
            process[k] = start_on_page(full ? sleep_in_put : sleep_in_get, methods[i / 2]);
        assert_true(wait_for(&queue_page->ready, 3));
        fb_mp_queue_close(queue_page->queue);
        for (int k = 0; k < 3; k++)
            assert_int_equal(ended(process[k]), 0);
        assert_int_equal(put_number(9, LIMIT_NS), -EPIPE);
        assert_int_equal(fb_mp_queue_put(queue_page->queue, large, sizeof large, LIMIT_NS), -EPIPE);
        assert_int_equal(fb_mp_queue_put_end(queue_page->queue, LIMIT_NS), -EPIPE);
        for (uint64_t k = 0; full && k < 2; k++)
            expect_number(k); /* messages in a closed queue can be taken */
        for (int k = 0; k < 3; k++)
            assert_int_equal(try_get(), -EPIPE);
        queue_page_free();
    }
}

/* ---- tasks ---- */

static int take_and_wait(const void *argument, size_t size)
{
    const void *message;
    queue_page_find(argument);
    int result = fb_mp_queue_take(queue_page->queue, LIMIT_NS, &message, &size);
    atomic_fetch_add(&queue_page->ready, 1);
    return (result != 0 && result != -ENODATA) || !wait_for(&queue_page->go, 1);
}

static void join_waits_for_all_messages(void **state)
{
    (void)state;
    for (int m = 0; m < METHODS; m++) {
        queue_page_make(4);
        assert_int_equal(fb_mp_queue_done(queue_page->queue), -EINVAL);
        assert_int_equal(fb_mp_queue_join(queue_page->queue, 0), 0);
        for (uint64_t i = 0; i < 3; i++)
            assert_int_equal(put_number(i, 0), 0);
        struct fb_mp_process *process = start_on_page(take_and_wait, methods[m]);
        assert_true(wait_for(&queue_page->ready, 1));
        expect_number(1);
        assert_int_equal(fb_mp_queue_done(queue_page->queue), 0);
        assert_int_equal(fb_mp_queue_done(queue_page->queue), -EINVAL);
        assert_int_equal(fb_mp_queue_join(queue_page->queue, 0),
                         -ETIMEDOUT); /* a message is in the queue */
        expect_number(2);
        assert_int_equal(try_get(), -ETIMEDOUT); /* which ends the work on the message before */
        int64_t begin = fb_mp_now();
        assert_int_equal(fb_mp_queue_join(queue_page->queue, FB_MP_MILLISECOND), -ETIMEDOUT);
        assert_true(fb_mp_now() - begin >= FB_MP_MILLISECOND); /* the process holds a message */
        atomic_store(&queue_page->go, 1);
        assert_int_equal(fb_mp_queue_join(queue_page->queue, LIMIT_NS),
                         0); /* a taker that exits has done its message */
        assert_int_equal(ended(process), 0);
        assert_int_equal(fb_mp_queue_abandoned(queue_page->queue), 0);
        queue_page_free();
    }
}

/* Messages of each kind, whose taker is killed, are taken again. */
static void abandoned_messages_are_taken_again(void **state)
{
    (void)state;
    unsigned char bytes[1000];
    const void *message;
    for (int i = 0; i < 3 * METHODS; i++) {
        size_t size = i % 3 == 1 ? sizeof bytes : 8, found = 77;
        pid_t taker = 0;
        queue_page_make(2);
        fill(bytes, size);
        assert_int_equal(i % 3 == 2 ? fb_mp_queue_put_end(queue_page->queue, 0)
                                    : fb_mp_queue_put(queue_page->queue, bytes, size, 0),
                         0);
        struct fb_mp_process *process = start_on_page(take_and_wait, methods[i / 3]);
        pid_t pid = fb_mp_process_pid(process);
        assert_true(wait_for(&queue_page->ready, 1));
        assert_int_equal(fb_mp_queue_abandoned(queue_page->queue), 0);
        assert_int_equal(fb_mp_queue_retake(queue_page->queue, &message, &found, &taker), -ENOENT);
        assert_int_equal(fb_mp_process_kill(process), 0);
        assert_int_equal(ended(process), -SIGKILL);
        assert_int_equal(fb_mp_queue_join(queue_page->queue, LIMIT_NS), -EOWNERDEAD);
        for (int k = 0; k < 2; k++)
            assert_int_equal(fb_mp_queue_abandoned(queue_page->queue), 1);
        assert_int_equal(fb_mp_queue_retake(queue_page->queue, &message, &found, &taker),
                         i % 3 == 2 ? -ENODATA : 0);
        assert_int_equal(taker, pid);
        if (i % 3 != 2) {
            assert_int_equal(found, size);
            assert_memory_equal(message, bytes, size);
        }
        assert_int_equal(fb_mp_queue_retake(queue_page->queue, &message, &found, &taker), -ENOENT);
        assert_int_equal(fb_mp_queue_join(queue_page->queue, 0), -ETIMEDOUT);
        assert_int_equal(fb_mp_queue_done(queue_page->queue), 0);
        assert_int_equal(fb_mp_queue_join(queue_page->queue, 0), 0);
        queue_page_free();
    }
}

/* ---- users ---- */

static void *take_in_thread(void *result)
{
    const void *message;
    size_t size;
    *(int *)result = fb_mp_queue_take(queue_page->queue, 0, &message, &size);
    return NULL;
}

static int child_of_a_taker(void *context)
{
    (void)context;
    if (fb_mp_queue_done(queue_page->queue) != -EINVAL || try_get() != -ETIMEDOUT)
        return 1;
    exit(0); /* runs the atexit handlers */
}

static void a_message_belongs_to_its_thread(void **state)
{
    (void)state;
    pthread_t thread;
    int result = 77;
    queue_page_make(2);
    assert_int_equal(put_number(1, 0), 0);
    assert_int_equal(pthread_create(&thread, NULL, take_in_thread, &result), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(result, 0);
    assert_int_equal(fb_mp_queue_join(queue_page->queue, 0),
                     0); /* a taker whose thread ends has done its message */
    assert_int_equal(put_number(2, 0), 0);
    expect_number(2);
    assert_int_equal(forked_end(forked_run(child_of_a_taker, NULL)), 0);
    assert_int_equal(fb_mp_queue_join(queue_page->queue, 0), -ETIMEDOUT);
    assert_int_equal(fb_mp_queue_done(queue_page->queue), 0);
    queue_page_free();
}

static int use_and_exit(void *context)
{
    if (fb_mp_queue_put(queue_page->queue, large, sizeof large, LIMIT_NS) != 0)
        return 1;
    atomic_fetch_add(&queue_page->ready, 1);
    if (!wait_for(&queue_page->go, 1))
        return 2;
    if (context)
        exit(0);
    return 0; /* by _exit, so that its record is not freed by itself */
}

/* Records are used again: those of the first round are enough for the later ones. */
static void records_of_users_are_used_again(void **state)
{
    (void)state;
    enum { CROWD = 150 };
    pid_t pid[CROWD];
    size_t taken = 0;
    queue_page_make(256);
    for (int round = 0; round < 4; round++) {
        atomic_store(&queue_page->ready, 0);
        atomic_store(&queue_page->go, 0);
        for (int i = 0; i < CROWD; i++)
            pid[i] = forked_run(use_and_exit, round % 2 ? queue_page : NULL);
        assert_true(wait_for(&queue_page->ready, CROWD));
        assert_int_equal(fb_mp_queue_size(queue_page->queue), CROWD);
        atomic_store(&queue_page->go, 1);
        for (int i = 0; i < CROWD; i++)
            assert_int_equal(forked_end(pid[i]), 0);
        for (int i = 0; i < CROWD; i++)
            assert_int_equal(try_get(), -EMSGSIZE),
                assert_int_equal(fb_mp_queue_done(queue_page->queue), 0);
        assert_int_equal(fb_mp_queue_join(queue_page->queue, 0), 0);
        if (round == 0)
            taken = fb_mp_heap_used();
        assert_int_equal(fb_mp_heap_used(), taken);
    }
    queue_page_free();
}

static int reserve_and_exit(void *context)
{
    void *memory;
    (void)context;
    if (fb_mp_queue_reserve(queue_page->queue, 100000, &memory) != 0)
        return 1;
    exit(0);
}

static void nothing_leaks(void **state)
{
    (void)state;
    uint64_t bytes[100] = { 0 };
    size_t size, before;
    for (int i = 0; i < 10000; i++) {
        queue_page_make(1 + (size_t)i % 5);
        assert_int_equal(fb_mp_queue_put(queue_page->queue, bytes, i % 2 ? 8 : sizeof bytes, 0), 0);
        if (i % 3)
            assert_int_equal(fb_mp_queue_get(queue_page->queue, bytes, sizeof bytes, 0, &size), 0);
        queue_page_free();
    }
    queue_page_make(2);
    assert_int_equal(put_number(1, 0), 0);
    before = fb_mp_heap_used();
    assert_int_equal(forked_end(forked_run(reserve_and_exit, NULL)), 0);
    assert_int_equal(fb_mp_heap_used(), before);
    queue_page_free();
}

static const struct fb_mp_task tasks[] = {
    { .name = "sleep in get", .run = sleep_in_get },
    { .name = "sleep in put", .run = sleep_in_put },
    { .name = "take", .run = take_and_wait },
    { 0 },
};

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closing_ends_waits),
        cmocka_unit_test(join_waits_for_all_messages),
        cmocka_unit_test(abandoned_messages_are_taken_again),
        cmocka_unit_test(a_message_belongs_to_its_thread),
        cmocka_unit_test(records_of_users_are_used_again),
        cmocka_unit_test(nothing_leaks),
    };
    return RUN_TESTS(tests);
}
