/* harness/mp/process/process.h, harness/mp/channel/wait.h: process handles with threads, signals
 * and foreign waitpid calls. */
#include "tests/support/support.h"

#include "tests/mp/shared_page.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/process/process.h"
#include "harness/mp/channel/wait.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define THREADS 8

/* Processes that each thread starts. The thread sanitizer makes every exit take 1 s. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define STARTS 4
#else
#define STARTS 20
#endif

/* Called by the leak sanitizer. In a child forked by a thread it does not see the stack of the
 * parent's main thread, which holds references to objects. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return fb_mp_parent_pid() != 0;
}

/* In shared memory: which processes may end. */
struct shared_page {
    _Atomic uint32_t go[4];
};

/* ---- what processes do ---- */

static int return_first(const void *argument, size_t size)
{
    return size ? *(const unsigned char *)argument : 0;
}

static int wait_for_go(const void *argument, size_t size)
{
    const unsigned index = size > sizeof(void *) ? ((const unsigned char *)argument)[size - 1] : 0;
    return wait_for(&shared_page_of(argument)->go[index], 1) ? 7 : 8;
}

static const struct fb_mp_task tasks[] = {
    FB_MP_RUN(return_first),
    FB_MP_RUN(wait_for_go),
    { 0 },
};

/* ---- */

/* Starts a process that runs until go[index] is set. */
static struct fb_mp_process *start_waiting(enum fb_mp_method method, unsigned char index)
{
    unsigned char argument[sizeof shared_page + 1];
    memcpy(argument, &shared_page, sizeof shared_page);
    argument[sizeof shared_page] = index;
    atomic_store(&shared_page->go[index], 0);
    return started((struct fb_mp_process_options){
        .run = wait_for_go, .argument = argument, .size = sizeof argument, .method = method });
}

/* ---- */

static void wait_reports_which_is_ready(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process *process[4];
        int fd[4];
        bool ready[4];
        for (unsigned char i = 0; i < 4; i++) {
            process[i] = start_waiting(methods[m], i);
            fd[i] = fb_mp_process_sentinel(process[i]);
        }
        assert_int_equal(fb_mp_wait(fd, 4, 0, ready), 0);
        assert_int_equal(fb_mp_wait(fd, 4, 5 * FB_MP_MILLISECOND, ready), 0);
        atomic_store(&shared_page->go[2], 1);
        assert_int_equal(fb_mp_wait(fd, 4, LIMIT_NS, ready), 1);
        assert_true(!ready[0] && !ready[1] && ready[2] && !ready[3]);
        /* The first one is still ready as it was not joined; now there are two. */
        assert_int_equal(fb_mp_process_kill(process[0]), 0);
        assert_int_equal(fb_mp_wait(&fd[0], 1, LIMIT_NS, ready), 1);
        assert_int_equal(fb_mp_wait(fd, 4, LIMIT_NS, ready), 2);
        assert_true(ready[0] && !ready[1] && ready[2] && !ready[3]);
        atomic_store(&shared_page->go[1], 1);
        atomic_store(&shared_page->go[3], 1);
        for (int i = 0; i < 4; i++)
            assert_int_equal(ended(process[i]), i == 0 ? -SIGKILL : 7);
    }
}

static volatile sig_atomic_t signals;

static void count_signal(int number)
{
    (void)number;
    signals++;
}

static void signals_end_no_wait(void **state)
{
    (void)state;
    struct sigaction action = { .sa_handler = count_signal }, before;
    const struct itimerval often = { { 0, 1000 }, { 0, 1000 } }, never = { 0 };
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process *process = start_waiting(methods[m], 0);
        int fd = fb_mp_process_sentinel(process);
        bool ready;
        signals = 0;
        sigaction(SIGALRM, &action, &before);
        setitimer(ITIMER_REAL, &often, NULL);
        int64_t began = fb_mp_now();
        int joined = fb_mp_process_join(process, 50 * FB_MP_MILLISECOND);
        int64_t between = fb_mp_now();
        int waited = fb_mp_wait(&fd, 1, 50 * FB_MP_MILLISECOND, &ready);
        int64_t end_ns = fb_mp_now();
        atomic_store(&shared_page->go[0], 1);
        int code = ended(process);
        setitimer(ITIMER_REAL, &never, NULL);
        sigaction(SIGALRM, &before, NULL);
        assert_int_equal(joined, -ETIMEDOUT);
        assert_int_equal(waited, 0);
        assert_true(between - began >= 50 * FB_MP_MILLISECOND);
        assert_true(end_ns - between >= 50 * FB_MP_MILLISECOND);
        assert_true(signals > 0);
        assert_int_equal(code, 7);
    }
}

static void an_end_taken_by_waitpid_is_reported(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct fb_mp_process *process = start_waiting(methods[m], 0);
        int code = 1000;
        atomic_store(&shared_page->go[0], 1);
        assert_int_equal(waitpid(-1, NULL, 0), fb_mp_process_pid(process));
        assert_int_equal(fb_mp_process_join(process, LIMIT_NS), -ECHILD);
        assert_int_equal(fb_mp_process_exit_code(process, &code), -ECHILD);
        assert_int_equal(code, 1000);
        assert_false(fb_mp_process_is_alive(process));
        assert_int_equal(fb_mp_process_terminate(process), 0);
        assert_int_equal(fb_mp_process_close(process), 0);
    }
}

/* ---- threads ---- */

struct starting {
    enum fb_mp_method method;
    unsigned seed, failed;
    struct fb_mp_process *process;
};

static void *start_one(void *context)
{
    struct starting *starting = context;
    starting->process = start_waiting(starting->method, 0);
    return NULL;
}

static void a_process_outlives_the_thread_that_started_it(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct starting starting = { .method = methods[m] };
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, start_one, &starting), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
        assert_int_equal(fb_mp_process_join(starting.process, 20 * FB_MP_MILLISECOND), -ETIMEDOUT);
        assert_true(fb_mp_process_is_alive(starting.process));
        atomic_store(&shared_page->go[0], 1);
        assert_int_equal(ended(starting.process), 7);
    }
}

/* Only the main thread may assert, so failures are counted. */
static void *start_many(void *context)
{
    struct starting *starting = context;
    for (unsigned i = 0; i < STARTS; i++) {
        unsigned char byte = (unsigned char)(starting->seed * STARTS + i);
        struct fb_mp_process_options options = {
            .run = return_first, .argument = &byte, .size = 1, .method = methods[i % METHODS]
        };
        struct fb_mp_process *process;
        int code = 1000;
        starting->failed += fb_mp_process_start(&options, &process, NULL) < 0 ||
                            fb_mp_process_join(process, LIMIT_NS) < 0 ||
                            fb_mp_process_exit_code(process, &code) < 0 || code != byte ||
                            fb_mp_process_close(process) < 0;
    }
    return NULL;
}

static void threads_start_at_once(void **state)
{
    (void)state;
    struct starting starting[THREADS + 1] = { 0 };
    pthread_t thread[THREADS];
    for (unsigned i = 0; i < THREADS; i++) {
        starting[i].seed = i;
        assert_int_equal(pthread_create(&thread[i], NULL, start_many, &starting[i]), 0);
    }
    starting[THREADS].seed = THREADS;
    start_many(
        &starting
            [THREADS]); /* the main thread forks by itself, the others through the fork thread */
    for (unsigned i = 0; i < THREADS; i++)
        assert_int_equal(pthread_join(thread[i], NULL), 0);
    for (unsigned i = 0; i <= THREADS; i++)
        assert_int_equal(starting[i].failed, 0);
}

static void *join_it(void *context)
{
    struct starting *starting = context;
    int code = 1000;
    starting->failed = fb_mp_process_join(starting->process, LIMIT_NS) < 0 ||
                       fb_mp_process_exit_code(starting->process, &code) < 0 || code != 7;
    return NULL;
}

static void threads_join_one_process(void **state)
{
    (void)state;
    for (size_t m = 0; m < METHODS; m++) {
        struct starting starting[THREADS] = { 0 };
        pthread_t thread[THREADS];
        struct fb_mp_process *process = start_waiting(methods[m], 0);
        for (unsigned i = 0; i < THREADS; i++) {
            starting[i].process = process;
            assert_int_equal(pthread_create(&thread[i], NULL, join_it, &starting[i]), 0);
        }
        atomic_store(&shared_page->go[0], 1);
        for (unsigned i = 0; i < THREADS; i++) {
            assert_int_equal(pthread_join(thread[i], NULL), 0);
            assert_int_equal(starting[i].failed, 0);
        }
        assert_int_equal(ended(process), 7);
    }
}

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        WITH_SHARED_PAGE(wait_reports_which_is_ready),
        WITH_SHARED_PAGE(signals_end_no_wait),
        WITH_SHARED_PAGE(an_end_taken_by_waitpid_is_reported),
        WITH_SHARED_PAGE(a_process_outlives_the_thread_that_started_it),
        cmocka_unit_test(threads_start_at_once),
        WITH_SHARED_PAGE(threads_join_one_process),
    };
    return RUN_TESTS(tests);
}
