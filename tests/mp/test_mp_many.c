/* harness/mp: processes and objects made and freed thousands of times leave nothing behind. */
#include "tests/support/support.h"

#include "tests/mp/channel/segment_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/channel/connection.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/manager/manager.h"
#include "harness/mp/channel/queue.h"
#include "harness/mp/channel/shm.h"
#include "harness/mp/sync/value.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MANY AS_MANY_AS(10000u, 2000u)
#define WARM_UP 20u /* rounds after which everything made only once exists */

#define GROWTH_KIB 1024

/* ---- resources in use ---- */

struct resources {
    unsigned descriptors, mappings, segments;
    size_t used;
    long resident; /* KiB */
};

static unsigned count_mappings(void)
{
    unsigned count = 0;
    char line[512];
    FILE *file = fopen("/proc/self/maps", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        count += strchr(line, '\n') != NULL;
    fclose(file);
    return count;
}

static long resident_kib(void)
{
    long kib = 0;
    char line[256];
    FILE *file = fopen("/proc/self/status", "re");
    assert_non_null(file);
    while (fgets(line, sizeof line, file))
        sscanf(line, "VmRSS: %ld", &kib);
    fclose(file);
    return kib;
}

static unsigned count_segments(void)
{
    unsigned count = 0;
    DIR *folder = opendir(SEGMENTS_FOLDER);
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder));)
        count += strncmp(entry->d_name, FB_MP_TRACKER_PREFIX, strlen(FB_MP_TRACKER_PREFIX)) == 0;
    closedir(folder);
    return count;
}

static struct resources read_resources(void)
{
    return (struct resources){ .descriptors = descriptors_open(),
                               .mappings = count_mappings(),
                               .segments = segments_are_private() ? count_segments() : 0,
                               .used = fb_mp_heap_used(),
                               .resident = resident_kib() };
}

/* Calls once() that many times, and compares the resources in use before and after. */
static void many(const char *name, unsigned rounds, void (*once)(void))
{
    char text[120];
    for (unsigned i = 0; i < WARM_UP; i++)
        once();
    struct resources before = read_resources();
    uint64_t began = clock_ms();
    for (unsigned i = 0; i < rounds; i++)
        once();
    uint64_t took = clock_ms() - began;
    struct resources now = read_resources();
    print_message("%s: %u in %llu ms, %+ld KiB\n", name, rounds, (unsigned long long)took,
                  now.resident - before.resident);
    assert_int_equal(now.descriptors, before.descriptors);
    assert_int_equal(now.segments, before.segments);
    assert_int_equal(now.used, before.used);
    /* stdio may have mapped a buffer to read them. */
    assert_true(now.mappings <= before.mappings + 2);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ /* these keep freed memory */
    assert_true(now.resident <= before.resident + GROWTH_KIB);
#endif
    if (leaks_found(before.descriptors, text, sizeof text))
        fail_msg("%s: %s", name, text);
}

/* ---- processes ---- */

static int nothing(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return 0;
}

static void fork_one(void)
{
    assert_int_equal(ended(started((struct fb_mp_process_options){ .run = nothing })), 0);
}

static void spawn_one(void)
{
    assert_int_equal(
        ended(started((struct fb_mp_process_options){ .run = nothing, .method = FB_MP_SPAWN })), 0);
}

static void processes(void **state)
{
    (void)state;
    many("processes, fork", MANY, fork_one);
    many("processes, spawn", 200, spawn_one);
}

/* ---- objects in shared memory, and pipes ---- */

static void make_pipe(void)
{
    struct fb_mp_connection *left, *right;
    char byte = 0;
    size_t size = 0;
    assert_int_equal(fb_mp_pipe(true, &left, &right), 0);
    assert_int_equal(fb_mp_send(left, "x", 1), 0);
    assert_int_equal(fb_mp_receive(right, &byte, 1, 0, &size), 0);
    assert_int_equal(byte, 'x');
    fb_mp_connection_close(left);
    fb_mp_connection_close(right);
}

/* Messages that were not received are freed with the pipe, and with them descriptors. */
static void make_full_pipe(void)
{
    struct fb_mp_connection *left, *right;
    char byte;
    size_t size = 0;
    assert_int_equal(fb_mp_pipe(false, &left, &right), 0);
    assert_int_equal(fb_mp_send(right, "message", 7), 0);
    assert_int_equal(fb_mp_send_fd(right, 0), 0);
    assert_int_equal(fb_mp_receive(left, &byte, 1, 0, &size), -EMSGSIZE);
    fb_mp_connection_close(right);
    fb_mp_connection_close(left);
}

static void make_a_lock(bool recursive)
{
    struct fb_mp_lock *lock;
    assert_int_equal(fb_mp_lock_make(recursive, &lock), 0);
    assert_int_equal(fb_mp_lock_acquire(lock, 0), 0);
    assert_int_equal(fb_mp_lock_acquire(lock, 0), recursive ? 0 : -EDEADLK);
    assert_int_equal(fb_mp_lock_release(lock), 0);
    assert_int_equal(fb_mp_lock_release(lock), recursive ? 0 : -EPERM);
    fb_mp_lock_free(lock);
}

static void make_lock(void)
{
    make_a_lock(false);
}

static void make_recursive_lock(void)
{
    make_a_lock(true);
}

static void make_semaphore(void)
{
    struct fb_mp_semaphore *semaphore;
    assert_int_equal(fb_mp_semaphore_make(1, true, &semaphore), 0);
    assert_int_equal(fb_mp_semaphore_acquire(semaphore, 0), 0);
    fb_mp_semaphore_free(semaphore);
}

static void make_event(void)
{
    struct fb_mp_event *event;
    assert_int_equal(fb_mp_event_make(&event), 0);
    fb_mp_event_set(event);
    assert_int_equal(fb_mp_event_wait(event, 0), 0);
    fb_mp_event_free(event);
}

static void make_condition(void)
{
    struct fb_mp_lock *lock;
    struct fb_mp_condition *condition;
    assert_int_equal(fb_mp_lock_make(false, &lock), 0);
    assert_int_equal(fb_mp_condition_make(lock, &condition), 0);
    assert_int_equal(fb_mp_lock_acquire(lock, 0), 0);
    assert_int_equal(fb_mp_condition_wait(condition, 0), -ETIMEDOUT);
    fb_mp_condition_notify(condition, FB_MP_ALL);
    assert_int_equal(fb_mp_lock_release(lock), 0);
    fb_mp_condition_free(condition);
    fb_mp_lock_free(lock);
}

static void make_barrier(void)
{
    struct fb_mp_barrier *barrier;
    unsigned index = 7;
    assert_int_equal(fb_mp_barrier_make(1, &barrier), 0);
    assert_int_equal(fb_mp_barrier_wait(barrier, 0, &index), 0);
    assert_int_equal(index, 0);
    fb_mp_barrier_free(barrier);
}

static void make_array(void)
{
    struct fb_mp_array *array;
    assert_int_equal(FB_MP_ARRAY(double, 100, true, &array), 0);
    FB_MP_ITEM(array, double, 99) = 1;
    fb_mp_array_free(array);
}

/* One message is received, one stays in the queue, one is only reserved; each has its own memory. */
static void make_queue(void)
{
    struct fb_mp_queue *queue;
    char text[1000] = "text";
    void *memory;
    size_t size;
    assert_int_equal(fb_mp_queue_make(4, &queue), 0);
    assert_int_equal(fb_mp_queue_put(queue, text, sizeof text, 0), 0);
    assert_int_equal(fb_mp_queue_put(queue, text, sizeof text, 0), 0);
    assert_int_equal(fb_mp_queue_get(queue, text, sizeof text, 0, &size), 0);
    assert_int_equal(fb_mp_queue_reserve(queue, sizeof text, &memory), 0);
    fb_mp_queue_free(queue);
}

static void shared_objects(void **state)
{
    (void)state;
    many("pipes", MANY, make_pipe);
    many("pipes with messages", MANY, make_full_pipe);
    many("locks", MANY, make_lock);
    many("recursive locks", MANY, make_recursive_lock);
    many("semaphores", MANY, make_semaphore);
    many("events", MANY, make_event);
    many("conditions", MANY, make_condition);
    many("barriers", MANY, make_barrier);
    many("arrays", MANY, make_array);
    many("queues", MANY, make_queue);
}

/* ---- named segments ---- */

static void make_segment(void)
{
    struct fb_mp_segment *segment, *other;
    assert_int_equal(fb_mp_segment_create(NULL, 5000, &segment), 0);
    assert_int_equal(fb_mp_segment_attach(fb_mp_segment_name(segment), &other), 0);
    fb_mp_segment_close(other);
    assert_int_equal(fb_mp_segment_unlink(fb_mp_segment_name(segment)), 0);
    fb_mp_segment_close(segment);
}

static void segments(void **state)
{
    (void)state;
    many("named segments", MANY, make_segment);
}

/* ---- managers ---- */

static struct fb_mp_manager *manager;

static void make_managed(void)
{
    struct fb_mp_proxy *proxy[5];
    size_t count = 0;
    assert_int_equal(fb_mp_list_make(manager, &proxy[count++]), 0);
    assert_int_equal(fb_mp_list_append(proxy[0], fb_mp_string("an item")), 0);
    assert_int_equal(fb_mp_dict_make(manager, &proxy[count++]), 0);
    assert_int_equal(fb_mp_managed_value_make(manager, fb_mp_integer(1), &proxy[count++]), 0);
    assert_int_equal(fb_mp_managed_queue_make(manager, 0, &proxy[count++]), 0);
    assert_int_equal(fb_mp_managed_lock_make(manager, &proxy[count++]), 0);
    while (count > 0)
        fb_mp_proxy_close(proxy[--count]);
}

static void run_manager(enum fb_mp_method method)
{
    assert_int_equal(fb_mp_manager_start(method, &manager, NULL), 0);
    make_managed();
    fb_mp_manager_close(manager);
}

static void fork_manager(void)
{
    run_manager(FB_MP_FORK);
}

static void spawn_manager(void)
{
    run_manager(FB_MP_SPAWN);
}

static void connect_manager(void)
{
    struct fb_mp_manager_address address;
    struct fb_mp_manager *other;
    fb_mp_manager_address(manager, &address);
    assert_int_equal(fb_mp_manager_connect(&address, &other), 0);
    fb_mp_manager_close(other);
}

static void managers(void **state)
{
    (void)state;
    many("managers, fork", 200, fork_manager);
    many("managers, spawn", 50, spawn_manager);
}

/* Like many(), but with a child, the server, that exists all the time. */
static void managed_objects(void **state)
{
    (void)state;
    assert_int_equal(fb_mp_manager_start(FB_MP_FORK, &manager, NULL), 0);
    for (unsigned i = 0; i < WARM_UP; i++) {
        make_managed();
        connect_manager();
    }
    struct resources before = read_resources();
    for (unsigned i = 0; i < MANY; i++)
        make_managed();
    for (unsigned i = 0; i < MANY / 10; i++)
        connect_manager();
    struct resources now = read_resources();
    fb_mp_manager_close(manager);
    assert_int_equal(now.descriptors, before.descriptors);
    assert_int_equal(now.used, before.used);
    assert_true(now.mappings <= before.mappings + 2);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__
    assert_true(now.resident <= before.resident + GROWTH_KIB);
#endif
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(nothing), { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    segments_separate();
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(processes), cmocka_unit_test(shared_objects),  cmocka_unit_test(segments),
        cmocka_unit_test(managers),  cmocka_unit_test(managed_objects),
    };
    return RUN_TESTS(tests);
}
