/* harness/mp/channel/connection.c: whole messages, and descriptors. Closed ends and deaths are in
 * test_mp_connection_ends.c. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/channel/pipe_fixture.h"

#include "harness/mp/process/process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- messages ---- */

static const size_t sizes[] = { 0,      1,      47,     59999,   60000, 60001,      65536,
                                119999, 120000, 120001, BIG - 1, BIG,   3 * BIG + 5 };
#define SIZES (sizeof sizes / sizeof *sizes)

static int send_sizes(void *context)
{
    (void)context;
    unsigned char *bytes = malloc(4 * BIG);
    for (size_t i = 0; i < SIZES; i++) {
        piped_fill(bytes, sizes[i]);
        if (fb_mp_send(right, bytes, sizes[i]) != 0)
            return 1;
    }
    free(bytes);
    return 0;
}

static void messages_of_any_size(void **state)
{
    (void)state;
    size_t size;
    piped_make(false);
    pid_t pid = forked_run(send_sizes, NULL);
    unsigned char *bytes = malloc(4 * BIG);
    for (size_t i = 0; i < SIZES; i++) {
        assert_int_equal(fb_mp_receive(left, bytes, 4 * BIG, LIMIT_NS, &size), 0);
        assert_int_equal(size, sizes[i]);
        assert_true(piped_is_filled(bytes, size));
    }
    assert_int_equal(forked_end(pid), 0);
    free(bytes);
    piped_drop();
}

static void too_small_a_buffer_keeps_the_message(void **state)
{
    (void)state;
    size_t size = 77;
    piped_make(false);
    pid_t pid = forked_run(send_sizes, NULL);
    unsigned char *bytes = malloc(4 * BIG);
    for (size_t i = 0; i < SIZES; i++) {
        if (sizes[i]) {
            assert_int_equal(fb_mp_receive(left, bytes, sizes[i] / 2, LIMIT_NS, &size), -EMSGSIZE);
            assert_int_equal(size, sizes[i]);
            assert_int_equal(fb_mp_receive(left, bytes, sizes[i] - 1, 0, &size), -EMSGSIZE);
            assert_true(fb_mp_poll(left, 0));
        }
        assert_int_equal(fb_mp_receive(left, bytes, sizes[i], LIMIT_NS, &size), 0);
        assert_int_equal(size, sizes[i]);
        assert_true(piped_is_filled(bytes, size));
    }
    assert_int_equal(forked_end(pid), 0);
    free(bytes);
    piped_drop();
}

/* W13: a worker answers each message until QUIT. */
static int echo(void *context)
{
    (void)context;
    char text[64];
    size_t size;
    while (fb_mp_receive(right, text, sizeof text, LIMIT_NS, &size) == 0) {
        if (size == 4 && memcmp(text, "QUIT", 4) == 0)
            return 0;
        if (fb_mp_send(right, text, size) != 0)
            return 1;
    }
    return 2;
}

static void an_echo_answers_in_order(void **state)
{
    (void)state;
    char text[64], answer[64];
    size_t size;
    piped_make(true);
    pid_t pid = forked_run(echo, NULL);
    for (int i = 0; i < 1000; i++) {
        int length = snprintf(text, sizeof text, "message %d", i);
        assert_int_equal(fb_mp_send(left, text, (size_t)length), 0);
        assert_int_equal(fb_mp_receive(left, answer, sizeof answer, LIMIT_NS, &size), 0);
        assert_int_equal(size, length);
        assert_memory_equal(answer, text, size);
    }
    assert_int_equal(fb_mp_send(left, "QUIT", 4), 0);
    assert_int_equal(forked_end(pid), 0);
    piped_drop();
}

/* Several processes send large and small messages at once: each arrives whole, those of one sender
 * in order. */
static int send_many(void *context)
{
    (void)context;
    static unsigned char bytes[200000];
    for (uint32_t i = 0; i < 60; i++) {
        uint32_t head[2] = { (uint32_t)getpid(), i };
        size_t size = i % 3 == 0 ? sizeof bytes : 8 + i;
        memset(bytes, (int)(head[0] + i) & 0xff, size);
        memcpy(bytes, head, sizeof head);
        if (fb_mp_send(right, bytes, size) != 0)
            return 1;
    }
    return 0;
}

static void messages_never_merge(void **state)
{
    (void)state;
    enum { SENDERS = 4 };
    static unsigned char bytes[200000];
    pid_t pid[SENDERS];
    uint32_t next[SENDERS] = { 0 };
    piped_make(false);
    for (int i = 0; i < SENDERS; i++)
        pid[i] = forked_run(send_many, NULL);
    for (int n = 0; n < SENDERS * 60; n++) {
        uint32_t head[2];
        size_t size;
        int sender = 0;
        assert_int_equal(fb_mp_receive(left, bytes, sizeof bytes, LIMIT_NS, &size), 0);
        memcpy(head, bytes, sizeof head);
        while (sender < SENDERS && (uint32_t)pid[sender] != head[0])
            sender++;
        assert_true(sender < SENDERS);
        assert_int_equal(head[1], next[sender]++);
        for (size_t i = sizeof head; i < size; i++)
            assert_int_equal(bytes[i], (head[0] + head[1]) & 0xff);
    }
    for (int i = 0; i < SENDERS; i++)
        assert_int_equal(forked_end(pid[i]), 0);
    piped_drop();
}

/* ---- descriptors ---- */

static void descriptors_pass(void **state)
{
    (void)state;
    int ends[2], fd = 77;
    char text[8];
    size_t size;
    piped_make(false);
    assert_int_equal(pipe(ends), 0);
    assert_int_equal(fb_mp_send_fd(right, -1), -EBADF);
    assert_int_equal(fb_mp_send_fd(right, ends[1]), 0);
    assert_int_equal(fb_mp_send(right, "", 0), 0);
    assert_int_equal(fb_mp_send(right, "text", 4), 0);
    close(ends[1]);
    assert_int_equal(fb_mp_receive(left, text, 8, LIMIT_NS, &size), -ENOMSG);
    assert_int_equal(fb_mp_receive_fd(left, LIMIT_NS, &fd), 0);
    assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
    assert_int_equal(write(fd, "y", 1), 1);
    assert_int_equal(read(ends[0], text, 8), 1);
    close(fd);
    assert_int_equal(read(ends[0], text, 8), 0); /* no other copy of it is left */
    close(ends[0]);
    fd = 77;
    assert_int_equal(fb_mp_receive_fd(left, LIMIT_NS, &fd), -ENOMSG);
    assert_int_equal(fb_mp_receive(left, text, 8, LIMIT_NS, &size), 0);
    assert_int_equal(size, 0);
    assert_int_equal(fb_mp_receive_fd(left, LIMIT_NS, &fd), -ENOMSG);
    assert_int_equal(fb_mp_receive_fd(left, LIMIT_NS, &fd), -ENOMSG);
    assert_int_equal(fb_mp_receive(left, text, 8, LIMIT_NS, &size), 0);
    assert_int_equal(size, 4);
    assert_int_equal(fb_mp_receive_fd(left, 0, &fd), -ETIMEDOUT);
    assert_int_equal(fd, 77);
    piped_drop();
}

/* ---- a spawned process ---- */

static int spawned_echo(const void *argument, size_t size)
{
    const int fd[FB_MP_CONNECTION_FDS] = { fb_mp_descriptor(0), fb_mp_descriptor(1) };
    if (size != sizeof(struct fb_mp_connection_packed) ||
        fb_mp_connection_unpack(argument, fd, &right) != 0)
        return 3;
    int code = echo(NULL);
    fb_mp_connection_close(right);
    return code;
}

static const struct fb_mp_task tasks[] = { { .name = "echo", .run = spawned_echo }, { 0 } };

static void a_spawned_process_has_an_end(void **state)
{
    (void)state;
    struct fb_mp_connection_packed packed;
    struct fb_mp_process *process;
    struct fb_error error;
    char text[8];
    size_t size;
    int fd[FB_MP_CONNECTION_FDS], code = 77;
    piped_make(true);
    fb_mp_connection_pack(right, &packed, fd);
    const struct fb_mp_process_options options = { .run = spawned_echo,
                                                   .argument = &packed,
                                                   .size = sizeof packed,
                                                   .fd = fd,
                                                   .fds = FB_MP_CONNECTION_FDS,
                                                   .method = FB_MP_SPAWN };
    assert_int_equal(fb_mp_process_start(&options, &process, &error), 0);
    fb_mp_connection_close(right);
    assert_int_equal(fb_mp_send(left, "hello", 5), 0);
    assert_int_equal(fb_mp_receive(left, text, 8, LIMIT_NS, &size), 0);
    assert_int_equal(size, 5);
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(fb_mp_send(left, "QUIT", 4), 0);
    assert_int_equal(fb_mp_process_join(process, LIMIT_NS), 0);
    assert_int_equal(fb_mp_process_exit_code(process, &code), 0);
    assert_int_equal(code, 0);
    assert_int_equal(fb_mp_process_close(process), 0);
    assert_int_equal(fb_mp_receive(left, text, 8, LIMIT_NS, &size), -EPIPE);
    right = NULL;
    piped_drop();
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_of_any_size),
        cmocka_unit_test(too_small_a_buffer_keeps_the_message),
        cmocka_unit_test(an_echo_answers_in_order),
        cmocka_unit_test(messages_never_merge),
        cmocka_unit_test(descriptors_pass),
        cmocka_unit_test(a_spawned_process_has_an_end),
    };
    return RUN_TESTS(tests);
}
