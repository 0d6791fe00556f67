/* harness/native/gil_lock.c: one holder at a time, forced switching, no lost wake-up, correct
 * counts. */
#include "tests/support/support.h"

#include "harness/native/gil_lock.h"
#include "harness/worker/worker.h"
#include "base/clock.h"

#include <sched.h>
#include <stdlib.h>
#include <string.h>

#define USERS_MOST 8
#define HOUR_NS 3600000000000u

struct player {
    struct fb_gil_thread user;
    pthread_t thread;
    uint64_t honoured; /* requests for which it dropped the lock */
};

static struct fb_gil_lock lock;
static struct player player[USERS_MOST];

/* Protected by the lock: written by the holder only. */
static uint64_t counter;
static unsigned owner;
static size_t turns, turns_wanted;
static uint8_t turn_of[4096];
static uint64_t collisions;

static void begin_game(unsigned players, uint64_t interval_ns)
{
    memset(player, 0, sizeof player);
    counter = collisions = 0;
    owner = 0;
    turns = 0;
    assert_int_equal(fb_gil_lock_init(&lock, interval_ns), 0);
    for (unsigned i = 0; i < players; i++)
        player[i].user = (struct fb_gil_thread){ .lock = &lock, .number = i };
}

static void play(unsigned players, void *(*part)(void *))
{
    unsigned started = 0;
    while (started < players &&
           pthread_create(&player[started].thread, NULL, part, &player[started]) == 0)
        started++;
    for (unsigned i = 0; i < started; i++)
        pthread_join(player[i].thread, NULL);
    assert_int_equal(started, players);
}

static uint64_t sum_of_switches(unsigned players)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < players; i++)
        sum += player[i].user.switches;
    return sum;
}

static bool requested(void)
{
    return atomic_load_explicit(&lock.drop_request, memory_order_relaxed) != 0;
}

/* ---- one user ---- */

static void one_user_never_waits(void **state)
{
    (void)state;
    begin_game(1, HOUR_NS);
    struct fb_gil_thread *user = &player[0].user;
    for (int i = 0; i < 1000; i++) {
        fb_gil_lock_take(user);
        assert_true(lock.held);
        fb_gil_lock_drop(user);
        assert_false(lock.held);
    }
    assert_int_equal(user->waits, 0);
    assert_int_equal(user->switches, 0);
    assert_int_equal(lock.hand_overs, 1); /* the first one */
    assert_false(requested());
    fb_gil_lock_destroy(&lock);
}

static void held_time_adds_up(void **state)
{
    (void)state;
    begin_game(1, HOUR_NS);
    struct fb_gil_thread *user = &player[0].user;
    uint64_t start = clock_ms(), before = 0;
    for (int i = 0; i < 5; i++) {
        fb_gil_lock_take(user);
        for (uint64_t until = clock_ms() + 4; clock_ms() < until;)
            ;
        fb_gil_lock_drop(user);
        /* At least 3 ms passed between two different readings in ms. */
        assert_true(user->held_ns >= before + 3000000);
        before = user->held_ns;
    }
    assert_true(user->held_ns <= (clock_ms() - start + 1) * 1000000);
    fb_gil_lock_destroy(&lock);
}

/* ---- two users, step by step ---- */

static void *take_once(void *argument)
{
    struct player *me = argument;
    fb_gil_lock_take(&me->user);
    owner = me->user.number + 1;
    fb_gil_lock_drop(&me->user);
    return NULL;
}

/* A drop that a waiter requested returns only after the waiter has taken the lock. */
static void a_requested_drop_forces_a_switch(void **state)
{
    (void)state;
    for (int round = 0; round < 50; round++) {
        begin_game(2, 200000);
        struct fb_gil_thread *user = &player[0].user;
        fb_gil_lock_take(user);
        assert_int_equal(pthread_create(&player[1].thread, NULL, take_once, &player[1]), 0);
        bool asked = wait_for(&lock.drop_request, 1);
        fb_gil_lock_drop(user);
        /* Another thread had it before drop returned, even if this thread takes it at once. */
        fb_gil_lock_take(user);
        unsigned had_it = owner;
        uint64_t hand_overs = lock.hand_overs;
        fb_gil_lock_drop(user);
        pthread_join(player[1].thread, NULL);
        assert_true(asked);
        assert_int_equal(had_it, 2);
        assert_int_equal(hand_overs, 3); /* this thread, the other, this thread */
        assert_int_equal(player[1].user.waits, 1);
        assert_int_equal(player[1].user.switches, 1);
        assert_int_equal(user->switches, 1);
        assert_false(requested());
        fb_gil_lock_destroy(&lock);
    }
}

/* Without a request the same thread may take the lock again at once, as in CPython. */
static void no_request_before_the_interval(void **state)
{
    (void)state;
    begin_game(2, HOUR_NS);
    struct fb_gil_thread *user = &player[0].user;
    fb_gil_lock_take(user);
    assert_int_equal(pthread_create(&player[1].thread, NULL, take_once, &player[1]), 0);
    for (int i = 0; i < 1000; i++) {
        sched_yield();
        assert_false(requested());
    }
    fb_gil_lock_drop(user);
    pthread_join(player[1].thread, NULL);
    assert_int_equal(owner, 2);
    fb_gil_lock_destroy(&lock);
}

/* The state after another thread has taken the lock and a third one has requested it, before the
 * dropping thread checks for a switch: the request is meant for the new holder. */
static void a_request_to_the_next_holder_is_left_alone(void **state)
{
    (void)state;
    begin_game(2, HOUR_NS);
    fb_gil_lock_take(&player[0].user);
    lock.last_holder = 2;
    atomic_store(&lock.drop_request, 1);
    fb_gil_lock_drop(&player[0].user);
    assert_true(requested());
    fb_gil_lock_destroy(&lock);
}

/* A waiter requests the lock only if it did not change hands for a whole interval. Here the test
 * increments the number of hand-overs in each interval. If the test itself was paused for an
 * interval, a request is allowed, and the test starts again. */
static void no_request_while_the_lock_changes_hands(void **state)
{
    (void)state;
    const uint64_t interval_ns = 100000000, wanted_ns = 2 * interval_ns;
    begin_game(2, interval_ns);
    struct fb_gil_thread *user = &player[0].user;
    fb_gil_lock_take(user);
    assert_int_equal(pthread_create(&player[1].thread, NULL, take_once, &player[1]), 0);
    uint64_t limit = clock_ms() + LIMIT_MS, begin_ns = fb_now_ns(), last_ns = begin_ns;
    bool asked = false;
    while (last_ns - begin_ns < wanted_ns && clock_ms() < limit && !asked) {
        pthread_mutex_lock(&lock.mutex);
        uint64_t now_ns = fb_now_ns();
        if (now_ns - last_ns >= interval_ns || player[1].user.waits == 0) {
            begin_ns = now_ns;
            atomic_store(&lock.drop_request, 0);
        }
        asked = requested();
        lock.hand_overs++;
        last_ns = now_ns;
        pthread_mutex_unlock(&lock.mutex);
        sched_yield();
    }
    fb_gil_lock_drop(user);
    pthread_join(player[1].thread, NULL);
    assert_false(asked);
    assert_true(last_ns - begin_ns >= wanted_ns);
    fb_gil_lock_destroy(&lock);
}

/* ---- two users that spin ---- */

/* Records each turn and drops the lock only on request. */
static void *spin_until_requested(void *argument)
{
    struct player *me = argument;
    for (;;) {
        fb_gil_lock_take(&me->user);
        turn_of[turns++] = (uint8_t)me->user.number;
        if (turns >= turns_wanted)
            break;
        while (!requested())
            sched_yield();
        me->honoured++;
        fb_gil_lock_drop(&me->user);
    }
    fb_gil_lock_drop(&me->user);
    return NULL;
}

static void spinning_threads_alternate(void **state)
{
    (void)state;
    turns_wanted = 300;
    begin_game(2, 100000);
    play(2, spin_until_requested);
    for (size_t i = 1; i < turns; i++)
        assert_int_not_equal(turn_of[i], turn_of[i - 1]);
    /* There is a hand-over for each honoured request, for the first turn, and for the last, which
     * follows a drop that need not have been requested. */
    uint64_t honoured = player[0].honoured + player[1].honoured;
    assert_int_equal(lock.hand_overs, honoured + 2);
    assert_int_equal(lock.hand_overs, turns);
    assert_int_equal(sum_of_switches(2), turns - 1);
    assert_true(player[0].user.waits + player[1].user.waits >= honoured);
    assert_int_equal(turns, turns_wanted + 1);
    fb_gil_lock_destroy(&lock);
}

static uint64_t work_until_ns; /* of held time, in all */

static void *work_and_yield(void *argument)
{
    struct player *me = argument;
    for (bool more = true; more;) {
        fb_gil_lock_take(&me->user);
        uint64_t from = clock_ms();
        while (!requested() && counter + (clock_ms() - from) * 1000000 < work_until_ns)
            ;
        counter += (clock_ms() - from) * 1000000;
        more = counter < work_until_ns;
        fb_gil_lock_drop(&me->user);
    }
    return NULL;
}

static uint64_t hand_overs_with(uint64_t interval_ns)
{
    work_until_ns = 400000000;
    begin_game(2, interval_ns);
    play(2, work_and_yield);
    fb_gil_lock_destroy(&lock);
    return lock.hand_overs;
}

static void a_shorter_interval_gives_more_hand_overs(void **state)
{
    (void)state;
    uint64_t often = hand_overs_with(1000000), seldom = hand_overs_with(50000000);
    assert_true(often > seldom);
    /* A waiter waits for 50 ms first; the last hand-over may be without a request. */
    assert_true(seldom <= 400 / 50 + 4);
}

/* ---- many users ---- */

#define ROUNDS 4000

static void *count_up(void *argument)
{
    struct player *me = argument;
    for (int i = 0; i < ROUNDS; i++) {
        fb_gil_lock_take(&me->user);
        collisions += owner != 0;
        owner = me->user.number + 1;
        counter++;
        if (i % 64 == 0)
            sched_yield(); /* so that others try to take the lock while it is held */
        collisions += owner != me->user.number + 1;
        owner = 0;
        fb_gil_lock_drop(&me->user);
    }
    return NULL;
}

static void count_with(unsigned players, uint64_t interval_ns)
{
    begin_game(players, interval_ns);
    play(players, count_up);
    assert_int_equal(counter, (uint64_t)players * ROUNDS);
    assert_int_equal(collisions, 0);
    assert_false(lock.held);
    assert_int_equal(sum_of_switches(players) + 1, lock.hand_overs);
    for (unsigned i = 0; i < players; i++)
        assert_true(player[i].user.waits <= ROUNDS);
    fb_gil_lock_destroy(&lock);
}

static void never_two_inside(void **state)
{
    (void)state;
    for (unsigned players = 1; players <= USERS_MOST; players++)
        count_with(players, 10000);
}

/* With an interval of an hour there is no time-out: a lost wake-up hangs the test. */
static void no_wake_up_is_lost(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++)
        count_with(USERS_MOST, HOUR_NS);
}

static void *honour_requests(void *argument)
{
    struct player *me = argument;
    for (int i = 0; i < 300; i++) {
        fb_gil_lock_take(&me->user);
        collisions += owner != 0;
        owner = me->user.number + 1;
        for (int spins = 0; spins < 20000 && !requested(); spins++)
            ;
        me->honoured += requested();
        collisions += owner != me->user.number + 1;
        owner = 0;
        fb_gil_lock_drop(&me->user);
    }
    return NULL;
}

/* Forced switching among many threads: no thread waits for a switch that never happens. */
static void many_users_that_request_it(void **state)
{
    (void)state;
    begin_game(USERS_MOST, 20000);
    play(USERS_MOST, honour_requests);
    assert_int_equal(collisions, 0);
    assert_false(lock.held);
    assert_int_equal(sum_of_switches(USERS_MOST) + 1, lock.hand_overs);
    fb_gil_lock_destroy(&lock);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_user_never_waits),
        cmocka_unit_test(held_time_adds_up),
        cmocka_unit_test(a_requested_drop_forces_a_switch),
        cmocka_unit_test(no_request_before_the_interval),
        cmocka_unit_test(a_request_to_the_next_holder_is_left_alone),
        cmocka_unit_test(no_request_while_the_lock_changes_hands),
        cmocka_unit_test(spinning_threads_alternate),
        cmocka_unit_test(a_shorter_interval_gives_more_hand_overs),
        cmocka_unit_test(never_two_inside),
        cmocka_unit_test(no_wake_up_is_lost),
        cmocka_unit_test(many_users_that_request_it),
    };
    return RUN_TESTS(tests);
}
