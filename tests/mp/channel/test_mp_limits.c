/* harness/mp/channel: edge cases of pipes and queues. */
#include "tests/support/support.h"

#include "harness/mp/channel/connection.h"
#include "harness/mp/core/heap.h"
#include "harness/mp/channel/queue.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* No packet is sent, so that the receiver sees no incomplete message. */
static void a_refused_descriptor_sends_nothing(void **state)
{
    (void)state;
    struct fb_mp_connection *first, *second;
    char byte = 0;
    size_t size;
    assert_int_equal(fb_mp_pipe(true, &first, &second), 0);
    assert_int_equal(fb_mp_send_fd(first, 999), -EBADF);
    assert_int_equal(fb_mp_send(first, NULL, 1), -EINVAL);
    assert_int_equal(fb_mp_send(first, "x", 1), 0);
    assert_int_equal(fb_mp_receive(second, &byte, 1, LIMIT_NS, &size), 0);
    assert_int_equal(byte, 'x');
    assert_int_equal(fb_mp_receive(second, &byte, 1, 0, &size), -ETIMEDOUT);
    fb_mp_connection_close(first);
    fb_mp_connection_close(second);
}

static void a_message_needs_bytes(void **state)
{
    (void)state;
    struct fb_mp_queue *queue;
    assert_int_equal(fb_mp_queue_make(2, &queue), 0);
    assert_int_equal(fb_mp_queue_put(queue, NULL, 7, 0), -EINVAL);
    assert_int_equal(fb_mp_queue_put(queue, NULL, 0, 0), 0);
    assert_int_equal(fb_mp_queue_size(queue), 1);
    fb_mp_queue_free(queue);
}

/* A large message to a closed or full queue is refused with the same error as a small one. */
static void large_messages_are_refused_alike(void **state)
{
    (void)state;
    char bytes[100] = { 0 };
    struct fb_mp_queue *queue;
    assert_int_equal(fb_mp_queue_make(1, &queue), 0);
    assert_int_equal(fb_mp_queue_put(queue, bytes, 100, 0), 0);
    assert_int_equal(fb_mp_queue_put(queue, bytes, 100, 0), -ETIMEDOUT);
    fb_mp_queue_close(queue);
    assert_int_equal(fb_mp_queue_put(queue, bytes, 10, 0), -EPIPE);
    assert_int_equal(fb_mp_queue_put(queue, bytes, 100, 0), -EPIPE);
    fb_mp_queue_free(queue);
}

/* ---- a process whose first thread has ended ---- */

static struct fb_mp_queue *queue;
static _Atomic uint32_t *taken;

static void *take_and_pause(void *context)
{
    (void)context;
    char bytes[8];
    size_t size;
    if (fb_mp_queue_get(queue, bytes, sizeof bytes, 0, &size) == 0)
        atomic_store(taken, 1);
    for (;;)
        pause();
    return NULL;
}

static char state_of(pid_t pid)
{
    char path[32], state = '?';
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    FILE *file = fopen(path, "r");
    if (file && fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
        state = '?';
    if (file)
        fclose(file);
    return state;
}

static void a_process_is_alive_as_long_as_a_thread_of_it(void **state)
{
    (void)state;
    void *memory;
    assert_int_equal(fb_mp_alloc(sizeof *taken, &memory), 0);
    taken = memory;
    assert_int_equal(fb_mp_queue_make(2, &queue), 0);
    assert_int_equal(fb_mp_queue_put(queue, "message", 8, 0), 0);
    pid_t pid = fork();
    if (pid == 0) {
        pthread_t thread;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pthread_create(&thread, NULL, take_and_pause, NULL) == 0)
            pthread_exit(NULL);
        _exit(1);
    }
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (atomic_load(taken) && state_of(pid) == 'Z')
            break;
    assert_int_equal(state_of(pid), 'Z');
    assert_int_equal(fb_mp_queue_abandoned(queue), 0);
    kill(pid, SIGKILL);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(fb_mp_queue_abandoned(queue), 1);
    fb_mp_queue_free(queue);
    fb_mp_free(memory);
}

int main(void)
{
    fb_mp_heap_make(); /* its descriptor stays open as long as the program runs */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_refused_descriptor_sends_nothing),
        cmocka_unit_test(a_message_needs_bytes),
        cmocka_unit_test(large_messages_are_refused_alike),
        cmocka_unit_test(a_process_is_alive_as_long_as_a_thread_of_it),
    };
    return RUN_TESTS(tests);
}
