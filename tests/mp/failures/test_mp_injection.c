/* harness/mp while the system runs out of a resource: each operation is repeated, and the first of its calls to
 * the C library fails, then the second, … until all have failed once (fault_injection.h). It must
 * return the error, leak nothing, and succeed afterwards. */
#include "tests/support/support.h"

#include "tests/support/fork_child.h"
#include "tests/mp/failures/fault_injection.h"
#include "tests/mp/channel/segment_fixture.h"
#include "tests/mp/process_fixture.h"

#include "harness/mp/sync/barrier.h"
#include "harness/mp/channel/connection.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/process/log.h"
#include "harness/mp/channel/queue.h"
#include "harness/mp/sync/value.h"
#include "harness/mp/channel/wait.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define BIG ((size_t)3 << 20)

static char bytes[BIG];

/* ---- memory, and objects in it: the first allocation creates the heap ---- */

static void *memory;

static int allocate(void)
{
    return fb_mp_alloc(100, &memory);
}

static int allocate_much(void)
{
    return fb_mp_alloc(BIG, &memory);
}

static void release(void)
{
    MUST(fb_mp_free(memory) == 0);
}

static void have_heap(void)
{
    MUST(fb_mp_heap_make() == 0);
}

static int make_lock(void)
{
    return fb_mp_lock_make(true, (struct fb_mp_lock **)&memory);
}

static int make_semaphore(void)
{
    return fb_mp_semaphore_make(1, true, (struct fb_mp_semaphore **)&memory);
}

static int make_event(void)
{
    return fb_mp_event_make((struct fb_mp_event **)&memory);
}

static int make_condition(void)
{
    return fb_mp_condition_make(NULL, (struct fb_mp_condition **)&memory);
}

static int make_barrier(void)
{
    return fb_mp_barrier_make(3, (struct fb_mp_barrier **)&memory);
}

static void free_barrier(void)
{
    fb_mp_barrier_free(memory);
}

/* Each part is larger than the step by which the heap grows. */
static int make_array(void)
{
    return fb_mp_array_make(BIG, 1, true, (struct fb_mp_array **)&memory);
}

static void free_array(void)
{
    fb_mp_array_free(memory);
}

static int make_queue(void)
{
    return fb_mp_queue_make(1 << 16, (struct fb_mp_queue **)&memory);
}

static void free_queue(void)
{
    fb_mp_queue_free(memory);
}

/* ---- processes ---- */

static struct fb_mp_process *process;

static int nothing(const void *argument, size_t size)
{
    (void)argument, (void)size;
#ifdef __SANITIZE_ADDRESS__
    _exit(0); /* the leak checker would report the parent's threads */
#endif
    return 0;
}

static int start(enum fb_mp_method method)
{
    const int fd[] = { STDIN_FILENO, STDERR_FILENO };
    const struct fb_mp_process_options options = {
        .run = nothing, .argument = "x", .size = 2, .fd = fd, .fds = 2, .method = method
    };
    struct fb_error error = { 0 };
    int result = fb_mp_process_start(&options, &process, &error);
    MUST(result == 0 || (error.code == result && error.text[0] != '\0'));
    return result;
}

static int start_fork(void)
{
    return start(FB_MP_FORK);
}

static int start_spawn(void)
{
    return start(FB_MP_SPAWN);
}

static void *call(void *context)
{
    int (*act)(void);
    memcpy(&act, context, sizeof act);
    return (void *)(intptr_t)act();
}

static int on_a_thread(int (*act)(void))
{
    pthread_t thread;
    void *result;
    MUST(injected_thread(&thread, call, &act) == 0 && pthread_join(thread, &result) == 0);
    return (int)(intptr_t)result;
}

static int start_fork_on_a_thread(void)
{
    return on_a_thread(start_fork);
}

static int start_spawn_on_a_thread(void)
{
    return on_a_thread(start_spawn);
}

static void end(void)
{
    int code = -1;
    MUST(fb_mp_process_join(process, LIMIT_NS) == 0);
    MUST(fb_mp_process_exit_code(process, &code) == 0 && code == 0);
    MUST(fb_mp_process_close(process) == 0);
}

/* ---- pipes, waiting, the log ---- */

static struct fb_mp_connection *left, *right, *third;

static int make_pipe(void)
{
    return fb_mp_pipe(true, &left, &right);
}

static void have_pipe(void)
{
    MUST(make_pipe() == 0);
}

static void close_pipe(void)
{
    fb_mp_connection_close(left);
    fb_mp_connection_close(right);
}

static int unpack(void)
{
    struct fb_mp_connection_packed packed;
    int fd[FB_MP_CONNECTION_FDS];
    fb_mp_connection_pack(left, &packed, fd);
    for (int i = 0; i < FB_MP_CONNECTION_FDS; i++)
        MUST((fd[i] = dup(fd[i])) >= 0);
    return fb_mp_connection_unpack(&packed, fd, &third);
}

static void close_third(void)
{
    fb_mp_connection_close(third);
}

static int send_fd(void)
{
    return fb_mp_send_fd(left, STDIN_FILENO);
}

/* Half of a message that failed may arrive first. */
static void receive_fd(void)
{
    int fd, result;
    while ((result = fb_mp_receive_fd(right, LIMIT_NS, &fd)) == -EBADMSG)
        ;
    MUST(result == 0 && close(fd) == 0);
}

/* A message that is too large for the buffer is not lost. */
static int receive_too_much(void)
{
    size_t size;
    int result = fb_mp_send(left, bytes, 1000);
    if (result == 0)
        result = fb_mp_receive(right, bytes, 10, 0, &size);
    return result == -EMSGSIZE ? 0 : result;
}

static void receive_kept(void)
{
    size_t size;
    MUST(fb_mp_receive(right, bytes, 1000, 0, &size) == 0 && size == 1000);
}

static int watch(void)
{
    bool ready[2];
    int fd[] = { fb_mp_connection_fd(left), fb_mp_connection_fd(right) };
    return fb_mp_wait(fd, 2, 0, ready);
}

static int write_log(void)
{
    fb_mp_log(FB_MP_LOG_ERROR, "a line");
    return 0;
}

static int null_fd;

static void open_log(void)
{
    MUST((null_fd = open("/dev/null", O_WRONLY | O_CLOEXEC)) >= 0);
    fb_mp_log_to(null_fd, FB_MP_LOG_INFO);
}

static void close_log(void)
{
    close(null_fd);
}

static void do_nothing(void)
{
}

/* ---- */

/* In this order: name, act, undo, prepare, finish, also, may_succeed. Creating the heap tries other
 * addresses if mmap fails, so operations that create it may succeed. */
static const struct operation heap_operations[] = {
    { "alloc, the first", allocate, release, NULL, NULL, { -ENOMEM }, true },
    { "alloc, growing", allocate_much, release, have_heap, NULL, { 0 }, false },
    { "lock_make", make_lock, release, NULL, NULL, { -ENOMEM }, true },
    { "semaphore_make", make_semaphore, release, NULL, NULL, { -ENOMEM }, true },
    { "event_make", make_event, release, NULL, NULL, { -ENOMEM }, true },
    { "condition_make", make_condition, release, NULL, NULL, { -ENOMEM }, true },
    { "barrier_make", make_barrier, free_barrier, NULL, NULL, { -ENOMEM }, true },
    { "array_make", make_array, free_array, NULL, NULL, { -ENOMEM }, true },
    { "queue_make", make_queue, free_queue, NULL, NULL, { -ENOMEM }, true },
};

static const struct operation process_operations[] = {
    { "process_start, fork", start_fork, end, have_heap, NULL, { 0 }, false },
    { "process_start, spawn", start_spawn, end, have_heap, NULL, { 0 }, false },
    { "process_start, fork, thread", start_fork_on_a_thread, end, have_heap, NULL, { 0 }, false },
    { "process_start, spawn, thread", start_spawn_on_a_thread, end, have_heap, NULL, { 0 }, false },
};

static const struct operation pipe_operations[] = {
    { "pipe", make_pipe, close_pipe, NULL, NULL, { -ENOMEM }, false },
    { "connection_unpack", unpack, close_third, have_pipe, close_pipe, { -ENOMEM }, false },
    { "send_fd", send_fd, receive_fd, have_pipe, close_pipe, { 0 }, true },
    { "receive", receive_too_much, receive_kept, have_pipe, close_pipe, { 0 }, true },
    { "wait", watch, do_nothing, have_pipe, close_pipe, { 0 }, false },
    { "log", write_log, do_nothing, open_log, close_log, { 0 }, true },
};

static void objects(void **state)
{
    (void)state;
    unsigned wrong = 0;
    CHECK(heap_operations);
    assert_int_equal(wrong, 0);
}

static void processes(void **state)
{
    (void)state;
    unsigned wrong = 0;
    CHECK(process_operations);
    assert_int_equal(wrong, 0);
}

static void pipes(void **state)
{
    (void)state;
    unsigned wrong = 0;
    CHECK(pipe_operations);
    assert_int_equal(wrong, 0);
}

/* ---- effects that an errno does not show ---- */

/* The sender continues, but does not send the rest of the message. */
static int receive_half(void *context)
{
    const char *name;
    size_t size;
    int code;
    (void)context;
    alarm(LIMIT_MS / 1000 / 6);
    have_pipe();
    injected_only = "sendmsg";
    injected_arm(2, false, 0);
    int sent = fb_mp_send(left, bytes, 100000);
    MUST(injected_disarm(&name, &code) && sent == -code);
    int result = fb_mp_receive(right, bytes, sizeof bytes, 0, &size);
    MUST(result == -EBADMSG || result == -ETIMEDOUT);
    MUST(fb_mp_send(left, "next", 4) == 0);
    if (result == -ETIMEDOUT)
        MUST(fb_mp_receive(right, bytes, sizeof bytes, 0, &size) == -EBADMSG);
    MUST(fb_mp_receive(right, bytes, sizeof bytes, 0, &size) == 0 && size == 4);
    return 0;
}

static void half_a_message_does_not_hang(void **state)
{
    (void)state;
    assert_int_equal(forked_end(forked_run(receive_half, NULL)), 0);
}

static int lose_large(void *context)
{
    const char *name;
    size_t size;
    int code;
    (void)context;
    alarm(LIMIT_MS / 1000);
    have_pipe();
    MUST(fb_mp_send(left, bytes, 100000) == 0 && fb_mp_send(left, "next", 4) == 0);
    injected_only = "malloc";
    injected_arm(1, false, 0);
    int result = fb_mp_receive(right, bytes, 10, 0, &size);
    MUST(injected_disarm(&name, &code) && result == -ENOMEM);
    MUST(fb_mp_receive(right, bytes, sizeof bytes, 0, &size) == 0 && size == 4);
    return 0;
}

static void a_lost_message_is_reported_once(void **state)
{
    (void)state;
    assert_int_equal(forked_end(forked_run(lose_large, NULL)), 0);
}

static const struct fb_mp_task tasks[] = { FB_MP_RUN(nothing), { 0 } };

int main(int argc, char **argv)
{
    fb_mp_main(argc, argv, tasks);
    segments_separate();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(objects),
        cmocka_unit_test(processes),
        cmocka_unit_test(pipes),
        cmocka_unit_test(half_a_message_does_not_hang),
        cmocka_unit_test(a_lost_message_is_reported_once),
    };
    return RUN_TESTS(tests);
}
