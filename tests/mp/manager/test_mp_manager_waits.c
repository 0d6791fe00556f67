/* harness/mp/manager/manager.h: threads whose calls wait, while other calls continue. */
#include "tests/mp/manager/manager_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>

#define WAITERS 5

static struct fb_mp_proxy *queue, *lock, *list;

static void make(void)
{
    DONE(fb_mp_managed_queue_make(manager, 1, &queue));
    DONE(fb_mp_managed_lock_make(manager, &lock));
    DONE(fb_mp_list_make(manager, &list));
}

static void drop(void)
{
    fb_mp_proxy_close(queue);
    fb_mp_proxy_close(lock);
    fb_mp_proxy_close(list);
}

static void a_queue_is_full_or_empty(void **state)
{
    (void)state;
    const int64_t while_ns = 20 * FB_MP_MILLISECOND;
    struct fb_mp_proxy *endless;
    size_t size = 77;
    FAILS(fb_mp_managed_queue_make(manager, SIZE_MAX, &queue), -EINVAL);
    DONE(fb_mp_managed_queue_make(manager, 2, &queue));
    DONE(fb_mp_managed_queue_make(manager, 0, &endless));
    FAILS(fb_mp_managed_queue_get(queue, 0, &value), -ETIMEDOUT);
    FAILS(fb_mp_managed_queue_get(queue, -5, &value), -ETIMEDOUT);
    int64_t began = fb_mp_now();
    FAILS(fb_mp_managed_queue_get(queue, while_ns, &value), -ETIMEDOUT);
    assert_true(fb_mp_now() - began >= while_ns);
    DONE(fb_mp_managed_queue_put(queue, N(1), 0));
    DONE(fb_mp_managed_queue_put(queue, LIST(N(2)), FB_MP_FOREVER));
    FAILS(fb_mp_managed_queue_put(queue, N(3), 0), -ETIMEDOUT);
    began = fb_mp_now();
    FAILS(fb_mp_managed_queue_put(queue, N(3), while_ns), -ETIMEDOUT);
    assert_true(fb_mp_now() - began >= while_ns);
    DONE(fb_mp_managed_queue_size(queue, &size));
    assert_int_equal(size, 2);
    IS(fb_mp_managed_queue_get(queue, 0, &value), "1");
    IS(fb_mp_managed_queue_get(queue, FB_MP_FOREVER, &value), "[2]");
    FAILS(fb_mp_managed_queue_get(queue, 0, &value), -ETIMEDOUT);
    for (int i = 0; i < 1000; i++)
        DONE(fb_mp_managed_queue_put(endless, N(i), 0));
    for (int i = 0; i < 1000; i++) {
        DONE(fb_mp_managed_queue_get(endless, 0, &value));
        assert_int_equal(value.integer, i);
        value = fb_mp_nil();
    }
    fb_mp_proxy_close(queue);
    fb_mp_proxy_close(endless);
}

/* ---- threads ---- */

static struct waiter *start(int (*call)(int number), int number)
{
    static struct waiter waiters[WAITERS];
    waiters[number] = (struct waiter){ .call = call, .number = number };
    waiter_begin(&waiters[number]);
    waiter_settle(&waiters[number]);
    return &waiters[number];
}

static int get_and_append(int number)
{
    struct fb_mp_object got = fb_mp_nil();
    int result = fb_mp_managed_queue_get(queue, LIMIT_NS, &got);
    if (result == 0)
        result = fb_mp_list_append(list, LIST(N(number), got));
    fb_mp_object_free(&got);
    return result;
}

static int put_number(int number)
{
    return fb_mp_managed_queue_put(queue, N(number), LIMIT_NS);
}

static void waiting_calls_delay_no_others(void **state)
{
    (void)state;
    struct waiter *waiter[WAITERS];
    char text[20];
    make();
    for (int i = 0; i < WAITERS; i++)
        waiter[i] = start(get_and_append, i);
    DONE(fb_mp_list_append(list, S("main")));
    for (int i = 0; i < WAITERS; i++) { /* in the order of their calls */
        DONE(fb_mp_managed_queue_put(queue, N(10 + i), LIMIT_NS));
        DONE(waiter_end(waiter[i]));
    }
    IS(fb_mp_list_copy(list, &value), "['main', [0, 10], [1, 11], [2, 12], [3, 13], [4, 14]]");
    DONE(fb_mp_managed_queue_put(queue, S("full"), 0));
    for (int i = 0; i < WAITERS; i++)
        waiter[i] = start(put_number, i);
    IS(fb_mp_managed_queue_get(queue, 0, &value), "'full'");
    for (int i = 0; i < WAITERS; i++) {
        snprintf(text, sizeof text, "%d", i);
        IS(fb_mp_managed_queue_get(queue, 0, &value), text);
        DONE(waiter_end(waiter[i]));
    }
    drop();
}

static int try_lock(int number)
{
    (void)number;
    if (fb_mp_managed_lock_acquire(lock, 0) != -ETIMEDOUT ||
        fb_mp_managed_lock_acquire(lock, FB_MP_MILLISECOND) != -ETIMEDOUT)
        return 1;
    return fb_mp_managed_lock_release(lock);
}

static int take_in_turn(int number)
{
    int result = fb_mp_managed_lock_acquire(lock, LIMIT_NS);
    if (result == 0)
        result = fb_mp_list_append(list, N(number));
    return result < 0 ? result : fb_mp_managed_lock_release(lock);
}

static void a_lock_is_owned_by_a_thread(void **state)
{
    (void)state;
    struct waiter *waiter[WAITERS], other = { .call = try_lock };
    make();
    FAILS(fb_mp_managed_lock_release(lock), -EPERM);
    DONE(fb_mp_managed_lock_acquire(lock, 0));
    FAILS(fb_mp_managed_lock_acquire(lock, FB_MP_FOREVER), -EDEADLK);
    FAILS(fb_mp_managed_lock_acquire(lock, 0), -EDEADLK);
    waiter_begin(&other);
    assert_int_equal(waiter_end(&other), -EPERM);
    for (int i = 0; i < WAITERS; i++)
        waiter[i] = start(take_in_turn, i);
    DONE(fb_mp_managed_lock_release(lock));
    DONE(fb_mp_managed_lock_acquire(lock, LIMIT_NS)); /* after all threads that called before */
    DONE(fb_mp_managed_lock_release(lock));
    FAILS(fb_mp_managed_lock_release(lock), -EPERM);
    for (int i = 0; i < WAITERS; i++)
        DONE(waiter_end(waiter[i]));
    IS(fb_mp_list_copy(list, &value), "[0, 1, 2, 3, 4]");
    drop();
}

/* Closing one of two proxies does not remove the object of a waiting call. */
static void an_object_stays_while_a_proxy_is_left(void **state)
{
    (void)state;
    struct waiter *waiter;
    make();
    struct fb_mp_proxy *again;
    DONE(fb_mp_proxy_open(manager, fb_mp_proxy_number(queue), &again));
    waiter = start(get_and_append, 0);
    fb_mp_proxy_close(again);
    IS(fb_mp_list_copy(list, &value), "[]"); /* the other proxy still refers to the queue */
    DONE(fb_mp_managed_queue_put(queue, N(1), 0));
    DONE(waiter_end(waiter));
    drop();
}

static void calls_fail_after_the_server_was_killed(void **state)
{
    (void)state;
    struct waiter *waiter[WAITERS];
    size_t size = 77;
    pid_t server = managed_server();
    make();
    DONE(fb_mp_managed_lock_acquire(lock, 0));
    DONE(fb_mp_managed_queue_put(queue, N(1), 0));
    for (int i = 0; i < WAITERS; i++)
        waiter[i] = start(i % 2 ? put_number : take_in_turn, i);
    assert_int_equal(kill(server, SIGKILL), 0);
    for (int i = 0; i < WAITERS; i++)
        assert_int_equal(waiter_end(waiter[i]), -EPIPE);
    for (int i = 0; i < 2 * WAITERS; i++) { /* more calls than there were connections */
        FAILS(fb_mp_managed_queue_size(queue, &size), -EPIPE);
        FAILS(fb_mp_managed_lock_release(lock), -EPIPE);
        FAILS(fb_mp_list_copy(list, &value), -EPIPE);
        FAILS(fb_mp_list_make(manager, &(struct fb_mp_proxy *){ NULL }), -EPIPE);
    }
    assert_int_equal(size, 77);
    drop();
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, (const struct fb_mp_task[]){ { 0 } });
    const struct CMUnitTest tests[] = {
        UNDER_BOTH(a_queue_is_full_or_empty),
        UNDER_BOTH(waiting_calls_delay_no_others),
        UNDER_BOTH(a_lock_is_owned_by_a_thread),
        UNDER_BOTH(an_object_stays_while_a_proxy_is_left),
        UNDER_BOTH(calls_fail_after_the_server_was_killed),
    };
    return RUN_TESTS(tests);
}
