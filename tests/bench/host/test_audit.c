/* bench/host/audit.c, process_tree.c, counters.c: CPU time and memory of every thread and process are
 * found. Tests compute until a CPU clock has advanced, however fast the machine is. */
#include "tests/support/support.h"

#include "bench/host/audit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MS 1000000ll
#define MIB (1ll << 20)
#define BURN_NS (60 * MS)
#define BURN_FOUND_NS (BURN_NS * 8 / 10)
#define OTHER_NS (400 * MS) /* many clock ticks */
#define BLOCK_BYTES (32 * MIB)
#define BLOCK_FOUND_BYTES (30 * MIB)

/* ---- processes that compute ---- */

static int64_t clock_read(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static void burn(clockid_t clock, int64_t ns)
{
    int64_t until = clock_read(clock) + ns;
    while (clock_read(clock) < until)
        ;
}

/* Pipes to another process or thread. It writes to `ready`; it continues on input or end of `go`. */
struct pipes {
    int ready[2], go[2];
};

static struct pipes pipes_make(void)
{
    struct pipes pipes;
    assert_int_equal(pipe2(pipes.ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(pipes.go, O_CLOEXEC), 0);
    return pipes;
}

static void write_ready(const struct pipes *pipes)
{
    if (write(pipes->ready[1], "r", 1) != 1)
        abort();
}

static void wait_to_go_on(const struct pipes *pipes)
{
    char word;
    while (read(pipes->go[0], &word, 1) < 0)
        ;
}

static bool wait_ready(const struct pipes *pipes)
{
    char word;
    return read(pipes->ready[0], &word, 1) == 1;
}

static void pipes_close(const struct pipes *pipes)
{
    for (int i = 0; i < 2; i++) {
        close(pipes->ready[i]);
        close(pipes->go[i]);
    }
}

/* Forks a child that has only its own ends of the pipes. */
static pid_t child_make(const struct pipes *pipes)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(pipes->ready[0]);
    close(pipes->go[1]);
    return 0;
}

static void child_end(pid_t pid, const struct pipes *pipes)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    pipes_close(pipes);
}

static void skip_unless_known(const struct fb_optional *value)
{
    if (value->known)
        return;
    print_message("unavailable: %s\n", value->reason);
    skip();
}

static struct fb_process_tree read_tree(void)
{
    struct fb_process_tree sum;
    fb_process_tree_read(&sum);
    return sum;
}

/* Checks that the CPU time of a child, grandchild or thread was found. */
static void check_found(const struct fb_process_tree *before, const struct fb_process_tree *after)
{
    skip_unless_known(&before->cpu_ns);
    assert_true(after->cpu_ns.known);
    assert_true(after->cpu_ns.value - before->cpu_ns.value >= BURN_FOUND_NS);
    assert_true(after->waiting_ns.known && after->involuntary_switches.known);
}

/* ---- process tree ---- */

static void burn_and_wait(const struct pipes *pipes)
{
    burn(CLOCK_PROCESS_CPUTIME_ID, BURN_NS);
    write_ready(pipes);
    wait_to_go_on(pipes);
    _exit(0);
}

static void a_child_is_counted(void **state)
{
    (void)state;
    struct fb_process_tree before = read_tree();
    struct pipes pipes = pipes_make();
    pid_t pid = child_make(&pipes);
    if (pid == 0)
        burn_and_wait(&pipes);
    assert_true(pid > 0);
    bool ready = wait_ready(&pipes);
    struct fb_process_tree after = read_tree();
    child_end(pid, &pipes);
    assert_true(ready);
    check_found(&before, &after);
}

static void a_grandchild_is_counted(void **state)
{
    (void)state;
    struct fb_memory memory, alone;
    fb_memory_read(&alone);
    struct fb_process_tree before = read_tree();
    struct pipes pipes = pipes_make();
    pid_t pid = child_make(&pipes);
    if (pid == 0) {
        if (child_make(&pipes) == 0)
            burn_and_wait(&pipes);
        wait_to_go_on(&pipes);
        _exit(0);
    }
    assert_true(pid > 0);
    bool ready = wait_ready(&pipes);
    struct fb_process_tree after = read_tree();
    fb_memory_read(&memory);
    child_end(pid, &pipes);
    assert_true(ready);
    check_found(&before, &after);
    skip_unless_known(&alone.processes);
    assert_int_equal(alone.processes.value, 1);
    assert_int_equal(memory.processes.value, 3);
}

static void *thread_main(void *argument)
{
    burn(CLOCK_THREAD_CPUTIME_ID, BURN_NS);
    write_ready(argument);
    wait_to_go_on(argument);
    return NULL;
}

static void a_thread_is_counted(void **state)
{
    (void)state;
    struct fb_process_tree before = read_tree();
    struct pipes pipes = pipes_make();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, thread_main, &pipes), 0);
    bool ready = wait_ready(&pipes);
    struct fb_process_tree after = read_tree();
    bool sent = write(pipes.go[1], "e", 1) == 1;
    assert_int_equal(pthread_join(thread, NULL), 0);
    pipes_close(&pipes);
    assert_true(ready && sent);
    check_found(&before, &after);
}

/* ---- audits ---- */

static void ended_children_are_counted(void **state)
{
    (void)state;
    struct fb_auditor auditor;
    struct fb_audit audit;
    fb_audit_open(&auditor);
    fb_audit_begin(&auditor);
    pid_t pid = fork();
    if (pid == 0) {
        burn(CLOCK_PROCESS_CPUTIME_ID, BURN_NS);
        _exit(0);
    }
    pid_t ended = pid > 0 ? waitpid(pid, NULL, 0) : -1;
    fb_audit_end(&auditor, &audit);
    fb_audit_close(&auditor);
    assert_true(pid > 0 && ended == pid);
    assert_false(audit.waiting_ns.known);
    skip_unless_known(&audit.cpu_ns);
    assert_true(audit.cpu_ns.value >= BURN_FOUND_NS);
}

/* Children that ended before the window started do not count. */
static void an_idle_window_has_little_cpu_time(void **state)
{
    (void)state;
    struct fb_auditor auditor;
    struct fb_audit audit;
    fb_audit_open(&auditor);
    fb_audit_begin(&auditor);
    fb_audit_end(&auditor, &audit);
    fb_audit_close(&auditor);
    skip_unless_known(&audit.cpu_ns);
    assert_true(audit.cpu_ns.value >= 0);
    assert_true(audit.cpu_ns.value <= (int64_t)audit.window_ns + BURN_NS / 2);
    assert_true(audit.waiting_ns.known && audit.waiting_ns.value >= 0);
    assert_int_equal(audit.memory.processes.value, 1);
}

/* Makes a process that is no descendant, because its parent has exited. It writes its pid and
 * computes. */
static pid_t make_other_process(const struct pipes *pipes)
{
    pid_t pid = fork(), other = 0;
    if (pid == 0) {
        pid_t own = fork();
        if (own != 0)
            _exit(own < 0);
        setsid();
        close(pipes->ready[0]);
        close(pipes->go[1]);
        own = getpid();
        if (write(pipes->ready[1], &own, sizeof own) != sizeof own)
            _exit(1);
        wait_to_go_on(pipes);
        burn(CLOCK_PROCESS_CPUTIME_ID, OTHER_NS);
        burn_and_wait(pipes);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    if (pid < 0 || read(pipes->ready[0], &other, sizeof other) != sizeof other)
        return 0;
    return other;
}

static void cpu_time_of_another_process_is_seen(void **state)
{
    (void)state;
    struct fb_auditor auditor;
    struct fb_audit audit;
    struct pipes pipes = pipes_make();
    fb_audit_open(&auditor);
    pid_t other = make_other_process(&pipes);
    fb_audit_begin(&auditor);
    bool sent = write(pipes.go[1], "b", 1) == 1;
    bool ready = sent && wait_ready(&pipes);
    fb_audit_end(&auditor, &audit);
    fb_audit_close(&auditor);
    if (other > 0)
        kill(other, SIGKILL);
    pipes_close(&pipes);
    assert_true(other > 0 && ready);
    skip_unless_known(&audit.other_ns);
    assert_true(audit.other_ns.value >= OTHER_NS / 2);
    assert_true(audit.cpu_ns.known && audit.cpu_ns.value < OTHER_NS / 2);
}

/* ---- memory ---- */

static void touch(volatile char *block)
{
    for (int64_t at = 0; at < BLOCK_BYTES; at += 4096)
        block[at] = 1;
}

/* The memory before and after a child touched the block; if it is shared, this process touches it,
 * too. */
static void touch_in_child(int kind, struct fb_memory *ret_before, struct fb_memory *ret_after)
{
    struct pipes pipes = pipes_make();
    char *block = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    pid_t pid = child_make(&pipes);
    if (pid == 0) {
        write_ready(&pipes);
        wait_to_go_on(&pipes);
        touch(block);
        write_ready(&pipes);
        wait_to_go_on(&pipes);
        _exit(0);
    }
    assert_true(pid > 0);
    bool ready = wait_ready(&pipes);
    fb_memory_read(ret_before);
    if (kind == MAP_SHARED)
        touch(block);
    ready = ready && write(pipes.go[1], "t", 1) == 1 && wait_ready(&pipes);
    fb_memory_read(ret_after);
    child_end(pid, &pipes);
    munmap(block, BLOCK_BYTES);
    assert_true(ready);
    skip_unless_known(&ret_before->pss_bytes);
    assert_int_equal(ret_after->processes.value, 2);
}

/* Checks that the block was counted once. */
static void check_block(const struct fb_optional *before, const struct fb_optional *after)
{
    int64_t more = after->value - before->value;
    assert_true(more >= BLOCK_FOUND_BYTES && more < 2 * BLOCK_FOUND_BYTES);
}

static void private_memory_counts_for_the_child(void **state)
{
    (void)state;
    struct fb_memory before, after;
    touch_in_child(MAP_PRIVATE, &before, &after);
    check_block(&before.uss_bytes, &after.uss_bytes);
    check_block(&before.pss_bytes, &after.pss_bytes);
}

static void shared_memory_is_counted_once(void **state)
{
    (void)state;
    struct fb_memory before, after;
    touch_in_child(MAP_SHARED, &before, &after);
    assert_true(after.uss_bytes.value - before.uss_bytes.value < BLOCK_BYTES / 4);
    check_block(&before.pss_bytes, &after.pss_bytes);
}

/* ---- counters and optional values ---- */

static void counters_count_or_give_a_reason(void **state)
{
    (void)state;
    struct fb_counters counters;
    struct fb_optional before[FB_COUNTERS], after[FB_COUNTERS];
    fb_counters_open(&counters);
    fb_counters_read(&counters, before);
    burn(CLOCK_THREAD_CPUTIME_ID, BURN_NS);
    fb_counters_read(&counters, after);
    fb_counters_close(&counters);
    for (int i = 0; i < FB_COUNTERS; i++) {
        assert_int_equal(before[i].known, after[i].known);
        if (before[i].known)
            assert_true(before[i].value >= 0 && after[i].value >= before[i].value);
        else
            assert_string_not_equal(after[i].reason, "");
    }
}

static void optional_values_become_json(void **state)
{
    (void)state;
    struct fb_optional value = fb_optional_of(-12345678901234);
    json_t *json = fb_optional_json(&value);
    assert_true(json_integer_value(json) == -12345678901234);
    json_decref(json);
    value = fb_optional_missing("no %s of CPU %u", "file", 3u);
    json = fb_optional_json(&value);
    assert_string_equal(json_string_value(json), "unavailable: no file of CPU 3");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_counted),
        cmocka_unit_test(a_grandchild_is_counted),
        cmocka_unit_test(a_thread_is_counted),
        cmocka_unit_test(ended_children_are_counted),
        cmocka_unit_test(an_idle_window_has_little_cpu_time),
        cmocka_unit_test(cpu_time_of_another_process_is_seen),
        cmocka_unit_test(private_memory_counts_for_the_child),
        cmocka_unit_test(shared_memory_is_counted_once),
        cmocka_unit_test(counters_count_or_give_a_reason),
        cmocka_unit_test(optional_values_become_json),
    };
    return RUN_TESTS(tests);
}
