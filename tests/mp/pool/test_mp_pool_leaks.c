/* harness/mp/pool/pool.h: a thousand pools leave no memory, descriptors or processes behind,
 * neither in the owner nor in the forkserver. */
#include "tests/support/support.h"

#include "tests/mp/pool/pool_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"

#include <dirent.h>
#include <malloc.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TIMES AS_MANY_AS(1000, 200)
#define FIRST 20  /* after this many, everything that stays exists: the forkserver, grown lists */
#define LITTLE 16 /* bytes that a pool may leave: less than any of its allocations */

struct pids {
    pid_t own, parent;
};

static int return_pids(struct fb_mp_call *call)
{
    const struct pids pids = { getpid(), getppid() };
    return fb_mp_return(call, &pids, sizeof pids);
}

static const struct fb_mp_task tasks[] = { POOL_PAGE_TASKS, FB_MP_FUNCTION(return_pids), { 0 } };

static struct pids pids_of(struct fb_mp_pool *pool)
{
    struct pids pids = { 0 };
    const void *bytes = NULL;
    struct fb_mp_future *future = submitted(pool, return_pids, NULL, 0);
    assert_int_equal(fb_mp_future_result(future, LIMIT_NS, &bytes, NULL, NULL), 0);
    memcpy(&pids, bytes, sizeof pids);
    fb_mp_future_free(future);
    return pids;
}

static unsigned descriptors_of(pid_t pid)
{
    char path[40];
    unsigned count = 0;
    snprintf(path, sizeof path, "/proc/%d/fd", (int)pid);
    DIR *folder = opendir(path);
    assert_non_null(folder);
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* The parent of each reaps it. */
static void wait_for_ends(const struct pids *pids, size_t count)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    for (size_t i = 0; i < count; i++)
        while (kill(pids[i].own, 0) == 0) {
            assert_true(clock_ms() < limit);
            sched_yield();
        }
}

/* The forkserver closes the descriptors of a pool shortly after the pool is closed. */
static void wait_for_descriptors(pid_t forkserver, unsigned count)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    while (descriptors_of(forkserver) > count) {
        assert_true(clock_ms() < limit);
        sched_yield();
    }
}

static void open_and_close(enum fb_mp_method method)
{
    struct pids pids[TIMES];
    size_t memory = 0, allocated = 0;
    unsigned descriptors = 0, in_forkserver = 0;
    uint64_t begin = clock_ms();
    for (size_t i = 0; i < TIMES; i++) {
        struct fb_mp_pool *pool =
            pool_opened((struct fb_mp_pool_options){ .method = method, .workers = 2 });
        pids[i] = pids_of(pool);
        if (i % 2) { /* half of them are joined */
            fb_mp_pool_shutdown(pool, false);
            assert_int_equal(fb_mp_pool_join(pool, LIMIT_NS), 0);
        }
        fb_mp_pool_close(pool);
        if (i == 0) {
            memory = fb_mp_heap_used();
            descriptors = descriptors_open();
        }
        if (i == FIRST) {
            allocated = mallinfo2().uordblks;
            in_forkserver = descriptors_of(pids[0].parent);
        }
        assert_int_equal(fb_mp_heap_used(), memory);
        assert_int_equal(descriptors_open(), descriptors);
        assert_int_equal(pids[i].parent, pids[0].parent);
    }
    wait_for_ends(pids, TIMES);
    wait_for_descriptors(pids[0].parent, in_forkserver);
    size_t now = mallinfo2().uordblks;
    print_message("%s: %d pools in %u ms, %zd bytes of malloc\n",
                  method == FB_MP_FORK ? "fork" : "spawn", TIMES, (unsigned)(clock_ms() - begin),
                  (ssize_t)(now - allocated));
    assert_true(now < allocated + LITTLE * (size_t)TIMES);
}

static void a_thousand_pools_leave_nothing(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++)
        open_and_close(methods[m]);
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = { WITH_POOL_PAGE(a_thousand_pools_leave_nothing) };
    return RUN_TESTS(tests);
}
