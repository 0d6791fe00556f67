/* bench/host/audit.c, relatives.c, counters.c: what processes used up and hold is found, wherever it
 * was. They burn what their own clock shows, so nothing depends on how fast the machine is. */
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
#define STRANGER_NS (400 * MS) /* many clock ticks */
#define BLOCK_BYTES (32 * MIB)
#define BLOCK_FOUND_BYTES (30 * MIB)

/* ---- others that compute ---- */

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

/* Somebody says that it is ready, and goes on when it is told to or when we are gone. */
struct line {
    int ready[2], end[2];
};

static struct line line_make(void)
{
    struct line line;
    assert_int_equal(pipe2(line.ready, O_CLOEXEC), 0);
    assert_int_equal(pipe2(line.end, O_CLOEXEC), 0);
    return line;
}

static void say_ready(const struct line *line)
{
    if (write(line->ready[1], "r", 1) != 1)
        abort();
}

/* Returns at a word or the end of file. */
static void wait_to_go_on(const struct line *line)
{
    char word;
    while (read(line->end[0], &word, 1) < 0)
        ;
}

static bool wait_ready(const struct line *line)
{
    char word;
    return read(line->ready[0], &word, 1) == 1;
}

static void line_close(const struct line *line)
{
    for (int i = 0; i < 2; i++) {
        close(line->ready[i]);
        close(line->end[i]);
    }
}

/* A child without our ends of the line. */
static pid_t child_make(const struct line *line)
{
    pid_t pid = fork();
    if (pid != 0)
        return pid;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    close(line->ready[0]);
    close(line->end[1]);
    return 0;
}

static void child_end(pid_t pid, const struct line *line)
{
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    line_close(line);
}

static void skip_unless_known(const struct fb_optional *reading)
{
    if (reading->known)
        return;
    print_message("unavailable: %s\n", reading->reason);
    skip();
}

static struct fb_process_tree relatives(void)
{
    struct fb_process_tree sum;
    fb_process_tree_read(&sum);
    return sum;
}

/* What a child, or its child, or a thread has burned and waits with. */
static void check_found(const struct fb_process_tree *before, const struct fb_process_tree *after)
{
    skip_unless_known(&before->cpu_ns);
    assert_true(after->cpu_ns.known);
    assert_true(after->cpu_ns.value - before->cpu_ns.value >= BURN_FOUND_NS);
    assert_true(after->waiting_ns.known && after->involuntary_switches.known);
}

/* ---- relatives ---- */

static void burn_and_wait(const struct line *line)
{
    burn(CLOCK_PROCESS_CPUTIME_ID, BURN_NS);
    say_ready(line);
    wait_to_go_on(line);
    _exit(0);
}

static void child_is_counted(void **state)
{
    (void)state;
    struct fb_process_tree before = relatives();
    struct line line = line_make();
    pid_t pid = child_make(&line);
    if (pid == 0)
        burn_and_wait(&line);
    assert_true(pid > 0);
    bool ready = wait_ready(&line);
    struct fb_process_tree after = relatives();
    child_end(pid, &line);
    assert_true(ready);
    check_found(&before, &after);
}

static void grandchild_is_counted(void **state)
{
    (void)state;
    struct fb_memory memory, alone;
    fb_memory_read(&alone);
    struct fb_process_tree before = relatives();
    struct line line = line_make();
    pid_t pid = child_make(&line);
    if (pid == 0) {
        if (child_make(&line) == 0)
            burn_and_wait(&line);
        wait_to_go_on(&line);
        _exit(0);
    }
    assert_true(pid > 0);
    bool ready = wait_ready(&line);
    struct fb_process_tree after = relatives();
    fb_memory_read(&memory);
    child_end(pid, &line);
    assert_true(ready);
    check_found(&before, &after);
    skip_unless_known(&alone.processes);
    assert_int_equal(alone.processes.value, 1);
    assert_int_equal(memory.processes.value, 3);
}

static void *thread_main(void *argument)
{
    burn(CLOCK_THREAD_CPUTIME_ID, BURN_NS);
    say_ready(argument);
    wait_to_go_on(argument);
    return NULL;
}

static void thread_is_counted(void **state)
{
    (void)state;
    struct fb_process_tree before = relatives();
    struct line line = line_make();
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, thread_main, &line), 0);
    bool ready = wait_ready(&line);
    struct fb_process_tree after = relatives();
    bool told = write(line.end[1], "e", 1) == 1;
    assert_int_equal(pthread_join(thread, NULL), 0);
    line_close(&line);
    assert_true(ready && told);
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

/* Those that ended before it began are no part of it. */
static void quiet_window(void **state)
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

/* Somebody who does not descend from us: its parent is gone. It burns and says its pid. */
static pid_t stranger_make(const struct line *line)
{
    pid_t pid = fork(), stranger = 0;
    if (pid == 0) {
        pid_t own = fork();
        if (own != 0)
            _exit(own < 0);
        setsid();
        close(line->ready[0]);
        close(line->end[1]);
        own = getpid();
        if (write(line->ready[1], &own, sizeof own) != sizeof own)
            _exit(1);
        wait_to_go_on(line);
        burn(CLOCK_PROCESS_CPUTIME_ID, STRANGER_NS);
        burn_and_wait(line);
    }
    if (pid > 0)
        waitpid(pid, NULL, 0);
    if (pid < 0 || read(line->ready[0], &stranger, sizeof stranger) != sizeof stranger)
        return 0;
    return stranger;
}

static void busy_stranger_is_seen(void **state)
{
    (void)state;
    struct fb_auditor auditor;
    struct fb_audit audit;
    struct line line = line_make();
    fb_audit_open(&auditor);
    pid_t stranger = stranger_make(&line);
    fb_audit_begin(&auditor);
    bool told = write(line.end[1], "b", 1) == 1;
    bool ready = told && wait_ready(&line);
    fb_audit_end(&auditor, &audit);
    fb_audit_close(&auditor);
    if (stranger > 0)
        kill(stranger, SIGKILL);
    line_close(&line);
    assert_true(stranger > 0 && ready);
    skip_unless_known(&audit.other_ns);
    assert_true(audit.other_ns.value >= STRANGER_NS / 2);
    assert_true(audit.cpu_ns.known && audit.cpu_ns.value < STRANGER_NS / 2);
}

/* ---- memory ---- */

static void touch(volatile char *block)
{
    for (int64_t at = 0; at < BLOCK_BYTES; at += 4096)
        block[at] = 1;
}

/* What is held before and after a child touched the block, and we did too if it is shared. */
static void touch_in_child(int kind, struct fb_memory *ret_before, struct fb_memory *ret_after)
{
    struct line line = line_make();
    char *block = mmap(NULL, BLOCK_BYTES, PROT_READ | PROT_WRITE, kind | MAP_ANONYMOUS, -1, 0);
    assert_true(block != MAP_FAILED);
    pid_t pid = child_make(&line);
    if (pid == 0) {
        say_ready(&line);
        wait_to_go_on(&line);
        touch(block);
        say_ready(&line);
        wait_to_go_on(&line);
        _exit(0);
    }
    assert_true(pid > 0);
    bool ready = wait_ready(&line);
    fb_memory_read(ret_before);
    if (kind == MAP_SHARED)
        touch(block);
    ready = ready && write(line.end[1], "t", 1) == 1 && wait_ready(&line);
    fb_memory_read(ret_after);
    child_end(pid, &line);
    munmap(block, BLOCK_BYTES);
    assert_true(ready);
    skip_unless_known(&ret_before->pss_bytes);
    assert_int_equal(ret_after->processes.value, 2);
}

/* Holds the block, once. */
static void check_block(const struct fb_optional *before, const struct fb_optional *after)
{
    int64_t more = after->value - before->value;
    assert_true(more >= BLOCK_FOUND_BYTES && more < 2 * BLOCK_FOUND_BYTES);
}

static void private_memory_is_the_child_s_own(void **state)
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

/* ---- counters and readings ---- */

static void counters_count_or_say_why(void **state)
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

static void readings_in_json(void **state)
{
    (void)state;
    struct fb_optional reading = fb_optional_of(-12345678901234);
    json_t *json = fb_optional_json(&reading);
    assert_true(json_integer_value(json) == -12345678901234);
    json_decref(json);
    reading = fb_optional_missing("no %s of CPU %u", "file", 3u);
    json = fb_optional_json(&reading);
    assert_string_equal(json_string_value(json), "unavailable: no file of CPU 3");
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(child_is_counted),
        cmocka_unit_test(grandchild_is_counted),
        cmocka_unit_test(thread_is_counted),
        cmocka_unit_test(ended_children_are_counted),
        cmocka_unit_test(quiet_window),
        cmocka_unit_test(busy_stranger_is_seen),
        cmocka_unit_test(private_memory_is_the_child_s_own),
        cmocka_unit_test(shared_memory_is_counted_once),
        cmocka_unit_test(counters_count_or_say_why),
        cmocka_unit_test(readings_in_json),
    };
    return RUN_TESTS(tests);
}
