/* Pools, on their owner's side: as in test_mp_injection.c, each call to the C library fails in turn. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/map.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <unistd.h>

#define BIG ((size_t)3 << 19) /* more than the step by which the heap grows */
#define PARTS ((size_t)6)
#define PART (BIG / PARTS)

static char bytes[BIG], results[BIG];

static void do_nothing(void)
{
}

static int checked(int result, const struct fb_error *error)
{
    MUST(result == 0 || (error->code == result && error->text[0] != '\0'));
    return result;
}

/* ---- pools ---- */

static void have_forkserver(void)
{
    struct fb_error error;
    MUST(fb_mp_forkserver_start(&error) == 0);
}

static struct fb_mp_pool *pool;

/* Checks the bound bytes and returns the argument. */
static int echo(struct fb_mp_call *call)
{
    if (call->bound_size && memcmp(call->bound, bytes, call->bound_size) != 0)
        return -EBADMSG;
    return fb_mp_return(call, call->argument, call->size);
}

static int check_argument(const void *argument, size_t size)
{
    return size == BIG && memcmp(argument, bytes, BIG) == 0 ? 0 : 1;
}

static int open_by(enum fb_mp_method method)
{
    const int fd[] = { STDERR_FILENO };
    const struct fb_mp_pool_options options = { .method = method,
                                                .workers = 1,
                                                .initializer = check_argument,
                                                .argument = bytes,
                                                .size = BIG,
                                                .fd = fd,
                                                .fds = 1 };
    struct fb_error error = { 0 };
    return checked(fb_mp_pool_open(&options, &pool, &error), &error);
}

static int open_pool(void)
{
    return open_by(FB_MP_FORK);
}

static int open_spawning(void)
{
    return open_by(FB_MP_SPAWN);
}

static int open_first(void)
{
    int result = open_pool();
    if (result < 0)
        fb_mp_forkserver_stop();
    return result;
}

static int submit(size_t size, size_t bound_size)
{
    const struct fb_mp_task_options options = { .bound = bytes, .bound_size = bound_size };
    struct fb_mp_future *future;
    struct fb_error error = { 0 };
    const void *got;
    size_t got_size;
    int result = fb_mp_submit(pool, echo, bytes, size, &options, &future);
    if (result < 0)
        return result;
    result = checked(fb_mp_future_result(future, LIMIT_NS, &got, &got_size, &error), &error);
    MUST(result < 0 || (got_size == size && memcmp(got, bytes, size) == 0));
    fb_mp_future_free(future);
    return result;
}

static int submit_small(void)
{
    return submit(8, 0);
}

static int submit_big(void)
{
    return submit(BIG, BIG);
}

static void close_pool(void)
{
    MUST(submit_small() == 0);
    fb_mp_pool_close(pool);
}

static void close_all(void)
{
    close_pool();
    fb_mp_forkserver_stop();
}

/* Waits until the worker's descriptors have arrived, so that their number does not change later. */
static void have_pool(void)
{
    have_forkserver();
    unsigned before = descriptors_open();
    MUST(open_pool() == 0);
    while (descriptors_open() < before + 3)
        sched_yield();
    MUST(submit_small() == 0);
}

/* ---- futures ---- */

#define FUTURES 4

static void count_call(struct fb_mp_future *future, void *context)
{
    (void)future;
    atomic_fetch_add((_Atomic uint32_t *)context, 1);
}

static int call_back(void)
{
    struct fb_mp_future *future;
    _Atomic uint32_t calls = 0;
    int result = fb_mp_submit(pool, echo, bytes, 8, NULL, &future);
    if (result < 0)
        return result;
    result = fb_mp_future_call(future, count_call, &calls);
    MUST(fb_mp_future_result(future, LIMIT_NS, NULL, NULL, NULL) == 0);
    MUST(result < 0 || wait_for(&calls, 1));
    fb_mp_future_free(future);
    return result;
}

static int wait_for_several(struct fb_mp_future **future)
{
    struct fb_mp_completion *completion;
    bool done[FUTURES], seen[FUTURES] = { false };
    size_t count, index;
    int result = fb_mp_futures_wait(future, FUTURES, FB_MP_ALL_DONE, LIMIT_NS, done, &count);
    if (result == 0)
        result = fb_mp_as_completed(future, FUTURES, LIMIT_NS, &completion);
    if (result < 0)
        return result;
    MUST(count == FUTURES);
    for (unsigned i = 0; i < FUTURES; i++) {
        MUST(fb_mp_completion_next(completion, &index, NULL) == 0 && !seen[index]);
        seen[index] = true;
    }
    MUST(fb_mp_completion_next(completion, &index, NULL) == -ENOENT);
    fb_mp_completion_free(completion);
    return 0;
}

static int several(void)
{
    struct fb_mp_future *future[FUTURES] = { NULL };
    int result = 0;
    for (unsigned i = 0; i < FUTURES && result == 0; i++)
        result = fb_mp_submit(pool, echo, &i, sizeof i, NULL, &future[i]);
    if (result == 0)
        result = wait_for_several(future);
    for (unsigned i = 0; i < FUTURES; i++)
        fb_mp_future_free(future[i]);
    return result;
}

/* ---- many items ---- */

static const struct fb_mp_map_options with_bound = { .bound = bytes,
                                                     .bound_size = 100,
                                                     .chunk = 1 };

/* Cancelled tasks may continue to run for a while: waits for them. */
static int after_all_tasks(int result)
{
    struct fb_mp_pool_state now;
    do {
        fb_mp_pool_state(pool, &now);
    } while (now.running + now.pending > 0 && sched_yield() == 0);
    return result;
}

static int map(void)
{
    struct fb_error error = { 0 };
    memset(results, 0, BIG);
    int result = checked(
        fb_mp_map(pool, echo, bytes, PARTS, PART, results, PART, &with_bound, &error), &error);
    MUST(result < 0 || memcmp(results, bytes, BIG) == 0);
    return after_all_tasks(result);
}

static int starmap(void)
{
    const struct fb_mp_column columns[] = { { bytes, PART }, { bytes, 4 } };
    char got[2 * (PART + 4)];
    struct fb_error error = { 0 };
    int result = checked(
        fb_mp_starmap(pool, echo, columns, 2, 2, got, PART + 4, &with_bound, &error), &error);
    for (size_t i = 0; i < 2 && result == 0; i++) {
        MUST(memcmp(got + i * (PART + 4), bytes + i * PART, PART) == 0);
        MUST(memcmp(got + i * (PART + 4) + PART, bytes + i * 4, 4) == 0);
    }
    return after_all_tasks(result);
}

static int next_part(void *context, void *item)
{
    size_t *next = context;
    if (*next == PARTS)
        return 0;
    memcpy(item, bytes + PART * (*next)++, PART);
    return 1;
}

/* Takes all results. Returns the first error. No result may come twice, and all must be right. */
static int take_all(struct fb_mp_imap *imap)
{
    struct fb_error error = { 0 };
    const void *got;
    size_t index = 0;
    bool seen[PARTS] = { false };
    int result, first = 0;
    for (size_t i = 0; i < 4 * PARTS; i++) {
        result = fb_mp_imap_next(imap, LIMIT_NS, &got, &index, &error);
        if (result == -ENODATA)
            return first;
        if (result < 0) {
            first = first ? first : checked(result, &error);
            continue;
        }
        MUST(index < PARTS && !seen[index] && memcmp(got, bytes + index * PART, PART) == 0);
        seen[index] = true;
    }
    MUST(first < 0);
    return first;
}

static int imap_all(void)
{
    const struct fb_mp_imap_options options = { .map = with_bound, .ahead = 2 };
    struct fb_mp_imap *imap;
    size_t next = 0;
    int result = fb_mp_imap(pool, echo, next_part, &next, PART, PART, &options, &imap);
    if (result < 0)
        return after_all_tasks(result);
    result = take_all(imap);
    MUST(result < 0 || next == PARTS);
    fb_mp_imap_free(imap);
    return after_all_tasks(result);
}

/* ---- */

/* In this order: name, act, undo, prepare, finish, also, may_succeed. */
static const struct operation pool_operations[] = {
    { "pool_open, the first", open_first, close_all, NULL, NULL, { -ENOMEM }, true },
    { "pool_open",
      open_pool,
      close_pool,
      have_forkserver,
      fb_mp_forkserver_stop,
      { -ENOMEM },
      false },
    { "pool_open, spawn",
      open_spawning,
      close_pool,
      have_forkserver,
      fb_mp_forkserver_stop,
      { 0 },
      false },
};

static const struct operation task_operations[] = {
    { "submit", submit_small, do_nothing, have_pool, close_all, { 0 }, false },
    { "submit, large", submit_big, do_nothing, have_pool, close_all, { 0 }, false },
    { "future_call", call_back, do_nothing, have_pool, close_all, { 0 }, false },
    { "futures_wait, as_completed", several, do_nothing, have_pool, close_all, { 0 }, false },
    { "map", map, do_nothing, have_pool, close_all, { 0 }, false },
    { "starmap", starmap, do_nothing, have_pool, close_all, { 0 }, false },
    { "imap", imap_all, do_nothing, have_pool, close_all, { 0 }, false },
};

#define TEST(name)                                                                                 \
    static void check_##name(void **state)                                                         \
    {                                                                                              \
        (void)state;                                                                               \
        unsigned wrong = 0;                                                                        \
        CHECK(name##_operations);                                                                  \
        assert_int_equal(wrong, 0);                                                                \
    }
TEST(pool)
TEST(task)

static const struct fb_mp_task tasks[] = { FB_MP_FUNCTION(echo), FB_MP_RUN(check_argument), { 0 } };

int main(int argc, char **argv)
{
    for (size_t i = 0; i < BIG; i++)
        bytes[i] = (char)(i / 7 ^ i >> 9);
    fb_mp_main(argc, argv, tasks);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(check_pool),
        cmocka_unit_test(check_task),
    };
    return RUN_TESTS(tests);
}
