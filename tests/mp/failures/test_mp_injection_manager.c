/* The manager's client: as in test_mp_injection.c, each call to the C library fails in turn. The server's
 * calls don't fail. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/channel/segment_fixture.h"

#include "harness/mp/manager/manager.h"

#include <unistd.h>

static char bytes[100000];

static struct fb_mp_manager *manager, *connected;
static struct fb_mp_proxy *list, *made;
static struct fb_mp_manager_address address;
static struct fb_mp_object answer;

static int start_manager_fork(void)
{
    return fb_mp_manager_start(FB_MP_FORK, &manager, NULL);
}

static int start_manager_spawn(void)
{
    return fb_mp_manager_start(FB_MP_SPAWN, &manager, NULL);
}

static void close_manager(void)
{
    fb_mp_manager_close(manager);
}

static void have_manager(void)
{
    MUST(start_manager_fork() == 0);
    fb_mp_manager_address(manager, &address);
}

static int connect_manager(void)
{
    return fb_mp_manager_connect(&address, &connected);
}

static void close_connected(void)
{
    fb_mp_manager_close(connected);
}

static int make_list(void)
{
    return fb_mp_list_make(manager, &made);
}

static void close_list(void)
{
    fb_mp_proxy_close(made);
}

/* Opens a connection first, which stays open even if a call fails. */
static void have_connection(void)
{
    have_manager();
    MUST(fb_mp_list_make(manager, &list) == 0);
    fb_mp_proxy_close(list);
}

static void have_list(void)
{
    have_manager();
    MUST(fb_mp_list_make(manager, &list) == 0);
}

static void close_all(void)
{
    fb_mp_proxy_close(list);
    close_manager();
}

static int append(void)
{
    return fb_mp_list_append(list, fb_mp_string("a text"));
}

/* A failed append must not have changed the list. */
static void pop(void)
{
    size_t length = 1;
    MUST(fb_mp_list_pop(list, -1, &answer) == 0);
    fb_mp_object_free(&answer);
    MUST(fb_mp_list_length(list, &length) == 0 && length == 0);
}

static void have_long_list(void)
{
    have_list();
    for (int i = 0; i < 3; i++)
        MUST(fb_mp_list_append(list, fb_mp_bytes(bytes, sizeof bytes)) == 0);
}

static int copy(void)
{
    return fb_mp_list_copy(list, &answer);
}

static void free_answer(void)
{
    fb_mp_object_free(&answer);
}

static void have_managed_queue(void)
{
    have_manager();
    MUST(fb_mp_managed_queue_make(manager, 0, &list) == 0);
    MUST(fb_mp_managed_queue_put(list, fb_mp_bytes(bytes, sizeof bytes), 0) == 0);
}

static int get_managed(void)
{
    return fb_mp_managed_queue_get(list, 0, &answer);
}

static void put_managed_back(void)
{
    MUST(fb_mp_managed_queue_put(list, answer, 0) == 0);
    fb_mp_object_free(&answer);
}

/* In this order: name, act, undo, prepare, finish, also, may_succeed. */
static const struct operation manager_operations[] = {
    { "manager_start, fork", start_manager_fork, close_manager, NULL, NULL, { 0 }, false },
    { "manager_start, spawn", start_manager_spawn, close_manager, NULL, NULL, { 0 }, false },
    { "manager_connect",
      connect_manager,
      close_connected,
      have_manager,
      close_manager,
      { 0 },
      true },
    { "list_make", make_list, close_list, have_connection, close_manager, { 0 }, true },
    { "list_append", append, pop, have_list, close_all, { 0 }, true },
    { "list_copy", copy, free_answer, have_long_list, close_all, { 0 }, true },
    { "managed_queue_get",
      get_managed,
      put_managed_back,
      have_managed_queue,
      close_all,
      { 0 },
      true },
};

static void managers(void **state)
{
    (void)state;
    unsigned wrong = 0;
    CHECK(manager_operations);
    assert_int_equal(wrong, 0);
}

static const struct fb_mp_task tasks[] = { { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    segments_separate(); /* fault_injection.c counts segments */
    const struct CMUnitTest tests[] = { cmocka_unit_test(managers) };
    return RUN_TESTS(tests);
}
