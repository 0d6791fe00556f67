/* kernels/waiting/sleep.c waits as long as its parameter says, and stops when the job is given up. */
#include "tests/support/support.h"

#include <errno.h>
#include <string.h>

static void run_checked(const char *const *assignments, const char *expected)
{
    struct task task;
    struct fb_error error = { 0 };
    char text[100];
    task_open(&task, arena, kernel_named("sleep"), assignments);
    task_run_single(&task, arena);
    assert_int_equal(task_check(&task, &error), 0);
    task.kernel->answer(task.input, task.job.results, text, sizeof text);
    assert_string_equal(text, expected);
    task_close(&task);
}

/* Also if a record takes more than one slice of 10 ms. */
static void squares_take_as_long_as_the_waiting(void **state)
{
    (void)state;
    run_checked((const char *const[]){ "count=10", "wait_us=0", NULL }, "10 squares up to 81");
    uint64_t start = clock_ms();
    run_checked((const char *const[]){ "count=4", "wait_us=12500", NULL }, "4 squares up to 9");
    assert_true(clock_ms() - start >= 49);
}

static void tampered_results_are_noticed(void **state)
{
    (void)state;
    struct task task;
    struct fb_error error = { 0 };
    task_open(&task, arena, kernel_named("sleep"),
              (const char *const[]){ "count=30", "wait_us=0", NULL });
    task_run_single(&task, arena);
    uint64_t digest = task_digest(&task),
             *counts = task.job.results; /* pairs of status and count */
    for (size_t i = 0; i < 30; i++) {
        counts[2 * i + 1]++;
        assert_int_equal(task_check(&task, &error), -EBADMSG);
        assert_non_null(strstr(error.text, "the square of"));
        assert_true(task_digest(&task) != digest);
        counts[2 * i + 1]--;
    }
    assert_true(task_digest(&task) == digest);
    task_close(&task);
}

struct counting {
    struct fb_yield yield;
    unsigned left, released, acquired;
};

static bool stop_later(struct fb_yield *yield)
{
    struct counting *counting = (struct counting *)yield;
    return counting->left-- == 0;
}

static void note_release(struct fb_yield *yield, enum fb_release why)
{
    assert_int_equal(why, FB_RELEASE_WAITING);
    ((struct counting *)yield)->released++;
}

static void note_acquire(struct fb_yield *yield, enum fb_release why)
{
    assert_int_equal(why, FB_RELEASE_WAITING);
    ((struct counting *)yield)->acquired++;
}

/* In the third slice of a record that would take a minute, after the lock was released twice. */
static void waiting_stops_when_the_job_is_given_up(void **state)
{
    (void)state;
    _Atomic uint32_t request = 1;
    struct counting counting = { .yield = { .request = &request,
                                            .safepoint = stop_later,
                                            .release = note_release,
                                            .acquire = note_acquire },
                                 .left = 2 };
    struct task task;
    task_open(&task, arena, kernel_named("sleep"),
              (const char *const[]){ "count=1000", "wait_us=60000000", NULL });
    task.kernel->run(task.input, NULL, 0, 1000, task.job.results, &counting.yield);
    assert_int_equal(counting.released, 2);
    assert_int_equal(counting.acquired, 2);
    task_close(&task);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_ARENA(squares_take_as_long_as_the_waiting),
        WITH_ARENA(tampered_results_are_noticed),
        WITH_ARENA(waiting_stops_when_the_job_is_given_up),
    };
    return RUN_TESTS(tests);
}
