/* harness/mp/manager/manager_server.c: an item of a queue that a client received, but did not confirm. The client is written
 * here, message by message. */
#include "tests/mp/manager/manager_fixture.h"

#include "harness/mp/manager/manager_internal.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct fb_mp_proxy *shared;

static void send_request(int fd, enum wire_op op)
{
    const struct wire_request request = { .op = op, .id = fb_mp_proxy_number(shared) };
    msgpack_sbuffer frame;
    msgpack_sbuffer_init(&frame);
    assert_int_equal(wire_pack_request(&frame, &request), 0);
    assert_int_equal(send(fd, frame.data, frame.size, MSG_NOSIGNAL), frame.size);
    msgpack_sbuffer_destroy(&frame);
}

/* Receives one answer, which must be a success. */
static void receive_success(int fd)
{
    char bytes[100];
    size_t size = 0;
    int result = 1;
    while (wire_frame(bytes, size) == 0) {
        ssize_t got = recv(fd, bytes + size, sizeof bytes - size, 0);
        assert_true(got > 0);
        size += (size_t)got;
    }
    assert_int_equal(wire_read_answer(bytes + WIRE_HEADER, size - WIRE_HEADER, &result, &value), 0);
    assert_int_equal(result, 0);
    fb_mp_object_free(&value);
}

/* A connection on which an item was received, but not confirmed. */
static int get_without_confirming(void)
{
    struct fb_mp_manager_address address;
    msgpack_sbuffer key;
    int fd = managed_connect();
    fb_mp_manager_address(manager, &address);
    msgpack_sbuffer_init(&key);
    assert_int_equal(wire_pack_key(&key, address.key, sizeof address.key), 0);
    assert_int_equal(send(fd, key.data, key.size, MSG_NOSIGNAL), key.size);
    msgpack_sbuffer_destroy(&key);
    receive_success(fd);
    send_request(fd, WIRE_QUEUE_GET);
    receive_success(fd);
    return fd;
}

static void an_unconfirmed_item_returns_to_the_front(void **state)
{
    (void)state;
    const enum wire_op next[] = { WIRE_QUEUE_NOT_TAKEN, WIRE_QUEUE_SIZE }; /* then: close */
    DONE(fb_mp_managed_queue_make(manager, 0, &shared));
    DONE(fb_mp_managed_queue_put(shared, N(1), 0));
    DONE(fb_mp_managed_queue_put(shared, N(2), 0));
    for (size_t i = 0; i <= sizeof next / sizeof *next; i++) {
        int fd = get_without_confirming();
        bool closes = i == sizeof next / sizeof *next;
        size_t size = 0;
        if (closes)
            close(fd);
        else
            send_request(fd, next[i]);
        /* The server handles the second call in a later round than what happened before the first. */
        DONE(fb_mp_managed_queue_size(shared, &size));
        DONE(fb_mp_managed_queue_size(shared, &size));
        assert_int_equal(size, 2);
        if (!closes)
            close(fd);
    }
    IS(fb_mp_managed_queue_get(shared, 0, &value), "1");
    IS(fb_mp_managed_queue_get(shared, 0, &value), "2");
    fb_mp_proxy_close(shared);
}

static const struct fb_mp_task tasks[] = { { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    const struct CMUnitTest tests[] = {
        UNDER_BOTH(an_unconfirmed_item_returns_to_the_front),
    };
    return RUN_TESTS(tests);
}
