/* harness/mp/manager/manager.h: many processes with one server, their deaths, and what it keeps. The
 * server itself: test_mp_manager_server.c. */
#include "tests/mp/manager/manager_fixture.h"

#include "tests/support/fork_child.h"

#include "harness/mp/manager/manager_internal.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)
#define PROCESSES 50
#define APPENDS 100

static _Atomic uint32_t *word; /* that all forked ones have */
static _Atomic uint32_t
    *over; /* how many holders of a lock are over; only grows, so that nobody misses it */
static struct fb_mp_proxy *shared;

/* What a spawned process is told. */
struct told {
    struct fb_mp_manager_address address;
    uint64_t number;
};

static struct told tell(const struct fb_mp_proxy *proxy)
{
    struct told told = { .number = fb_mp_proxy_number(proxy) };
    fb_mp_manager_address(manager, &told.address);
    return told;
}

static bool is_there(uint64_t number)
{
    struct fb_mp_proxy *proxy;
    int result = fb_mp_proxy_open(manager, number, &proxy);
    if (result == 0)
        fb_mp_proxy_close(proxy);
    else
        assert_int_equal(result, -ENOENT);
    return result == 0;
}

/* The server learns of a death after the parent may have. */
static void wait_until_gone(uint64_t number)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; is_there(number); sched_yield())
        assert_true(clock_ms() < limit);
}

/* ---- many ---- */

static int append_many(void *context)
{
    int number = *(int *)context;
    for (int i = 0; i < APPENDS; i++)
        if (fb_mp_list_append(shared, LIST(N(number), N(i))) != 0)
            return 1;
    return 0;
}

static void forked_ones_use_what_they_inherit(void **state)
{
    (void)state;
    pid_t pid[PROCESSES];
    int64_t next[PROCESSES] = { 0 };
    DONE(fb_mp_list_make(manager, &shared));
    for (int i = 0; i < PROCESSES; i++)
        pid[i] = forked_run(append_many, &i);
    for (int i = 0; i < PROCESSES; i++)
        assert_int_equal(forked_end(pid[i]), 0);
    DONE(fb_mp_list_copy(shared, &value));
    assert_int_equal(value.count, PROCESSES * APPENDS);
    for (size_t i = 0; i < value.count; i++) {
        const struct fb_mp_object *item = value.items[i].items;
        assert_in_range(item[0].integer, 0, PROCESSES - 1);
        assert_int_equal(item[1].integer, next[item[0].integer]++);
    }
    fb_mp_object_free(&value);
    fb_mp_proxy_close(shared);
}

static int append_there(const void *argument, size_t size)
{
    struct told told;
    struct fb_mp_manager *there;
    struct fb_mp_proxy *list;
    if (size != sizeof told)
        return 1;
    memcpy(&told, argument, sizeof told);
    if (fb_mp_manager_connect(&told.address, &there) != 0 ||
        fb_mp_proxy_open(there, told.number, &list) != 0)
        return 2;
    for (int i = 0; i < APPENDS; i++)
        if (fb_mp_list_append(list, N(i)) != 0)
            return 3;
    fb_mp_proxy_close(list);
    fb_mp_manager_close(there);
    return 0;
}

static void others_open_it_by_its_number(void **state)
{
    (void)state;
    enum { SOME = 4 };
    struct fb_mp_process *process[SOME];
    size_t length = 0;
    DONE(fb_mp_list_make(manager, &shared));
    struct told told = tell(shared);
    for (int i = 0; i < SOME; i++)
        process[i] = started((struct fb_mp_process_options){ .run = append_there,
                                                             .argument = &told,
                                                             .size = sizeof told,
                                                             .method = methods[i % METHODS] });
    for (int i = 0; i < SOME; i++)
        assert_int_equal(ended(process[i]), 0);
    DONE(fb_mp_list_length(shared, &length));
    assert_int_equal(length, SOME * APPENDS);
    fb_mp_proxy_close(shared);
}

/* ---- counts ---- */

static void it_goes_with_the_last_proxy(void **state)
{
    (void)state;
    struct fb_mp_proxy *first, *second, *other;
    DONE(fb_mp_list_make(manager, &first));
    uint64_t number = fb_mp_proxy_number(first);
    DONE(fb_mp_proxy_open(manager, number, &second));
    assert_true(fb_mp_proxy_number(second) == number);
    fb_mp_proxy_close(first);
    DONE(fb_mp_list_append(second, N(1)));
    fb_mp_proxy_close(second);
    assert_false(is_there(number));
    DONE(fb_mp_list_make(manager, &other)); /* in its place */
    assert_false(is_there(number));
    assert_false(is_there(0));
    assert_false(is_there(UINT32_MAX));
    fb_mp_proxy_close(other);
}

static int use_it_after_the_parent(void *context)
{
    (void)context;
    if (fb_mp_list_append(shared, N(1)) != 0)
        return 1;
    atomic_store(word, 1);
    if (!wait_for(word, 2) || fb_mp_list_append(shared, N(2)) != 0)
        return 2;
    atomic_store(word, 3);
    return !wait_for(word, 4);
}

static int close_it_unused(void *context)
{
    (void)context;
    fb_mp_proxy_close(shared);
    return 0;
}

static void forked_ones_count_when_they_use_it(void **state)
{
    (void)state;
    DONE(fb_mp_list_make(manager, &shared));
    uint64_t number = fb_mp_proxy_number(shared);
    assert_int_equal(forked_end(forked_run(close_it_unused, NULL)), 0);
    assert_true(is_there(number));
    for (int killed = 0; killed < 2; killed++) {
        DONE(fb_mp_list_clear(shared));
        atomic_store(word, 0);
        pid_t pid = forked_run(use_it_after_the_parent, NULL);
        assert_true(wait_for(word, 1));
        fb_mp_proxy_close(shared);
        atomic_store(word, 2);
        assert_true(wait_for(word, 3));
        assert_true(is_there(number));
        if (killed)
            kill(pid, SIGKILL);
        else
            atomic_store(word, 4);
        assert_int_equal(forked_end(pid), killed ? -SIGKILL : 0);
        wait_until_gone(number);
        DONE(fb_mp_list_make(manager, &shared));
        number = fb_mp_proxy_number(shared);
    }
    fb_mp_proxy_close(shared);
}

/* ---- who may ---- */

static void strangers_are_refused(void **state)
{
    (void)state;
    struct fb_mp_manager *other = NULL;
    struct fb_mp_manager_address address, wrong;
    fb_mp_manager_address(manager, &address);
    wrong = address;
    wrong.key[31] ^= 1;
    assert_int_equal(fb_mp_manager_connect(&wrong, &other), -EACCES);
    wrong = address;
    wrong.name[10] ^= 1;
    assert_int_equal(fb_mp_manager_connect(&wrong, &other), -EPIPE);
    assert_null(other);
    DONE(fb_mp_manager_connect(&address, &other));
    fb_mp_manager_close(other);
    DONE(fb_mp_list_make(manager, &shared)); /* that one did not end it */
    fb_mp_proxy_close(shared);
    fb_mp_manager_close(manager);
    manager = NULL;
    assert_int_equal(fb_mp_manager_connect(&address, &other), -EPIPE);
    fb_mp_manager_close(NULL);
}

static void garbage_does_no_harm(void **state)
{
    (void)state;
    unsigned short seed[3] = { 1, 2, 3 };
    struct fb_mp_manager_address address;
    msgpack_sbuffer key;
    int open_one = managed_connect(); /* in the middle of a frame meanwhile */
    assert_int_equal(send(open_one, "\x10\0\0\0abc", 7, MSG_NOSIGNAL), 7);
    msgpack_sbuffer_init(&key);
    fb_mp_manager_address(manager, &address);
    assert_int_equal(wire_pack_key(&key, address.key, sizeof address.key), 0);
    DONE(fb_mp_list_make(manager, &shared));
    for (int i = 0; i < 1000; i++) {
        unsigned char bytes[64];
        int fd = managed_connect();
        assert_true(fd >= 0);
        for (size_t k = 0; k < sizeof bytes; k++)
            bytes[k] = (unsigned char)nrand48(seed);
        uint32_t length = i % 4 ? 1 + (uint32_t)nrand48(seed) % 60 : (uint32_t)nrand48(seed) << 1;
        memcpy(bytes, &length, sizeof length);
        if (i % 2) /* an array of what may be a request */
            memcpy(bytes + sizeof length, (char[]){ (char)0x94, (char)(i % 40), 0, 0, 1 }, 5);
        if (i % 3)
            send(fd, key.data, key.size, MSG_NOSIGNAL);
        for (int more = 0; more < 3; more++)
            send(fd, bytes, sizeof bytes, MSG_NOSIGNAL);
        DONE(fb_mp_list_append(shared, N(i)));
        close(fd);
    }
    msgpack_sbuffer_destroy(&key);
    close(open_one);
    fb_mp_proxy_close(shared);
}

/* ---- deaths ---- */

struct holder {
    bool has_child;
    uint32_t holds; /* what the word says then */
    uint32_t over;  /* then its child may end: nobody waits for that one, it may be late */
};

static int lock_and_stay(void *context)
{
    const struct holder *holder = context;
    if (fb_mp_managed_lock_acquire(shared, 0) != 0)
        return 1;
    if (holder->has_child && fork() == 0) { /* one that outlives it, with all that it had open */
        atomic_store(word, holder->holds);
        _exit(!wait_for(over, holder->over));
    }
    if (!holder->has_child)
        atomic_store(word, holder->holds);
    for (;;)
        pause();
}

static int take_left(int number)
{
    (void)number;
    return fb_mp_managed_lock_acquire(shared, LIMIT);
}

static void a_killed_holder_leaves_the_lock(void **state)
{
    (void)state;
    DONE(fb_mp_managed_lock_make(manager, &shared));
    atomic_store(word, 0);
    for (uint32_t i = 0; i < 4; i++) {
        struct holder holder = { .has_child = i % 2, .holds = i + 1, .over = *over + 1 };
        bool has_waiter = i / 2;
        struct waiter waiter = { .call = take_left };
        pid_t pid = forked_run(lock_and_stay, &holder);
        assert_true(wait_for(word, holder.holds));
        FAILS(fb_mp_managed_lock_acquire(shared, 0), -ETIMEDOUT);
        FAILS(fb_mp_managed_lock_release(shared), -EPERM);
        if (has_waiter) {
            waiter_begin(&waiter);
            waiter_settle(&waiter);
        }
        kill(pid, SIGKILL);
        assert_int_equal(forked_end(pid), -SIGKILL);
        if (has_waiter) { /* its thread does not hold it any longer than it lives, but nobody can
                             say */
            assert_int_equal(waiter_end(&waiter), -EOWNERDEAD);
            fb_mp_proxy_close(shared);
            DONE(fb_mp_managed_lock_make(manager, &shared));
        } else {
            FAILS(fb_mp_managed_lock_acquire(shared, LIMIT), -EOWNERDEAD);
            DONE(fb_mp_managed_lock_release(shared));
        }
        DONE(fb_mp_managed_lock_acquire(shared, 0)); /* told once */
        DONE(fb_mp_managed_lock_release(shared));
        atomic_store(over, holder.over);
    }
    fb_mp_proxy_close(shared);
}

static int get_for_ever(void *context)
{
    (void)context;
    struct fb_mp_object got;
    size_t size;
    if (fb_mp_managed_queue_size(shared, &size) != 0)
        return 1;
    atomic_store(word, 1);
    return fb_mp_managed_queue_get(shared, FB_MP_FOREVER, &got);
}

/* Whether it waited already, or was about to. */
static void the_dead_take_nothing(void **state)
{
    (void)state;
    DONE(fb_mp_managed_queue_make(manager, 1, &shared));
    for (int i = 0; i < 100; i++) {
        atomic_store(word, 0);
        pid_t pid = forked_run(get_for_ever, NULL);
        assert_true(wait_for(word, 1));
        kill(pid, SIGKILL);
        assert_int_equal(forked_end(pid), -SIGKILL);
        DONE(fb_mp_managed_queue_put(shared, N(i), 0));
        DONE(fb_mp_managed_queue_get(shared, LIMIT, &value));
        assert_int_equal(value.integer, i);
        value = fb_mp_nil();
    }
    fb_mp_proxy_close(shared);
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(append_there), { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    word = mmap(NULL, 2 * sizeof *word, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    over = word + 1;
    const struct CMUnitTest tests[] = {
        UNDER_BOTH(forked_ones_use_what_they_inherit),
        UNDER_BOTH(others_open_it_by_its_number),
        UNDER_BOTH(it_goes_with_the_last_proxy),
        UNDER_BOTH(forked_ones_count_when_they_use_it),
        UNDER_BOTH(strangers_are_refused),
        UNDER_BOTH(garbage_does_no_harm),
        UNDER_BOTH(a_killed_holder_leaves_the_lock),
        UNDER_BOTH(the_dead_take_nothing),
    };
    return RUN_TESTS(tests);
}
