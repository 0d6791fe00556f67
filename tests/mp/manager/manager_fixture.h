/* A manager for each test, and assertions on its results. */
#ifndef TEST_MANAGER_FIXTURE_H
#define TEST_MANAGER_FIXTURE_H

#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

#include "harness/mp/manager/manager.h"

#include <pthread.h>

/* ---- values ---- */

#define N(number) fb_mp_integer(number)
#define S(text) fb_mp_string(text)
#define ITEMS_OF(...) ((const struct fb_mp_object[]){ __VA_ARGS__ })
#define COUNT_OF(...) (sizeof ITEMS_OF(__VA_ARGS__) / sizeof(struct fb_mp_object))
#define LIST(...) fb_mp_list(ITEMS_OF(__VA_ARGS__), COUNT_OF(__VA_ARGS__))
#define DICT(...) fb_mp_dict(ITEMS_OF(__VA_ARGS__), COUNT_OF(__VA_ARGS__) / 2)

/* Calls that are checked return their value here; nil between checks. */
extern struct fb_mp_object value;

#define DONE(call) assert_int_equal((call), 0)
/* The call succeeded and returned the value that Python prints like text. */
#define IS(call, text) managed_is((call), __LINE__, text)
/* The call failed with code and returned no value. */
#define FAILS(call, code) managed_fails((call), __LINE__, code)
void managed_is(int result, int line, const char *text);
void managed_fails(int result, int line, int code);

/* ---- the server ---- */

extern struct fb_mp_manager *manager;

/* Setup and teardown; the test's state is the start method. */
int managed_begin(void **state);
int managed_finish(void **state);
#define WITH(test, method)                                                                         \
    cmocka_unit_test_prestate_setup_teardown(test, managed_begin, managed_finish, (void *)(method))
#define UNDER_BOTH(test) WITH(test, &methods[0]), WITH(test, &methods[1])

/* A new connection on which the key has not been sent; -1: there is no server. */
int managed_connect(void);
/* The server's process id. */
pid_t managed_server(void);

/* ---- waiting threads ---- */

struct waiter {
    int (*call)(int number);
    int number;
    int result; /* of the call, after waiter_end */
    pthread_t thread;
    _Atomic uint32_t tid;
};

/* Starts a thread that makes the call. */
void waiter_begin(struct waiter *waiter);
/* Returns when the thread's call waits in the server. */
void waiter_settle(struct waiter *waiter);
/* Joins the thread. Returns the call's result. */
int waiter_end(struct waiter *waiter);

#endif
