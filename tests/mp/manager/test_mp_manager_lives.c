/* harness/mp/manager/manager.h: many client processes, killed ones, and how long objects exist. */
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

#define PROCESSES 50
#define APPENDS 100

static _Atomic uint32_t *word; /* shared with all forked processes */
static _Atomic uint32_t
    *over; /* how many holders of a lock are over; only grows, so that nobody misses it */
static struct fb_mp_proxy *shared;

/* The argument of a spawned process. */
struct list_address {
    struct fb_mp_manager_address address;
    uint64_t number;
};

static struct list_address address_of(const struct fb_mp_proxy *proxy)
{
    struct list_address target = { .number = fb_mp_proxy_number(proxy) };
    fb_mp_manager_address(manager, &target.address);
    return target;
}

static bool exists(uint64_t number)
{
    struct fb_mp_proxy *proxy;
    int result = fb_mp_proxy_open(manager, number, &proxy);
    if (result == 0)
        fb_mp_proxy_close(proxy);
    else
        assert_int_equal(result, -ENOENT);
    return result == 0;
}

/* The server may learn of a process's end later than the parent. */
static void wait_until_gone(uint64_t number)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; exists(number); sched_yield())
        assert_true(clock_ms() < limit);
}

/* ---- many processes ---- */

static int append_many(void *context)
{
    int number = *(int *)context;
    for (int i = 0; i < APPENDS; i++)
        if (fb_mp_list_append(shared, LIST(N(number), N(i))) != 0)
            return 1;
    return 0;
}

static void forked_processes_use_inherited_proxies(void **state)
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
    struct list_address target;
    struct fb_mp_manager *there;
    struct fb_mp_proxy *list;
    if (size != sizeof target)
        return 1;
    memcpy(&target, argument, sizeof target);
    if (fb_mp_manager_connect(&target.address, &there) != 0 ||
        fb_mp_proxy_open(there, target.number, &list) != 0)
        return 2;
    for (int i = 0; i < APPENDS; i++)
        if (fb_mp_list_append(list, N(i)) != 0)
            return 3;
    fb_mp_proxy_close(list);
    fb_mp_manager_close(there);
    return 0;
}

static void other_processes_open_a_list_by_its_number(void **state)
{
    (void)state;
    enum { SOME = 4 };
    struct fb_mp_process *process[SOME];
    size_t length = 0;
    DONE(fb_mp_list_make(manager, &shared));
    struct list_address target = address_of(shared);
    for (int i = 0; i < SOME; i++)
        process[i] = started((struct fb_mp_process_options){ .run = append_there,
                                                             .argument = &target,
                                                             .size = sizeof target,
                                                             .method = methods[i % METHODS] });
    for (int i = 0; i < SOME; i++)
        assert_int_equal(ended(process[i]), 0);
    DONE(fb_mp_list_length(shared, &length));
    assert_int_equal(length, SOME * APPENDS);
    fb_mp_proxy_close(shared);
}

/* ---- references ---- */

static void an_object_goes_with_its_last_proxy(void **state)
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
    assert_false(exists(number));
    DONE(fb_mp_list_make(manager, &other)); /* in the same slot */
    assert_false(exists(number));
    assert_false(exists(0));
    assert_false(exists(UINT32_MAX));
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

static void a_forked_process_counts_from_its_first_use(void **state)
{
    (void)state;
    DONE(fb_mp_list_make(manager, &shared));
    uint64_t number = fb_mp_proxy_number(shared);
    assert_int_equal(forked_end(forked_run(close_it_unused, NULL)), 0);
    assert_true(exists(number));
    for (int killed = 0; killed < 2; killed++) {
        DONE(fb_mp_list_clear(shared));
        atomic_store(word, 0);
        pid_t pid = forked_run(use_it_after_the_parent, NULL);
        assert_true(wait_for(word, 1));
        fb_mp_proxy_close(shared);
        atomic_store(word, 2);
        assert_true(wait_for(word, 3));
        assert_true(exists(number));
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

/* ---- access ---- */

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
    DONE(fb_mp_list_make(manager, &shared)); /* closing that one did not end the server */
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
    int open_one = managed_connect(); /* stays in the middle of a frame */
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
        if (i % 2) /* an array that looks like a request */
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

/* ---- killed processes ---- */

struct holder {
    bool has_child;
    uint32_t holds; /* the value of word when it has the lock */
    uint32_t over;  /* the value of over from which on its child may end */
};

static int lock_and_stay(void *context)
{
    const struct holder *holder = context;
    if (fb_mp_managed_lock_acquire(shared, 0) != 0)
        return 1;
    /* The child inherits all descriptors and continues after its parent. */
    if (holder->has_child && fork() == 0) {
        atomic_store(word, holder->holds);
        _exit(!wait_for(over, holder->over));
    }
    if (!holder->has_child)
        atomic_store(word, holder->holds);
    for (;;)
        pause();
}

static int acquire_lock(int number)
{
    (void)number;
    return fb_mp_managed_lock_acquire(shared, LIMIT_NS);
}

static void a_lock_of_a_killed_process_is_freed(void **state)
{
    (void)state;
    DONE(fb_mp_managed_lock_make(manager, &shared));
    atomic_store(word, 0);
    for (uint32_t i = 0; i < 4; i++) {
        struct holder holder = { .has_child = i % 2, .holds = i + 1, .over = *over + 1 };
        bool has_waiter = i / 2;
        struct waiter waiter = { .call = acquire_lock };
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
        if (has_waiter) { /* the lock stays with the thread that waited, which has ended */
            assert_int_equal(waiter_end(&waiter), -EOWNERDEAD);
            fb_mp_proxy_close(shared);
            DONE(fb_mp_managed_lock_make(manager, &shared));
        } else {
            FAILS(fb_mp_managed_lock_acquire(shared, LIMIT_NS), -EOWNERDEAD);
            DONE(fb_mp_managed_lock_release(shared));
        }
        DONE(fb_mp_managed_lock_acquire(shared, 0)); /* -EOWNERDEAD is returned once */
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

/* A killed process gets no item, whether its call was waiting already or not. */
static void killed_processes_take_no_items(void **state)
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
        DONE(fb_mp_managed_queue_get(shared, LIMIT_NS, &value));
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
        UNDER_BOTH(forked_processes_use_inherited_proxies),
        UNDER_BOTH(other_processes_open_a_list_by_its_number),
        UNDER_BOTH(an_object_goes_with_its_last_proxy),
        UNDER_BOTH(a_forked_process_counts_from_its_first_use),
        UNDER_BOTH(strangers_are_refused),
        UNDER_BOTH(garbage_does_no_harm),
        UNDER_BOTH(a_lock_of_a_killed_process_is_freed),
        UNDER_BOTH(killed_processes_take_no_items),
    };
    return RUN_TESTS(tests);
}
