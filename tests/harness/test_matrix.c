/* Each kernel gives the results of `single` under each harness, schedule and number of workers. */
#include "tests/support/support.h"

#include "bench/trial/server.h"
#include "harness/mp/process/registry.h"

#include "tests/support/small_images.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define KERNELS_MOST 32

static char images[300] = "images=", texts[300] = "texts=", logs[300] = "log=", url[100] = "url=";
static struct fb_server server;

/* Parameters with which a kernel takes milliseconds; other kernels get their defaults. */
static const struct {
    const char *kernel;
    const char *const assignment[5];
} cheap[] = {
    { "null", { "items=1000" } },
    { "divisors", { "first=1000", "count=100" } },
    { "divisors-sqrt", { "first=1000", "count=100" } },
    { "divisors-factor", { "first=1000", "count=100" } },
    { "divisors-simd", { "first=1000", "count=100" } },
    { "primes", { "lo=0", "hi=5000", "ranges=37" } },
    { "primes-sieve", { "lo=0", "hi=5000", "ranges=37" } },
    { "fib", { "first=5", "count=15" } },
    { "text", { texts } },
    { "logs", { logs, "lines=2" } },
    { "sleep", { "count=20", "wait_us=20" } },
    { "mixed", { "count=10", "wait_us=20", "from=1000", "numbers=50" } },
    { "download", { url, "count=6", "bytes=999", "latency_us=10" } },
    { "resize", { images, "width=16", "height=12" } },
    { "resize-fast", { images, "width=16", "height=12" } },
};

static const unsigned worker_counts[] = { 1, 2, 3, 7, 64 };
static const size_t chunks[] = { 0, 1, 7, 1000000 };

static int texts_fd, logs_fd;

static int make_files(void **state)
{
    static const char bytes[] = "One and one and One\f\fis two\nand Two\f a\ta a A\fthe end";
    static const char lines[] =
        "t INFO h GET /a 200 10 3\nt ERROR h GET /b 500 7 9\n\nt WARN h GET /c "
        "404 1 1\nbroken\nt DEBUG h PUT /d 199 0 0";
    (void)state;
    logs_fd = memory_file(lines, sizeof lines - 1, logs + 4, sizeof logs - 4);
    struct fb_error error;
    if (fb_server_start(&server, &error) < 0)
        return -1;
    strcpy(url + 4, server.url);
    texts_fd = memory_file(bytes, sizeof bytes - 1, texts + 6, sizeof texts - 6);
    return images_make(images + 7, sizeof images - 7) ? 0 : -1;
}

static int remove_files(void **state)
{
    (void)state;
    fb_server_end(&server);
    close(texts_fd);
    close(logs_fd);
    images_remove(images + 7);
    return 0;
}

static bool tested(const struct fb_harness *harness)
{
    return harness->native || strcmp(harness->name, "openmp") == 0 ||
           strcmp(harness->name, "eventloop") == 0;
}

static const char *const *assignments_of(const struct fb_kernel *kernel)
{
    static const char *const none[] = { NULL };
    for (size_t i = 0; i < sizeof cheap / sizeof *cheap; i++)
        if (strcmp(cheap[i].kernel, kernel->name) == 0)
            return cheap[i].assignment;
    return none;
}

/* ---- tasks with known results ---- */

struct known {
    struct task task;
    uint64_t digest;
};

struct tasks {
    struct fb_arena *arena;
    struct known known[KERNELS_MOST];
    size_t count;
};

static void add_known(struct tasks *tasks, const struct fb_kernel *kernel,
                      const char *const *assignments)
{
    struct known *known = &tasks->known[tasks->count++];
    assert_true(tasks->count <= KERNELS_MOST);
    task_open(&known->task, tasks->arena, kernel, assignments);
    task_run_single(&known->task, tasks->arena);
    struct fb_error error = { 0 };
    if (task_check(&known->task, &error) != 0)
        fail_msg("%s under single: %s", kernel->name, error.text);
    known->digest = task_digest(&known->task);
}

static void open_tasks(struct tasks *tasks)
{
    *tasks = (struct tasks){ 0 };
    assert_int_equal(fb_arena_open(&tasks->arena), 0);
}

static void add_every_kernel(struct tasks *tasks)
{
    for (const struct fb_kernel *const *kernel = fb_kernels; *kernel; kernel++)
        add_known(tasks, *kernel, assignments_of(*kernel));
}

static void add_small_jobs(struct tasks *tasks)
{
    const struct fb_kernel *null = kernel_named("null"), *divisors = kernel_named("divisors");
    add_known(tasks, null, (const char *const[]){ "items=0", NULL });
    add_known(tasks, divisors, (const char *const[]){ "count=0", NULL });
    add_known(tasks, divisors, (const char *const[]){ "first=360", "count=1", NULL });
    add_known(tasks, null, (const char *const[]){ "items=1", NULL });
    add_known(tasks, divisors, (const char *const[]){ "first=1", "count=2", NULL });
    add_known(tasks, kernel_named("primes"), (const char *const[]){ "hi=9", "ranges=3", NULL });
}

static void close_tasks(struct tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++)
        task_close(&tasks->known[i].task);
    fb_arena_close(tasks->arena);
}

/* ---- the matrix ---- */

static void run_known(const struct fb_harness *harness, struct fb_pool *pool, unsigned workers,
                      struct known *known)
{
    struct fb_error error = { 0 };
    struct fb_job *job = &known->task.job;
    task_forget(&known->task);
    int result = harness->run(pool, job, NULL, &error);
    if (result == 0)
        result = task_check(&known->task, &error);
    if (result == 0 && task_digest(&known->task) != known->digest)
        result = fb_error_set(&error, -1, "another digest than under single");
    if (result == 0 && fb_results_failed(job->kernel, job->results, job->items))
        result = fb_error_set(&error, -1, "items failed");
    if (result != 0)
        fail_msg("%s under %s, %u workers, %s, chunk %zu: %s", job->kernel->name, harness->name,
                 workers, fb_schedule_names[job->schedule], job->chunk, error.text);
}

static void run_all_ways(struct tasks *tasks, const struct fb_harness *harness,
                         struct fb_pool *pool, unsigned workers)
{
    for (size_t chunk = 0; chunk < sizeof chunks / sizeof *chunks; chunk++)
        for (int schedule = 0; schedule < FB_SCHEDULES; schedule++)
            /* Kernels alternate on the same pool. */
            for (size_t i = 0; i < tasks->count; i++) {
                tasks->known[i].task.job.chunk = chunks[chunk];
                tasks->known[i].task.job.schedule = (enum fb_schedule)schedule;
                run_known(harness, pool, workers, &tasks->known[i]);
            }
}

static void run_matrix(void (*add)(struct tasks *tasks))
{
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++)
        for (size_t i = 0; i < sizeof worker_counts / sizeof *worker_counts; i++) {
            unsigned workers = worker_counts[i];
            if (!tested(*harness) || (workers > 1 && !(*harness)->base))
                continue;
            struct tasks tasks;
            open_tasks(&tasks);
            add(&tasks);
            struct fb_pool *pool = pool_open(*harness, tasks.arena, workers);
            run_all_ways(&tasks, *harness, pool, workers);
            (*harness)->close(pool);
            close_tasks(&tasks);
        }
}

static void every_kernel_gives_the_same_everywhere(void **state)
{
    (void)state;
    run_matrix(add_every_kernel);
}

static void small_jobs_give_the_same_everywhere(void **state)
{
    (void)state;
    run_matrix(add_small_jobs);
}

/* Workers see inputs that were set up after they were created. */
static void workers_see_later_inputs(void **state)
{
    (void)state;
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        struct tasks tasks;
        unsigned workers = (*harness)->base ? 3 : 1;
        if (!tested(*harness))
            continue;
        open_tasks(&tasks);
        struct fb_pool *pool = pool_open(*harness, tasks.arena, workers);
        add_every_kernel(&tasks);
        run_all_ways(&tasks, *harness, pool, workers);
        add_small_jobs(&tasks);
        run_all_ways(&tasks, *harness, pool, workers);
        (*harness)->close(pool);
        close_tasks(&tasks);
    }
}

static void pools_live_side_by_side(void **state)
{
    (void)state;
    struct fb_pool *pool[KERNELS_MOST];
    struct tasks tasks;
    size_t count = 0;
    open_tasks(&tasks);
    add_every_kernel(&tasks);
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++)
        if (tested(*harness))
            pool[count++] = pool_open(*harness, tasks.arena, (*harness)->base ? 3 : 1);
    for (int round = 0; round < 3; round++) {
        size_t next = 0;
        for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++)
            if (tested(*harness))
                run_all_ways(&tasks, *harness, pool[next++], 3);
    }
    /* In the order of opening, not in reverse. */
    count = 0;
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++)
        if (tested(*harness))
            (*harness)->close(pool[count++]);
    close_tasks(&tasks);
}

static void single_has_one_worker(void **state)
{
    (void)state;
    struct fb_arena *arena;
    struct fb_pool *pool = NULL;
    struct fb_error error = { 0 };
    const struct fb_harness *single = harness_named("single");
    assert_int_equal(fb_arena_open(&arena), 0);
    struct fb_setting setting = { .arena = arena, .workers = 2 };
    assert_int_equal(single->open(&setting, &pool, &error), -22);
    assert_int_equal(error.code, -22);
    assert_null(pool);
    fb_arena_close(arena);
}

static void closing_nothing_is_harmless(void **state)
{
    (void)state;
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++)
        (*harness)->close(NULL);
    fb_arena_close(NULL);
}

static void harnesses_are_found_by_their_names(void **state)
{
    (void)state;
    const char *variant = "untouched";
    assert_null(fb_harness_find("", &variant));
    assert_null(fb_harness_find("=", &variant));
    assert_null(fb_harness_find("singl", &variant));
    assert_null(fb_harness_find("singles", &variant));
    assert_null(fb_harness_find("single=", &variant));
    assert_null(fb_harness_find("single=3", &variant));
    assert_string_equal(variant, "untouched");
    for (const struct fb_harness *const *harness = fb_harnesses; *harness; harness++) {
        char name[64];
        assert_ptr_equal(fb_harness_find((*harness)->name, &variant), *harness);
        assert_null(variant);
        snprintf(name, sizeof name, "%s=/x=y", (*harness)->name);
        const struct fb_harness *found = fb_harness_find(name, &variant);
        assert_ptr_equal(found, (*harness)->takes_variant ? *harness : NULL);
        if (found)
            assert_string_equal(variant, "/x=y");
        snprintf(name, sizeof name, "%s=", (*harness)->name);
        assert_null(fb_harness_find(name, &variant));
        /* The base of its speedups must exist too. */
        if ((*harness)->base)
            assert_non_null(fb_harness_find((*harness)->base, &variant));
    }
}

int main(int argc, char **argv)
{
    static const struct fb_mp_task none[] = { { 0 } };
    fb_mp_main(argc, argv, none);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_kernel_gives_the_same_everywhere, make_files,
                                        remove_files),
        cmocka_unit_test(small_jobs_give_the_same_everywhere),
        cmocka_unit_test_setup_teardown(workers_see_later_inputs, make_files, remove_files),
        cmocka_unit_test_setup_teardown(pools_live_side_by_side, make_files, remove_files),
        cmocka_unit_test(single_has_one_worker),
        cmocka_unit_test(closing_nothing_is_harmless),
        cmocka_unit_test(harnesses_are_found_by_their_names),
    };
    return RUN_TESTS(tests);
}
