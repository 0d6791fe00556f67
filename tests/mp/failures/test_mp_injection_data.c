/* Queues and named segments while the system runs out of a resource: each operation is repeated, and the first of its calls to
 * the C library fails, then the second, … until all have failed once (fault_injection.h). It must
 * return the error, leak nothing, and succeed afterwards. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/channel/segment_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/channel/queue.h"
#include "harness/mp/channel/shm.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

#define BIG ((size_t)3 << 20)

static char bytes[BIG];

/* ---- queues ---- */

static struct fb_mp_queue *queue;

static int put(void)
{
    return fb_mp_queue_put(queue, "one", 4, 0);
}

static int put_large(void)
{
    return fb_mp_queue_put(queue, bytes, BIG, 0);
}

static int get(void)
{
    size_t size;
    return fb_mp_queue_get(queue, bytes, sizeof bytes, 0, &size);
}

static void get_and_finish(void)
{
    MUST(get() == 0 && fb_mp_queue_done(queue) == 0);
}

static void put_another(void)
{
    MUST(fb_mp_queue_done(queue) == 0 && put() == 0);
}

static void have_queue(void)
{
    MUST(fb_mp_queue_make(4, &queue) == 0);
}

static void have_used_queue(void)
{
    have_queue();
    MUST(put() == 0);
    get_and_finish();
}

static int put_and_end(void *context)
{
    (void)context;
    return put();
}

/* Another process puts the message, so that this process has not used the queue yet. */
static void have_queue_with_message(void)
{
    have_queue();
    MUST(forked_end(forked_run(put_and_end, NULL)) == 0);
}

static void drop_queue(void)
{
    fb_mp_queue_free(queue);
}

/* ---- named segments ---- */

static struct fb_mp_segment *segment, *named, *attached;
#define NAME "injected"

static int create(void)
{
    return fb_mp_segment_create(NAME, 5000, &segment);
}

static int create_any(void)
{
    return fb_mp_segment_create(NULL, 5000, &segment);
}

static void remove_segment(void)
{
    MUST(fb_mp_segment_unlink(fb_mp_segment_name(segment)) == 0);
    fb_mp_segment_close(segment);
}

static void have_segment(void)
{
    MUST(fb_mp_segment_create(NAME, 5000, &named) == 0);
}

static void remove_named(void)
{
    MUST(fb_mp_segment_unlink(NAME) == 0);
    fb_mp_segment_close(named);
}

static int attach(void)
{
    return fb_mp_segment_attach(NAME, &attached);
}

static void close_attached(void)
{
    fb_mp_segment_close(attached);
}

static int unlink_segment(void)
{
    return fb_mp_segment_unlink(NAME);
}

static void create_again(void)
{
    fb_mp_segment_close(named);
    have_segment();
}

/* The segments' folder is private to this test, and so is the tracker. */
static void have_no_tracker(void)
{
    pid_t pid;
    while (trackers(getuid(), &pid) > 0)
        kill(pid, SIGKILL);
}

/* ---- */

/* In this order: name, act, undo, prepare, finish, also, may_succeed. */
static const struct operation queue_operations[] = {
    { "queue_put, the first", put, get_and_finish, have_queue, drop_queue, { -ENOMEM }, true },
    { "queue_put, large", put_large, get_and_finish, have_used_queue, drop_queue, { 0 }, false },
    { "queue_get, the first",
      get,
      put_another,
      have_queue_with_message,
      drop_queue,
      { -ENOMEM },
      true },
};

static const struct operation segment_operations[] = {
    { "segment_create", create_any, remove_segment, have_segment, remove_named, { 0 }, false },
    { "segment_create, named, no tracker",
      create,
      remove_segment,
      have_no_tracker,
      NULL,
      { 0 },
      false },
    { "segment_attach", attach, close_attached, have_segment, remove_named, { 0 }, false },
    { "segment_unlink", unlink_segment, create_again, have_segment, remove_named, { 0 }, false },
};

static void queues(void **state)
{
    (void)state;
    unsigned wrong = 0;
    CHECK(queue_operations);
    assert_int_equal(wrong, 0);
}

static void segments(void **state)
{
    (void)state;
    unsigned wrong = 0;
    if (!segments_are_private())
        skip();
    CHECK(segment_operations);
    assert_int_equal(wrong, 0);
}

/* ---- live processes are not taken for dead ---- */

struct shared_page {
    struct fb_mp_queue *queue;
    _Atomic uint32_t taken, go;
    bool unknown; /* the taker can't read its own identity */
};

static struct shared_page *page;

static int take_and_stay(void *context)
{
    const char *name;
    const void *message;
    size_t size;
    int code;
    (void)context;
    injected_only = "open";
    if (page->unknown)
        injected_arm(1, true, 0);
    MUST(fb_mp_queue_take(page->queue, 0, &message, &size) == 0);
    injected_disarm(&name, &code);
    atomic_store(&page->taken, 1);
    return wait_for(&page->go, 1) ? 0 : 1;
}

/* A live process holds a message, and another one checks for abandoned messages; one of the two has
 * no descriptor left for reading /proc. */
static int ask_for_abandoned(void *context)
{
    const char *name;
    void *shared;
    int code;
    alarm(LIMIT_MS / 1000);
    MUST(fb_mp_alloc(sizeof *page, &shared) == 0);
    page = shared;
    page->unknown = *(const bool *)context;
    have_used_queue();
    MUST(put() == 0);
    page->queue = queue;
    pid_t pid = forked_run(take_and_stay, NULL);
    MUST(wait_for(&page->taken, 1));
    injected_only = "open";
    if (!page->unknown)
        injected_arm(1, true, 0);
    size_t abandoned = fb_mp_queue_abandoned(queue);
    injected_disarm(&name, &code);
    atomic_store(&page->go, 1);
    MUST(forked_end(pid) == 0);
    MUST(abandoned == 0);
    return 0;
}

static void live_processes_are_not_taken_for_dead(void **state)
{
    (void)state;
    bool asker = false, taker = true;
    int first = forked_end(forked_run(ask_for_abandoned, &asker));
    int second = forked_end(forked_run(ask_for_abandoned, &taker));
    assert_int_equal(first, 0);
    assert_int_equal(second, 0);
}

static const struct fb_mp_task tasks[] = { { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    segments_separate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(queues),
        cmocka_unit_test(segments),
        cmocka_unit_test(live_processes_are_not_taken_for_dead),
    };
    return RUN_TESTS(tests);
}
