/* harness/peer/eventloop.c: one thread waits for many items, other processes compute. */
#include "tests/support/support.h"

#include "tests/support/server_fixture.h"

#include "kernels/waiting/served.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const unsigned worker_counts[] = { 1, 2, 7 };

/* ---- kernels that record where they ran ---- */

struct fb_input {
    uint64_t delay_us[8]; /* item i: delay_us[i % 8] */
    size_t urls;          /* this many items, the first ones, are fetched from url */
    char url[100];
    int killed; /* the item that kills its process; -1: none */
    _Atomic uint32_t finished;
};

struct slot {
    int32_t status;
    uint32_t order; /* in which the items finished, from 1 */
    pid_t process, thread;
    uint64_t begun_ms, finished_ms, bytes, digest;
};

static struct slot *slots; /* results of the only job, in the arena */

static void wait_for_something(const struct fb_input *input, size_t item,
                               struct fb_await *ret_await)
{
    slots[item].begun_ms = clock_ms();
    ret_await->delay_us = input->delay_us[item % 8];
    if (item < input->urls)
        snprintf(ret_await->url, sizeof ret_await->url, "%s/%zu", input->url, item);
}

static void finish(const struct fb_input *const_input, size_t item,
                   const struct fb_arrival *arrival, void *results, struct fb_yield *yield)
{
    struct fb_input *input = (struct fb_input *)const_input; /* it is in the arena */
    struct slot *slot = (struct slot *)results + item;
    if ((int)item == input->killed)
        kill(getpid(), SIGKILL);
    slot->status = fb_safepoint(yield) ? -EINTR : arrival->status;
    slot->process = getpid();
    slot->thread = gettid();
    slot->bytes = arrival->size;
    slot->digest = fb_served_digest(arrival->bytes, arrival->size);
    slot->finished_ms = clock_ms();
    slot->order = atomic_fetch_add(&input->finished, 1) + 1;
}

static void run_plainly(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                        void *results, struct fb_yield *yield)
{
    (void)scratch;
    const struct fb_arrival nothing = { 0 };
    for (size_t item = begin; item < end; item++)
        finish(input, item, &nothing, results, yield);
}

static const struct fb_param no_params[] = { { 0 } };

#define KERNEL(...)                                                                                \
    {                                                                                              \
        .params = no_params, .result_size = sizeof(struct slot), .run = run_plainly, __VA_ARGS__   \
    }
static const struct fb_kernel plain = KERNEL(.name = "plain"),
                              waits = KERNEL(.name = "waits", .await = wait_for_something,
                                             .finish = finish),
                              computes = KERNEL(.name = "computes", .await = wait_for_something,
                                                .finish = finish, .computes = true);

static const struct fb_harness *loop;
static struct fb_input *input;
static struct fb_job job;

/* Prepares `job` with that many items. */
static void make_job(const struct fb_kernel *kernel, size_t items)
{
    input = fb_arena_alloc(serving_arena, sizeof *input);
    slots = fb_arena_alloc(serving_arena, items * sizeof *slots);
    assert_true(input && slots);
    input->killed = -1;
    job = (struct fb_job){ .kernel = kernel, .input = input, .results = slots, .items = items };
    loop = harness_named("eventloop");
}

static void run_job(struct fb_pool *pool)
{
    struct fb_error error = { 0 };
    if (loop->run(pool, &job, NULL, &error) != 0)
        fail_msg("%s: %s", job.kernel->name, error.text);
    for (size_t i = 0; i < job.items; i++)
        assert_int_not_equal(slots[i].order, 0);
    assert_int_equal(atomic_load(&input->finished), job.items);
}

/* ---- the same answers ---- */

static void run_known(struct task *task, unsigned workers)
{
    struct fb_error error = { 0 };
    task_run_single(task, serving_arena);
    uint64_t digest = task_digest(task);
    struct fb_pool *pool = pool_open(harness_named("eventloop"), serving_arena, workers);
    for (int again = 0; again < 2; again++) {
        struct fb_report report = { .workers = 77 };
        task_forget(task);
        int result = harness_named("eventloop")->run(pool, &task->job, &report, &error);
        if (result != 0)
            fail_msg("%s: %s", task->kernel->name, error.text);
        assert_true(task_digest(task) == digest);
        assert_int_equal(task_check(task, &error), 0);
        assert_int_equal(fb_results_failed(task->kernel, task->job.results, task->job.items), 0);
        assert_int_equal(report.workers, 0); /* it has no reports */
    }
    harness_named("eventloop")->close(pool);
    task_close(task);
}

/* With fewer and with more items than are in flight at a time. */
static void it_gives_what_single_gives(void **state)
{
    (void)state;
    static const char *const counts[] = { "count=0", "count=1", "count=256", "count=600" };
    for (size_t i = 0; i < sizeof worker_counts / sizeof *worker_counts; i++)
        for (size_t k = 0; k < sizeof counts / sizeof *counts; k++) {
            struct task task;
            task_open(&task, serving_arena, kernel_named("sleep"),
                      (const char *const[]){ counts[k], "wait_us=1", NULL });
            run_known(&task, worker_counts[i]);
            task_open(&task, serving_arena, kernel_named("mixed"),
                      (const char *const[]){ counts[k], "wait_us=1", "from=0", "numbers=9", NULL });
            run_known(&task, worker_counts[i]);
            serving_task(&task, counts[k] + strlen("count="), "900", "0");
            run_known(&task, worker_counts[i]);
        }
}

/* ---- waiting ---- */

/* 1000 items of 20 ms each would take 20 s one after the other. */
static void it_waits_for_many_at_once(void **state)
{
    (void)state;
    make_job(&waits, 1000);
    for (size_t i = 0; i < 8; i++)
        input->delay_us[i] = 20000;
    struct fb_pool *pool = pool_open(loop, serving_arena, 1);
    uint64_t start = clock_ms();
    run_job(pool);
    assert_in_range(clock_ms() - start, 79, 10000); /* at most 256 at a time: four rounds */
    loop->close(pool);
}

static bool in_order_of_delays(void)
{
    for (size_t i = 0; i < job.items; i++) {
        uint64_t waited = slots[i].finished_ms - slots[i].begun_ms;
        assert_true(waited + 1 >= input->delay_us[i] / 1000);
        for (size_t k = 0; k < job.items; k++)
            if (input->delay_us[k] < input->delay_us[i] && slots[k].order > slots[i].order)
                return false;
    }
    return true;
}

/* In one of the attempts no two items are due at the same poll, however busy the machine is. */
static void items_with_shorter_delays_finish_first(void **state)
{
    (void)state;
    static const uint64_t ms[8] = { 70, 30, 50, 10, 80, 20, 60, 40 };
    bool ordered = false;
    make_job(&waits, 8);
    for (size_t i = 0; i < 8; i++)
        input->delay_us[i] = ms[i] * 1000;
    struct fb_pool *pool = pool_open(loop, serving_arena, 1);
    for (int attempt = 0; attempt < 50 && !ordered; attempt++) {
        memset(slots, 0, job.items * sizeof *slots);
        atomic_store(&input->finished, 0);
        run_job(pool);
        ordered = in_order_of_delays();
    }
    assert_true(ordered);
    loop->close(pool);
}

/* ---- where items are computed ---- */

static void computing_goes_to_processes_from_two_workers_on(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof worker_counts / sizeof *worker_counts; i++)
        for (int hands_over = 0; hands_over < 2; hands_over++) {
            bool here = worker_counts[i] == 1 || !hands_over;
            make_job(hands_over ? &computes : &waits, 300);
            struct fb_pool *pool = pool_open(loop, serving_arena, worker_counts[i]);
            run_job(pool);
            for (size_t item = 0; item < job.items; item++) {
                assert_int_equal(slots[item].process == getpid(), here);
                assert_int_equal(slots[item].thread == gettid(), here);
            }
            loop->close(pool);
        }
}

static void kernels_without_waiting_run_on_the_loops_thread(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof worker_counts / sizeof *worker_counts; i++) {
        make_job(&plain, 20);
        struct fb_pool *pool = pool_open(loop, serving_arena, worker_counts[i]);
        run_job(pool);
        for (size_t item = 0; item < job.items; item++) {
            assert_int_equal(slots[item].thread, gettid());
            assert_int_equal(slots[item].order, item + 1);
        }
        loop->close(pool);
    }
}

static void a_killed_process_fails_the_job(void **state)
{
    (void)state;
    for (unsigned workers = 2; workers <= 7; workers += 5) {
        make_job(&computes, 600);
        input->killed = 3;
        struct fb_pool *pool = pool_open(loop, serving_arena, workers);
        for (int again = 0; again < 2; again++) {
            struct fb_error error = { 0 };
            assert_int_equal(loop->run(pool, &job, NULL, &error), -EOWNERDEAD);
            assert_int_equal(error.code, -EOWNERDEAD);
            assert_non_null(strstr(error.text, "eventloop: "));
            assert_non_null(strstr(error.text, "signal 9"));
        }
        assert_int_equal(slots[3].order, 0);
        loop->close(pool);
    }
}

/* ---- transfers ---- */

/* Three sizes; each also computed by a process, which receives the bytes. */
static void documents_arrive_complete(void **state)
{
    (void)state;
    static const size_t sizes[] = { 0, 9, 300000 };
    static unsigned char bytes[300000];
    for (size_t i = 0; i < 3; i++)
        for (unsigned workers = 1; workers <= 2; workers++) {
            make_job(&computes, 10);
            input->urls = 6; /* the others wait for nothing */
            snprintf(input->url, sizeof input->url, "%s/%zu/0", serving.url, sizes[i]);
            struct fb_pool *pool = pool_open(loop, serving_arena, workers);
            run_job(pool);
            for (size_t item = 0; item < job.items; item++) {
                size_t size = item < 6 ? sizes[i] : 0;
                fb_served_fill(item, size, bytes);
                assert_int_equal(slots[item].status, 0);
                assert_int_equal(slots[item].bytes, size);
                assert_true(slots[item].digest == fb_served_digest(bytes, size));
            }
            loop->close(pool);
        }
}

static void a_failed_transfer_fails_its_item(void **state)
{
    (void)state;
    char elsewhere[100];
    snprintf(elsewhere, sizeof elsewhere, "%s/elsewhere", serving.url);
    const struct {
        const char *url;
        int32_t status;
    } bad[] = { { "http://127.0.0.1:1", -ECONNREFUSED },
                { "ht tp://x", -EINVAL },
                { elsewhere, -ENOENT } };
    for (size_t i = 0; i < 3; i++)
        for (unsigned workers = 1; workers <= 2; workers++) {
            make_job(&computes, 300);
            input->urls = 290;
            snprintf(input->url, sizeof input->url, "%s", bad[i].url);
            struct fb_pool *pool = pool_open(loop, serving_arena, workers);
            run_job(pool);
            for (size_t item = 0; item < job.items; item++)
                assert_int_equal(slots[item].status, item < 290 ? bad[i].status : 0);
            loop->close(pool);
        }
}

/* ---- pools ---- */

static void pools_leave_nothing_behind(void **state)
{
    (void)state;
    char text[120];
    int status = serving.child.pid;
    assert_true(status > 0);
    unsigned before = descriptors_open();
    for (int i = 0; i < 50; i++) {
        make_job(&computes, 5);
        input->urls = i % 3;
        snprintf(input->url, sizeof input->url, "%s/9/0", serving.url);
        struct fb_pool *pool = pool_open(loop, serving_arena, i % 4 + 1);
        if (i % 5)
            run_job(pool);
        loop->close(pool);
    }
    fb_server_end(&serving);
    if (leaks_found(before, text, sizeof text))
        fail_msg("%s", text);
}

#define SERVED(test) cmocka_unit_test_setup_teardown(test, serving_begin, serving_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SERVED(it_gives_what_single_gives),
        SERVED(it_waits_for_many_at_once),
        SERVED(items_with_shorter_delays_finish_first),
        SERVED(computing_goes_to_processes_from_two_workers_on),
        SERVED(kernels_without_waiting_run_on_the_loops_thread),
        SERVED(a_killed_process_fails_the_job),
        SERVED(documents_arrive_complete),
        SERVED(a_failed_transfer_fails_its_item),
        SERVED(pools_leave_nothing_behind),
    };
    return RUN_TESTS(tests);
}
