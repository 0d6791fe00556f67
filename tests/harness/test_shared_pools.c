/* forkpool and spawnpool: workers that are killed or exit, alone or with their parent, and no
 * leaks. */
#include "tests/support/support.h"

#include "tests/mp/process_fixture.h"

#include "harness/mp/core/identity.h"
#include "harness/mp/process/registry.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MOST 64

enum deed { NOTE, WAIT, KILLED, EXIT_7, EXIT_0, FAULT };

struct fb_input {
    _Atomic uint32_t started;           /* workers inside */
    _Atomic uint32_t pid[WORKERS_MOST]; /* 0: has not started yet */
    _Atomic uint32_t hung;              /* a worker was not stopped in time */
    enum deed deed;
    unsigned victim;
    bool caller_waits; /* the caller loops too; otherwise it returns and sleeps */
};

struct slot {
    int32_t status;
};

static void die(enum deed deed)
{
    /* The inherited handlers of cmocka and the sanitizers would catch it. */
    signal(SIGSEGV, SIG_DFL);
    if (deed == EXIT_7 || deed == EXIT_0)
        _exit(deed == EXIT_7 ? 7 : 0);
    if (deed == FAULT)
        raise(SIGSEGV);
}

/* Item i belongs to worker i. */
static void run_item(const struct fb_input *const_input, void *scratch, size_t begin, size_t end,
                     void *results, struct fb_yield *yield)
{
    (void)scratch, (void)end, (void)results;
    struct fb_input *input = (struct fb_input *)const_input;
    atomic_store(&input->pid[begin], (uint32_t)getpid());
    atomic_fetch_add(&input->started, 1);
    if (input->deed == NOTE)
        return;
    if (begin == 0 && input->deed == KILLED) {
        if (wait_for(&input->pid[input->victim], 1))
            kill((pid_t)atomic_load(&input->pid[input->victim]), SIGKILL);
        else
            atomic_store(&input->hung, 1);
    }
    if (begin && begin == input->victim)
        die(input->deed);
    if (begin == 0 && !input->caller_waits)
        return;
    for (uint64_t limit = clock_ms() + LIMIT_MS; !fb_safepoint(yield);)
        if (clock_ms() > limit) {
            atomic_store(&input->hung, 1);
            return;
        }
}

static const struct fb_param no_params[] = { { 0 } };
static const struct fb_kernel crashing = {
    .name = "crashing",
    .params = no_params,
    .result_size = sizeof(struct slot),
    .run = run_item,
};

/* ---- a pool ---- */

static struct fb_input *input;
static struct fb_params params;
static struct fb_pool *pool;
static struct fb_error error;
static unsigned descriptors;
static const struct fb_harness *harness;

static int begin(void **state)
{
    (void)state;
    descriptors = descriptors_open();
    if (fb_arena_open(&arena) < 0)
        return -1;
    input = fb_arena_alloc(arena, sizeof *input);
    return input ? 0 : -1;
}

/* Each test closes its pool: no child process and no descriptor is left. */
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

static int run_deed(unsigned workers, enum deed deed, struct fb_report *report)
{
    struct slot *slot = fb_arena_alloc(arena, workers * sizeof *slot);
    struct fb_job job = { &crashing, &params, input, slot, workers, 0, FB_STATIC };
    error = (struct fb_error){ 0 };
    input->deed = deed;
    atomic_store(&input->started, 0);
    for (int i = 0; i < WORKERS_MOST; i++)
        atomic_store(&input->pid[i], 0);
    return harness->run(pool, &job, report, &error);
}

/* Never 0 or -1, which kill would take as the process group or all processes. */
static pid_t pid_of(unsigned worker)
{
    pid_t pid = (pid_t)atomic_load(&input->pid[worker]);
    assert_true(pid > 1);
    return pid;
}

static void check_close(void)
{
    char text[120];
    harness->close(pool);
    if (leaks_found(descriptors + 1, text, sizeof text)) /* 1: of the arena */
        fail_msg("%s", text);
    assert_int_equal(atomic_load(&input->hung), 0);
}

/* The error names the worker and how it ended, now and in all later jobs. */
static void check_death(unsigned workers, const char *how)
{
    char worker[40], pid[40], first[FB_ERROR_TEXT];
    snprintf(worker, sizeof worker, "worker %u ", input->victim);
    snprintf(pid, sizeof pid, "pid %d", (int)pid_of(input->victim));
    assert_int_equal(error.code, -EOWNERDEAD);
    if (!strstr(error.text, worker) || !strstr(error.text, pid) || !strstr(error.text, how))
        fail_msg("no \"%s\", \"%s\" and \"%s\": %s", worker, pid, how, error.text);
    strcpy(first, error.text);
    for (int i = 0; i < 3; i++) {
        struct fb_report report = { 0 };
        assert_int_equal(run_deed(workers, NOTE, i % 2 ? &report : NULL), -EOWNERDEAD);
        assert_int_equal(error.code, -EOWNERDEAD);
        assert_string_equal(error.text, first);
    }
    /* The error text is optional. */
    struct slot slot[WORKERS_MOST];
    struct fb_job job = { &crashing, &params, input, slot, workers, 0, FB_STATIC };
    assert_int_equal(harness->run(pool, &job, NULL, NULL), -EOWNERDEAD);
}

static void die_during_a_job(unsigned workers, unsigned victim, enum deed deed, const char *how)
{
    for (int way = 0; way < 4; way++) {
        struct fb_report report = { 0 };
        pool = pool_open(harness, arena, workers);
        input->victim = victim;
        input->caller_waits = way % 2;
        assert_int_equal(run_deed(workers, deed, way / 2 ? &report : NULL), -EOWNERDEAD);
        check_death(workers, how);
        check_close();
    }
}

static void a_worker_killed_during_a_job(void **state)
{
    (void)state;
    die_during_a_job(2, 1, KILLED, "signal 9 (Killed)");
    die_during_a_job(5, 3, KILLED, "signal 9 (Killed)");
}

static void a_worker_that_exits(void **state)
{
    (void)state;
    die_during_a_job(3, 2, EXIT_7, "exited with code 7");
    die_during_a_job(2, 1, EXIT_0, "exited with code 0");
}

static void a_worker_that_faults(void **state)
{
    (void)state;
    die_during_a_job(3, 1, FAULT, "signal 11 (Segmentation fault)");
}

static void a_worker_killed_while_idle(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        pool = pool_open(harness, arena, 4);
        assert_int_equal(run_deed(4, NOTE, NULL), 0);
        input->victim = 1 + (unsigned)round % 3;
        pid_t pid = pid_of(input->victim);
        assert_int_equal(kill(pid, SIGKILL), 0);
        const struct fb_mp_identity victim = { .pid = pid };
        /* Otherwise the job may start before it has ended. */
        while (round % 2 && fb_mp_identity_is_alive(&victim))
            sched_yield();
        assert_int_equal(run_deed(4, NOTE, NULL), -EOWNERDEAD);
        assert_non_null(strstr(error.text, "signal 9"));
        char expected[40];
        snprintf(expected, sizeof expected, "worker %u (pid %d)", input->victim, (int)pid);
        assert_non_null(strstr(error.text, expected));
        check_close();
    }
}

static void a_pool_with_a_killed_worker_can_be_closed(void **state)
{
    (void)state;
    for (int round = 0; round < 20; round++) {
        pool = pool_open(harness, arena, 3);
        assert_int_equal(run_deed(3, NOTE, NULL), 0);
        assert_int_equal(kill(pid_of(1), SIGKILL), 0);
        check_close();
    }
}

static void all_workers_are_killed_at_once(void **state)
{
    (void)state;
    pool = pool_open(harness, arena, 8);
    assert_int_equal(run_deed(8, NOTE, NULL), 0);
    for (unsigned i = 1; i < 8; i++)
        assert_int_equal(kill(pid_of(i), SIGKILL), 0);
    assert_int_equal(run_deed(8, NOTE, NULL), -EOWNERDEAD);
    assert_non_null(strstr(error.text, "signal 9"));
    check_close();
}

/* A stopped worker never exits by itself. */
static void a_stopped_worker_does_not_block_close(void **state)
{
    (void)state;
    pool = pool_open(harness, arena, 4);
    assert_int_equal(run_deed(4, NOTE, NULL), 0);
    for (unsigned i = 1; i < 3; i++)
        assert_int_equal(kill(pid_of(i), SIGSTOP), 0);
    check_close();
}

/* ---- the parent is killed ---- */

static _Noreturn void be_a_parent(unsigned workers, enum deed deed, _Atomic uint32_t *ready)
{
    struct fb_setting setting = { .arena = arena, .workers = workers };
    if (harness->open(&setting, &pool, &error) < 0 || run_deed(workers, NOTE, NULL) < 0)
        _exit(3);
    atomic_store(ready, 1);
    if (deed != NOTE)
        run_deed(workers, deed, NULL);
    for (;;)
        pause();
}

static void workers_end_with_their_parent(void **state)
{
    (void)state;
    static const enum deed deeds[] = { NOTE, WAIT };
    for (int i = 0; i < 2; i++) {
        unsigned workers = 6;
        _Atomic uint32_t *ready = fb_arena_alloc(arena, sizeof *ready);
        input->caller_waits = true;
        input->victim = 0;
        pid_t parent = fork();
        if (parent == 0)
            be_a_parent(workers, deeds[i], ready);
        assert_true(parent > 0);
        bool reached = wait_for(ready, 1);
        if (reached && deeds[i] == WAIT) /* until all are running their item */
            reached = wait_for(&input->started, workers);
        kill(parent, SIGKILL);
        assert_int_equal(waitpid(parent, NULL, 0), parent);
        assert_true(reached);
        uint64_t limit = clock_ms() + LIMIT_MS;
        for (unsigned worker = 1; worker < workers; worker++) {
            pid_t pid = pid_of(worker);
            assert_int_not_equal(pid, parent);
            while (pid_is_alive(pid))
                if (clock_ms() > limit)
                    fail_msg("worker %u (pid %d) outlives its parent", worker, (int)pid);
        }
    }
}

/* ---- many ---- */

static void many_workers_are_as_many_processes(void **state)
{
    (void)state;
    pool = pool_open(harness, arena, WORKERS_MOST);
    for (int round = 0; round < 10; round++)
        assert_int_equal(run_deed(WORKERS_MOST, NOTE, NULL), 0);
    assert_int_equal(pid_of(0), getpid());
    for (int i = 0; i < WORKERS_MOST; i++)
        for (int j = 0; j < i; j++)
            assert_int_not_equal(atomic_load(&input->pid[i]), atomic_load(&input->pid[j]));
    check_close();
}

static void pools_come_and_go(void **state)
{
    (void)state;
    for (int round = 0; round < 200; round++) {
        unsigned workers = 1 + (unsigned)round % 4;
        pool = pool_open(harness, arena, workers);
        if (round % 2)
            assert_int_equal(run_deed(workers, NOTE, NULL), 0);
        check_close();
    }
}

/* Buffered output that exists when a worker is created is written only once, by its owner. */
static void buffers_are_not_written_twice(void **state)
{
    (void)state;
    FILE *file = tmpfile();
    assert_non_null(file);
    fputs("once", file);
    pool = pool_open(harness, arena, 4);
    assert_int_equal(run_deed(4, NOTE, NULL), 0);
    harness->close(pool);
    fflush(file);
    assert_int_equal(lseek(fileno(file), 0, SEEK_END), 4);
    fclose(file);
}

/* A spawned process can map any arena at its address, not only the first one (except under the
 * thread sanitizer, which leaves little address space). */
__attribute__((unused)) static void arenas_beside_others(void **state)
{
    (void)state;
    struct fb_arena *first = arena, *before[2];
    struct fb_input *of_first = input;
    for (int i = 0; i < 2; i++)
        assert_int_equal(fb_arena_open(&before[i]), 0);
    descriptors += 2;
    arena = before[1];
    input = fb_arena_alloc(arena, sizeof *input);
    for (int round = 0; round < 20; round++) {
        pool = pool_open(harness, arena, 4);
        assert_int_equal(run_deed(4, NOTE, NULL), 0);
        check_close();
    }
    descriptors -= 2;
    for (int i = 0; i < 2; i++)
        fb_arena_close(before[i]);
    arena = first;
    input = of_first;
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, begin, end)

int main(int argc, char **argv)
{
    static const struct fb_mp_task none[] = { { 0 } };
    fb_mp_main(argc, argv, none);
    const struct CMUnitTest tests[] = {
        TEST(a_worker_killed_during_a_job),
        TEST(a_worker_that_exits),
        TEST(a_worker_that_faults),
        TEST(a_worker_killed_while_idle),
        TEST(a_pool_with_a_killed_worker_can_be_closed),
        TEST(all_workers_are_killed_at_once),
        TEST(a_stopped_worker_does_not_block_close),
        TEST(workers_end_with_their_parent),
        TEST(many_workers_are_as_many_processes),
        TEST(pools_come_and_go),
        TEST(buffers_are_not_written_twice),
#ifndef __SANITIZE_THREAD__
        TEST(arenas_beside_others),
#endif
    };
    harness = harness_named("forkpool");
    int failed = RUN_TESTS(tests);
    harness = harness_named("spawnpool");
    return failed | RUN_TESTS(tests);
}
