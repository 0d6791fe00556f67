/* A pool in use while the system runs out of a resource (fault_injection.h): workers that can't be made,
 * messages that can't be received, killed workers, closing; and the tasks' results. */
#include "tests/support/support.h"

#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/failures/failing_pool.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* ---- additional calls that fail ---- */

static bool recvmsg_fails;    /* in the owner */
static bool pidfd_open_fails; /* in the forkserver, which then has no descriptors of its workers */

ssize_t __real_recvmsg(int socket, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags);
ssize_t __wrap_recvmsg(int socket, struct msghdr *message, int flags)
{
    int code = recvmsg_fails ? injected_failure("recvmsg", ENOBUFS, ENOMEM) : 0;
    if (code == 0)
        return __real_recvmsg(socket, message, flags);
    errno = code;
    return -1;
}

static void begin_child(void)
{
    if (!pidfd_open_fails)
        return;
    injected_only = "pidfd_open";
    injected_arm(1, true, 0);
}

/* ---- pools and tasks ---- */

static int own_pid(struct fb_mp_call *call)
{
    pid_t pid = getpid();
    return fb_mp_return(call, &pid, sizeof pid);
}

static pid_t pid_of_worker(struct fb_mp_pool *pool)
{
    struct fb_mp_future *future = submit_task(pool, own_pid);
    const void *got;
    pid_t pid;
    MUST(fb_mp_future_result(future, LIMIT_NS, &got, NULL, NULL) == 0);
    memcpy(&pid, got, sizeof pid);
    fb_mp_future_free(future);
    return pid;
}

static void wait_for_alive(struct fb_mp_pool *pool, unsigned alive)
{
    struct fb_mp_pool_state now;
    do {
        sched_yield();
        fb_mp_pool_state(pool, &now);
    } while (now.alive != alive);
}

/* ---- workers that can't be made ---- */

/* The workers are made later; until then the other workers do the tasks. */
static int resize(void *context)
{
    bool lasting = *(unsigned *)context;
    trial_begin();
    struct fb_mp_pool *pool = open_pool(1);
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    for (unsigned n = 1; n <= 2; n++) {
        struct fb_mp_future *future = submit_task(pool, echo_argument);
        atomic_store(&failing_pool_page->failed, 0);
        injected_arm(n, lasting, n - 1);
        MUST(fb_mp_pool_resize(pool, 3) == 0);
        MUST(wait_for(&failing_pool_page->failed, lasting ? 2 : 1));
        MUST(task_result(future) == 0);
        disarm();
        wait_for_alive(pool, 3);
        MUST(task_result(submit_task(pool, echo_argument)) == 0);
        MUST(fb_mp_pool_resize(pool, 1) == 0);
        wait_for_alive(pool, 1);
    }
    fb_mp_pool_close(pool);
    trial_end();
    return 0;
}

static void workers_that_cannot_be_made_come_later(void **state)
{
    (void)state;
    trial_run(resize, false);
    trial_run(resize, true);
}

static int resize_in_full_heap(void *context)
{
    (void)context;
    trial_begin();
    struct fb_mp_pool *pool = open_pool(1);
    struct fb_mp_pool_state now;
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    void **filled = fill_heap(4096);
    injected_arm(1, true, 0);
    int result = fb_mp_pool_resize(pool, 65); /* which needs another block of worker slots */
    disarm();
    MUST(result == -ENOSPC || result == -ENOMEM);
    fb_mp_pool_state(pool, &now);
    MUST(now.workers == 1 && now.alive == 1);
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    empty_heap(filled);
    MUST(fb_mp_pool_resize(pool, 65) == 0);
    wait_for_alive(pool, 65);
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    fb_mp_pool_close(pool);
    trial_end();
    return 0;
}

static void a_resize_without_memory_changes_nothing(void **state)
{
    (void)state;
    trial_run(resize_in_full_heap, 0);
}

/* Tasks that wait for a worker fail if none can be made; later the pool works again. */
static int kill_the_only_worker(void *context)
{
    (void)context;
    trial_begin();
    struct fb_mp_pool *pool = open_pool(1);
    pid_t pid = pid_of_worker(pool);
    struct fb_mp_future *held = submit_task(pool, hold), *behind = submit_task(pool, echo_argument);
    MUST(wait_for(&failing_pool_page->begun, 1));
    injected_arm(1, true, 0);
    MUST(kill(pid, SIGKILL) == 0);
    MUST(task_result(held) == -EOWNERDEAD);
    MUST(task_result(behind) == -EMFILE);
    disarm();
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    fb_mp_pool_close(pool);
    trial_end();
    return 0;
}

static void tasks_do_not_wait_for_workers_that_cannot_be_made(void **state)
{
    (void)state;
    trial_run(kill_the_only_worker, 0);
}

/* ---- lost messages about workers ---- */

/* The owner can't receive the nth message of its forkserver; n = 0: any message. */
static int receive_nothing(void *context)
{
    unsigned n = *(unsigned *)context;
    bool lasting = n == 0;
    trial_begin();
    recvmsg_fails = true;
    injected_only = "recvmsg";
    injected_arm(lasting ? 1 : n, lasting, n % 2);
    struct fb_mp_pool *pool = open_pool(2);
    for (int i = 0; i < 3; i++) {
        int result = task_result(submit_task(pool, echo_argument));
        MUST(result == 0 || (lasting && result == -EPIPE) || result == -EOWNERDEAD);
    }
    recvmsg_fails = false;
    MUST(task_result(submit_task(pool, echo_argument)) == 0);
    recvmsg_fails = true;
    fb_mp_pool_close(pool);
    disarm();
    trial_end();
    return 0;
}

static void a_failed_connection_is_replaced(void **state)
{
    (void)state;
    for (unsigned n = 0; n < 6; n++)
        trial_run(receive_nothing, n);
}

/* ---- ends ---- */

enum { CLOSE, TERMINATE, JOIN, WAYS };

static int close_without_resources(void *context)
{
    unsigned what = *(unsigned *)context, way = what % WAYS;
    trial_begin();
    pidfd_open_fails = what >= WAYS;
    struct fb_mp_pool *pool = open_pool(2);
    struct fb_mp_future *held = submit_task(pool, hold), *behind = submit_task(pool, echo_argument);
    MUST(wait_for(&failing_pool_page->begun, 1));
    MUST(task_result(behind) == 0);
    if (way == JOIN)
        open_gate();
    injected_only = NULL;
    injected_arm(1, true, 0);
    if (way == TERMINATE)
        fb_mp_pool_terminate(pool);
    fb_mp_pool_shutdown(pool, way == CLOSE);
    if (way == JOIN)
        MUST(fb_mp_pool_join(pool, LIMIT_NS) == 0);
    fb_mp_pool_close(pool);
    MUST(way == JOIN ? fb_mp_future_is_done(held) : task_result(held) == -ECANCELED);
    if (way == JOIN)
        fb_mp_future_free(held);
    disarm();
    trial_end();
    return 0;
}

static void a_pool_closes_without_resources(void **state)
{
    (void)state;
    for (unsigned what = 0; what < 2 * WAYS; what++)
        trial_run(close_without_resources, what);
}

int main(void)
{
    failing_pool_begin();
    pthread_atfork(NULL, NULL, begin_child);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(workers_that_cannot_be_made_come_later),
        cmocka_unit_test(a_resize_without_memory_changes_nothing),
        cmocka_unit_test(tasks_do_not_wait_for_workers_that_cannot_be_made),
        cmocka_unit_test(a_failed_connection_is_replaced),
        cmocka_unit_test(a_pool_closes_without_resources),
    };
    return RUN_TESTS(tests);
}
