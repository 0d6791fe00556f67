/* harness/native/forkpipe.c: results of every size, more workers and chunks than fit into a pipe,
 * and workers that are killed or stopped. (test_pools.c checks that each item runs once.) */
#include "tests/support/support.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define MEMBERS 8

enum deed { FILL, GATHER, KILL_ONE };

struct fb_input {
    enum deed deed;
    _Atomic uint32_t inside, hung, pid[MEMBERS];
};

struct small {
    int32_t status;
    uint32_t item;
};

struct large {
    int32_t status;
    uint32_t item;
    char bytes[30000]; /* one result per packet */
};

static struct fb_input *input;
static const struct fb_harness *harness;
static unsigned descriptors;
static struct fb_error error;

static void run_small(const struct fb_input *none, void *scratch, size_t begin, size_t end,
                      void *results, struct fb_yield *yield)
{
    (void)none, (void)scratch, (void)yield;
    struct small *slot = results;
    for (size_t item = begin; item < end; item++)
        slot[item].item += (uint32_t)item + 1; /* on zeroed slots only */
}

static void run_large(const struct fb_input *none, void *scratch, size_t begin, size_t end,
                      void *results, struct fb_yield *yield)
{
    (void)none, (void)scratch, (void)yield;
    struct large *slot = results;
    for (size_t item = begin; item < end; item++) {
        slot[item].item = (uint32_t)item + 1;
        memset(slot[item].bytes, (int)(item % 251), sizeof slot[item].bytes);
    }
}

/* Each worker gets one item, because it waits in it until all workers are there. */
static void run_deed(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                     void *results, struct fb_yield *yield)
{
    (void)scratch, (void)end, (void)results;
    struct fb_input *given = (struct fb_input *)const_input;
    atomic_store(&given->pid[begin], (uint32_t)getpid());
    atomic_fetch_add(&given->inside, 1);
    if (!wait_for(&given->inside, MEMBERS))
        atomic_store(&given->hung, 1);
    if (begin == 0 && given->deed == KILL_ONE)
        kill((pid_t)atomic_load(&given->pid[3]), SIGKILL);
    if (given->deed == KILL_ONE)
        for (uint64_t limit = clock_ms() + LIMIT_MS; !fb_safepoint(yield);)
            if (clock_ms() > limit) {
                atomic_store(&given->hung, 1);
                return;
            }
}

static const struct fb_param no_params[] = { { 0 } };
static struct fb_params params;
static const struct fb_kernel small = {
    .name = "small", .params = no_params, .result_size = sizeof(struct small), .run = run_small
};
static const struct fb_kernel large = {
    .name = "large", .params = no_params, .result_size = sizeof(struct large), .run = run_large
};
static const struct fb_kernel deeds = {
    .name = "deeds", .params = no_params, .result_size = sizeof(struct small), .run = run_deed
};
static const struct fb_kernel huge = {
    .name = "huge", .params = no_params, .result_size = 1 << 20, .run = run_deed
};

static int begin(void **state)
{
    (void)state;
    descriptors = descriptors_open();
    harness = harness_named("forkpipe");
    if (fb_arena_open(&arena) < 0)
        return -1;
    input = fb_arena_alloc(arena, sizeof *input);
    return input ? 0 : -1;
}

static int end(void **state)
{
    (void)state;
    char text[120];
    fb_arena_close(arena);
    if (!leaks_found(descriptors, text, sizeof text))
        return 0;
    print_error("%s\n", text);
    return -1;
}

static struct fb_job job_of(const struct fb_kernel *kernel, size_t items, size_t chunk)
{
    void *results = fb_arena_alloc(arena, items * kernel->result_size);
    assert_non_null(results);
    return (struct fb_job){ kernel, &params, input, results, items, chunk, FB_DYNAMIC };
}

static int run_with(struct fb_pool *pool, enum deed deed, const struct fb_job *job)
{
    error = (struct fb_error){ 0 };
    input->deed = deed;
    atomic_store(&input->inside, 0);
    int result = harness->run(pool, job, NULL, &error);
    assert_int_equal(result, error.code);
    assert_int_equal(atomic_load(&input->hung), 0);
    return result;
}

/* A packet holds one of these results, and a socket's buffer a few. */
static void large_results(void **state)
{
    (void)state;
    for (unsigned workers = 1; workers <= 3; workers += 2)
        for (size_t chunk = 1; chunk <= 64; chunk *= 8) {
            struct fb_pool *pool = pool_open(harness, arena, workers);
            struct fb_job job = job_of(&large, 100, chunk);
            const struct large *slot = job.results;
            assert_int_equal(run_with(pool, FILL, &job), 0);
            harness->close(pool);
            for (size_t item = 0; item < job.items; item++) {
                assert_int_equal(slot[item].item, item + 1);
                for (size_t i = 0; i < sizeof slot[item].bytes; i++)
                    if (slot[item].bytes[i] != (char)(item % 251))
                        fail_msg("byte %zu of item %zu is wrong", i, item);
            }
        }
}

/* So many workers that 2 chunks for each do not fit. */
static void more_chunks_than_fit_into_a_pipe(void **state)
{
    (void)state;
    struct fb_pool *pool = pool_open(harness, arena, 400);
    for (int round = 0; round < 3; round++) {
        struct fb_job job = job_of(&small, 20000, 1 + (size_t)round * 3);
        const struct small *slot = job.results;
        assert_int_equal(run_with(pool, FILL, &job), 0);
        for (size_t item = 0; item < job.items; item++)
            assert_int_equal(slot[item].item, item + 1);
    }
    harness->close(pool);
}

static void a_result_too_large_for_a_packet(void **state)
{
    (void)state;
    struct fb_pool *pool = pool_open(harness, arena, 2);
    struct fb_job job = job_of(&huge, 2, 1), fine = job_of(&small, 2, 1);
    assert_int_equal(run_with(pool, FILL, &job), -ENOTSUP);
    assert_non_null(strstr(error.text, "huge"));
    assert_int_equal(run_with(pool, FILL, &fine), 0);
    harness->close(pool);
}

static void workers_are_separate_processes_of_the_requested_number(void **state)
{
    (void)state;
    struct fb_pool *pool = pool_open(harness, arena, MEMBERS);
    struct fb_job job = job_of(&deeds, MEMBERS, 1);
    assert_int_equal(run_with(pool, GATHER, &job), 0);
    harness->close(pool);
    for (int i = 0; i < MEMBERS; i++) {
        assert_int_not_equal(atomic_load(&input->pid[i]), getpid());
        for (int k = 0; k < i; k++)
            assert_int_not_equal(atomic_load(&input->pid[i]), atomic_load(&input->pid[k]));
    }
}

static void a_worker_killed_during_a_job(void **state)
{
    (void)state;
    for (int round = 0; round < 5; round++) {
        struct fb_pool *pool = pool_open(harness, arena, MEMBERS);
        struct fb_job job = job_of(&deeds, MEMBERS, 1);
        char pid[40], first[FB_ERROR_TEXT];
        assert_int_equal(run_with(pool, KILL_ONE, &job), -EOWNERDEAD);
        snprintf(pid, sizeof pid, "(pid %d) was killed by signal 9", (int)input->pid[3]);
        assert_non_null(strstr(error.text, pid));
        strcpy(first, error.text);
        assert_int_equal(run_with(pool, FILL, &job), -EOWNERDEAD); /* and in all later jobs */
        assert_string_equal(error.text, first);
        harness->close(pool);
    }
}

/* All workers: none is left for the next job. */
static void workers_killed_while_idle(void **state)
{
    (void)state;
    struct fb_pool *pool = pool_open(harness, arena, MEMBERS);
    struct fb_job job = job_of(&deeds, MEMBERS, 1);
    assert_int_equal(run_with(pool, GATHER, &job), 0);
    for (int i = 0; i < MEMBERS; i++)
        assert_int_equal(kill((pid_t)atomic_load(&input->pid[i]), SIGKILL), 0);
    assert_int_equal(run_with(pool, GATHER, &job), -EOWNERDEAD);
    harness->close(pool);
}

/* It would do its item when it is continued; close does not wait for that. */
static void a_stopped_worker_does_not_block_close(void **state)
{
    (void)state;
    struct fb_pool *pool = pool_open(harness, arena, MEMBERS);
    struct fb_job job = job_of(&deeds, MEMBERS, 1);
    assert_int_equal(run_with(pool, GATHER, &job), 0);
    for (int i = 0; i < MEMBERS; i += 2)
        assert_int_equal(kill((pid_t)atomic_load(&input->pid[i]), SIGSTOP), 0);
    harness->close(pool);
}

static _Noreturn void be_a_parent(_Atomic uint32_t *came)
{
    struct fb_pool *pool = pool_open(harness, arena, MEMBERS);
    struct fb_job job = job_of(&deeds, MEMBERS, 1);
    run_with(pool, GATHER, &job);
    atomic_store(came, 1);
    for (;;)
        pause();
}

static void workers_end_with_their_parent(void **state)
{
    (void)state;
    _Atomic uint32_t *came = fb_arena_alloc(arena, sizeof *came);
    pid_t parent = fork();
    if (parent == 0)
        be_a_parent(came);
    assert_true(parent > 0);
    assert_true(wait_for(came, 1));
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    uint64_t limit = clock_ms() + LIMIT_MS;
    for (int i = 0; i < MEMBERS; i++)
        while (kill((pid_t)atomic_load(&input->pid[i]), 0) == 0) {
            assert_true(clock_ms() < limit);
            sched_yield();
        }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(large_results),
        TEST(more_chunks_than_fit_into_a_pipe),
        TEST(a_result_too_large_for_a_packet),
        TEST(workers_are_separate_processes_of_the_requested_number),
        TEST(a_worker_killed_during_a_job),
        TEST(workers_killed_while_idle),
        TEST(a_stopped_worker_does_not_block_close),
        TEST(workers_end_with_their_parent),
    };
    return RUN_TESTS(tests);
}
