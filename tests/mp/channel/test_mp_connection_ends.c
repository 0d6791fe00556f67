/* harness/mp/channel/connection.c: closed ends, and processes that die while they use one. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/channel/pipe_fixture.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>

static void the_end_is_seen_after_the_last_message(void **state)
{
    (void)state;
    char text[8];
    size_t size = 77;
    piped_make(false);
    assert_int_equal(fb_mp_send(left, "x", 1), -EBADF);
    assert_int_equal(fb_mp_receive(right, text, 8, 0, &size), -EBADF);
    assert_int_equal(fb_mp_receive(left, text, 8, 0, &size), -ETIMEDOUT);
    int64_t begin = fb_mp_now();
    assert_int_equal(fb_mp_receive(left, text, 8, 20 * FB_MP_MILLISECOND, &size), -ETIMEDOUT);
    assert_true(fb_mp_now() - begin >= 20 * FB_MP_MILLISECOND);
    assert_false(fb_mp_poll(left, 0));
    assert_int_equal(size, 77);
    assert_int_equal(fb_mp_send(right, "last", 4), 0);
    fb_mp_connection_close(right);
    assert_true(fb_mp_poll(left, 0));
    assert_int_equal(fb_mp_receive(left, text, 8, FB_MP_FOREVER, &size), 0);
    assert_int_equal(size, 4);
    assert_int_equal(fb_mp_receive(left, text, 8, FB_MP_FOREVER, &size), -EPIPE);
    assert_int_equal(fb_mp_receive(left, text, 8, 0, &size), -EPIPE);
    right = NULL;
    piped_drop();
    piped_make(true);
    fb_mp_connection_close(right);
    assert_int_equal(fb_mp_send(left, "x", 1), -EPIPE);
    right = NULL;
    piped_drop();
    fb_mp_connection_close(NULL);
}

static int send_for_ever(void *context)
{
    (void)context;
    unsigned char *bytes = malloc(4 * BIG);
    for (;;) {
        piped_fill(bytes, 4 * BIG);
        if (fb_mp_send(right, bytes, 4 * BIG) != 0)
            return 1;
    }
}

static int send_small(void *context)
{
    (void)context;
    return fb_mp_send(right, "small", 5) != 0;
}

/* The other senders are not blocked, and the receiver gets one -EBADMSG for each death. */
static void a_sender_dies_in_the_middle(void **state)
{
    (void)state;
    unsigned char *bytes = malloc(4 * BIG);
    size_t size;
    piped_make(false);
    for (int i = 0; i < 20; i++) {
        pid_t pid = forked_run(send_for_ever, NULL), other = 0;
        assert_true(fb_mp_poll(
            left, LIMIT_NS)); /* the sender fills the pipe and waits in the middle of the message */
        if (i % 2)            /* another sender waits for the lock */
            other = forked_run(send_small, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(forked_end(pid), -SIGKILL);
        assert_int_equal(fb_mp_receive(left, bytes, 4 * BIG, LIMIT_NS, &size), -EBADMSG);
        if (!other)
            other = forked_run(send_small, NULL);
        assert_int_equal(fb_mp_receive(left, bytes, 4 * BIG, LIMIT_NS, &size), 0);
        assert_int_equal(size, 5);
        assert_int_equal(forked_end(other), 0);
    }
    assert_int_equal(fb_mp_receive(left, bytes, 4 * BIG, 0, &size), -ETIMEDOUT);
    free(bytes);
    piped_drop();
}

static int receive_for_ever(void *context)
{
    (void)context;
    unsigned char *bytes = malloc(4 * BIG);
    size_t size;
    for (;;)
        if (fb_mp_receive(left, bytes, 4 * BIG, FB_MP_FOREVER, &size) < 0)
            return 1;
}

/* A receiver that dies loses at most the message that it had begun to receive. */
static void a_receiver_dies_in_the_middle(void **state)
{
    (void)state;
    unsigned char *bytes = malloc(4 * BIG);
    size_t size;
    piped_make(false);
    pid_t sender = forked_run(send_for_ever, NULL);
    for (int i = 0; i < 20; i++) {
        pid_t pid = forked_run(receive_for_ever, NULL);
        for (int spin = 0; spin < 1000 * i; spin++)
            assert_int_equal(kill(pid, 0), 0);
        kill(pid, SIGKILL);
        assert_int_equal(forked_end(pid), -SIGKILL);
        int result = fb_mp_receive(left, bytes, 4 * BIG, LIMIT_NS, &size);
        if (result == -EBADMSG)
            result = fb_mp_receive(left, bytes, 4 * BIG, LIMIT_NS, &size);
        assert_int_equal(result, 0);
        assert_int_equal(size, 4 * BIG);
        assert_true(piped_is_filled(bytes, size));
    }
    kill(sender, SIGKILL);
    assert_int_equal(forked_end(sender), -SIGKILL);
    free(bytes);
    piped_drop();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_end_is_seen_after_the_last_message),
        cmocka_unit_test(a_sender_dies_in_the_middle),
        cmocka_unit_test(a_receiver_dies_in_the_middle),
    };
    return RUN_TESTS(tests);
}
