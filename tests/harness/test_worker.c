/* harness/worker/worker.c: each thread that sleeps on the team's control block is woken. None of
 * these sleeps has a time limit, so a missing wake-up hangs the test until SIGALRM ends it. */
#include "tests/support/support.h"

#include "harness/worker/worker.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <unistd.h>

struct fb_input {
    struct fb_team *team;
    pid_t caller, worker;                       /* thread numbers; worker: 0 until it is known */
    _Atomic uint32_t worker_known, caller_back; /* caller_back: its run has returned */
    bool stop;                                  /* worker 1 stops the team */
    _Atomic uint32_t item_done[2];
    _Atomic uint32_t overdue;
};

/* Returns when the thread is blocked in a system call. */
static void wait_until_blocked(struct fb_input *input, pid_t thread)
{
    char path[64], state = 'R';
    snprintf(path, sizeof path, "/proc/self/task/%d/stat", (int)thread);
    for (uint64_t limit = clock_ms() + LIMIT_MS; state != 'S'; sched_yield()) {
        FILE *file = fopen(path, "re");
        if (!file || fscanf(file, "%*d (%*[^)]) %c", &state) != 1 || clock_ms() > limit)
            atomic_store(&input->overdue, 1);
        if (file)
            fclose(file);
        if (atomic_load(&input->overdue))
            return;
    }
}

/* The caller sleeps when it has said so and is blocked: nothing else blocks it then. */
static void wait_until_caller_sleeps(struct fb_input *input)
{
    if (wait_for(&input->team->caller_sleeps, 1))
        wait_until_blocked(input, input->caller);
    else
        atomic_store(&input->overdue, 1);
}

/* Item i belongs to worker i. */
static void run_item(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                     void *results, struct fb_yield *yield)
{
    (void)scratch, (void)end, (void)results, (void)yield;
    struct fb_input *input = (struct fb_input *)const_input;
    atomic_store(&input->item_done[begin], 1);
    if (begin == 0)
        return;
    wait_until_caller_sleeps(input);
    if (!input->stop)
        return;
    fb_team_stop(input->team);
    if (!wait_for(&input->caller_back, 1)) /* so that finishing can't wake the caller instead */
        atomic_store(&input->overdue, 1);
}

static const struct fb_kernel slow_second = {
    .name = "slow_second",
    .result_size = 1,
    .run = run_item,
};

/* ---- a team of the caller and one thread ---- */

static struct fb_caller caller;
static struct fb_input input;
static pthread_t thread;
static char results[2];

static void *thread_main(void *argument)
{
    struct fb_yield yield;
    (void)argument;
    input.worker = gettid();
    atomic_store(&input.worker_known, 1);
    fb_yield_plain(&yield, caller.team);
    fb_worker_loop(caller.team, 1, &yield);
    return NULL;
}

static int begin(void **state)
{
    (void)state;
    struct fb_error error;
    if (fb_arena_open(&arena) < 0)
        return -1;
    const struct fb_setting setting = { .arena = arena, .workers = 2 };
    if (fb_caller_open(&caller, &setting, &error) < 0)
        return -1;
    input = (struct fb_input){ .team = caller.team, .caller = gettid() };
    alarm(LIMIT_MS / 1000);
    return -pthread_create(&thread, NULL, thread_main, NULL);
}

static int end(void **state)
{
    (void)state;
    fb_caller_quit(&caller);
    pthread_join(thread, NULL);
    alarm(0);
    fb_caller_close(&caller);
    fb_arena_close(arena);
    return 0;
}

static int run_job(void)
{
    const struct fb_job job = {
        .kernel = &slow_second, .input = &input, .results = results, .items = 2
    };
    struct fb_error error;
    int result = fb_caller_run(&caller, &job, NULL, &error);
    atomic_store(&input.caller_back, 1);
    assert_int_equal(atomic_load(&input.overdue), 0);
    return result;
}

/* ---- */

static void the_last_worker_to_finish_wakes_the_caller(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++)
        assert_int_equal(run_job(), 0);
    assert_int_equal(atomic_load(&input.item_done[1]), 1);
}

static void opening_the_gate_wakes_the_workers(void **state)
{
    (void)state;
    assert_true(wait_for(&input.worker_known, 1));
    for (int i = 0; i < 3; i++) {
        assert_true(wait_for(&caller.team->sleepers, 1));
        wait_until_blocked(&input, input.worker);
        assert_int_equal(run_job(), 0);
    }
}

static void stopping_the_team_wakes_the_caller(void **state)
{
    (void)state;
    input.stop = true;
    assert_int_equal(run_job(), -ECANCELED);
    assert_int_equal(run_job(), -ECANCELED);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_last_worker_to_finish_wakes_the_caller),
        TEST(opening_the_gate_wakes_the_workers),
        TEST(stopping_the_team_wakes_the_caller),
    };
    return RUN_TESTS(tests);
}
