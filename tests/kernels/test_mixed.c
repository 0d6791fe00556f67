/* kernels/waiting/mixed.c waits without the lock, computes with it, and stops in both when the job is given up. */
#include "tests/support/support.h"

#include <errno.h>
#include <string.h>

struct result {
    int32_t status;
    uint32_t reserved;
    uint64_t count;
};

/* 1009 … 1049, 1051 … 1097, 1103 … 1129, 1151 … 1193. */
static const uint64_t primes[] = { 8, 8, 5, 7 };

static void open_known(struct task *task, const char *wait_us)
{
    task_open(task, arena, kernel_named("mixed"),
              (const char *const[]){ "count=4", "from=1000", "numbers=50", wait_us, NULL });
}

static void known_answers(void **state)
{
    (void)state;
    struct task task;
    char text[100];
    uint64_t start = clock_ms();
    open_known(&task, "wait_us=12500");
    task_run_single(&task, arena);
    assert_true(clock_ms() - start >= 49);
    assert_int_equal(task_check(&task, NULL), 0);
    const struct result *result = task.job.results;
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(result[i].count, primes[i]);
    task.kernel->answer(task.input, result, text, sizeof text);
    assert_string_equal(text, "4 records, 28 primes");
    task_close(&task);
}

static void a_record_may_have_nothing_to_count(void **state)
{
    (void)state;
    struct task task;
    char text[100];
    task_open(&task, arena, kernel_named("mixed"),
              (const char *const[]){ "count=3", "numbers=0", "wait_us=0", NULL });
    task_run_single(&task, arena);
    assert_int_equal(task_check(&task, NULL), 0);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, "3 records, 0 primes");
    task_close(&task);
}

static void tampered_results_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    open_known(&task, "wait_us=0");
    task_run_single(&task, arena);
    struct result *result = task.job.results;
    uint64_t digest = task_digest(&task);
    for (size_t i = 0; i < 4; i++) {
        result[i].count--;
        assert_int_equal(task_check(&task, &error), -EBADMSG);
        assert_non_null(strstr(error.text, i == 1 ? "[1050, 1100) has 8 primes, not 7" : "primes"));
        assert_true(task_digest(&task) != digest);
        result[i].count++;
    }
    assert_true(task_digest(&task) == digest);
    task_close(&task);
}

/* ---- the lock ---- */

struct counting {
    struct fb_yield yield;
    unsigned left, released, acquired;
    unsigned computing; /* safepoints since the last wait */
    unsigned late;      /* after the job was given up */
};

static bool stop_later(struct fb_yield *yield)
{
    struct counting *counting = (struct counting *)yield;
    assert_int_equal(counting->released, counting->acquired);
    if (counting->left == 0) {
        counting->late++;
        return true;
    }
    counting->computing++;
    return --counting->left == 0;
}

static void note_release(struct fb_yield *yield, enum fb_release why)
{
    struct counting *counting = (struct counting *)yield;
    assert_int_equal(why, FB_RELEASE_WAITING);
    assert_int_equal(counting->released++, counting->acquired);
    counting->computing = 0;
}

static void note_acquire(struct fb_yield *yield, enum fb_release why)
{
    struct counting *counting = (struct counting *)yield;
    assert_int_equal(why, FB_RELEASE_WAITING);
    assert_int_equal(++counting->acquired, counting->released);
}

static struct counting run_counting(struct task *task, unsigned left)
{
    static _Atomic uint32_t request = 1;
    struct counting counting = {
        { &request, stop_later, note_release, note_acquire }, left, 0, 0, 0, 0
    };
    task_forget(task);
    task->kernel->run(task->input, NULL, 0, task->job.items, task->job.results, &counting.yield);
    return counting;
}

static void the_lock_is_released_only_for_waiting(void **state)
{
    (void)state;
    struct task task;
    open_known(&task, "wait_us=1");
    struct counting counting = run_counting(&task, 1000000);
    assert_int_equal(counting.released, 4);
    assert_int_equal(counting.acquired, 4);
    assert_int_equal(task_check(&task, NULL), 0);
    task_close(&task);
}

/* In the third slice of a record that would take a minute. */
static void waiting_stops_when_the_job_is_given_up(void **state)
{
    (void)state;
    struct task task;
    open_known(&task, "wait_us=60000000");
    struct counting counting = run_counting(&task, 3);
    assert_int_equal(counting.released, 2);
    assert_int_equal(counting.acquired, 2);
    assert_int_equal(counting.late, 0);
    task_close(&task);
}

/* In the first record, which has 2^30 numbers that take milliseconds each. */
static void computing_stops_when_the_job_is_given_up(void **state)
{
    (void)state;
    struct task task;
    task_open(&task, arena, kernel_named("mixed"),
              (const char *const[]){ "from=2305843009213693951", "numbers=1073741824", "wait_us=1",
                                     "count=4", NULL });
    struct counting counting = run_counting(&task, 100);
    assert_int_equal(counting.released, 1);
    assert_int_equal(counting.computing, 99); /* and one before the waiting */
    assert_int_equal(counting.late, 0);
    assert_int_equal(((struct result *)task.job.results)[0].count, 0);
    task_close(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(known_answers),
        WITH_ARENA(a_record_may_have_nothing_to_count),
        WITH_ARENA(tampered_results_are_noticed),
        WITH_ARENA(the_lock_is_released_only_for_waiting),
        WITH_ARENA(waiting_stops_when_the_job_is_given_up),
        WITH_ARENA(computing_stops_when_the_job_is_given_up),
    };
    return RUN_TESTS(tests);
}
