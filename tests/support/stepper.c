#include "tests/support/stepper.h"

#include "tests/support/support.h"
#include "tests/support/trace.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

#define EACH 150u /* without breakpoints: kill after each of the first instructions */
#define ENDLESS                                                                                    \
    50000u /* no operation is as long; on some CPUs a stepped atomic operation never ends */
#define IN_CALL (~0u) /* as a number of instructions: until the victim sleeps */

/* How far a victim has come; shared with it. */
enum { PREPARING, RUNNING, FINISHED };
static _Atomic uint32_t *mark;

static bool has_breakpoints;
static unsigned single_kills; /* calls of stepper_kill_after */

static void make_mark(void)
{
    if (mark)
        return;
    void *memory =
        mmap(NULL, sizeof *mark, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(memory != MAP_FAILED);
    mark = memory;
}

/* ---- victims ---- */

struct victim {
    const struct operation *operation;
    struct scene *scene;
    const struct trace *trace; /* of an earlier run; NULL: the victim is stepped all the way */
    pid_t pid;
    bool asleep; /* it has slept, or sleeps */
    bool missed; /* it has finished without arriving at its breakpoint */
    bool calls;  /* it runs from system call to system call */
};

/* Forks the victim and lets it run to where the operation is about to begin. */
static void start(struct victim *victim)
{
    const struct operation *operation = victim->operation;
    int status;
    make_mark();
    atomic_store(mark, PREPARING);
    victim->asleep = false;
    victim->pid = fork();
    if (victim->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(1);
        if (operation->prepare)
            operation->prepare(victim->scene);
        kill(getpid(), SIGSTOP);
        atomic_store(mark, RUNNING);
        operation->run(victim->scene);
        atomic_store(mark, FINISHED);
        _exit(0);
    }
    assert_true(victim->pid > 0);
    assert_int_equal(waitpid(victim->pid, &status, 0), victim->pid);
    assert_true(WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
    if (operation->ready)
        operation->ready(victim->scene);
}

/* Waits until the victim stops or ends; meanwhile it may sleep. False: it sleeps and is to be
 * killed asleep. */
static bool watch(struct victim *victim, bool kill_asleep, int *ret_status)
{
    struct sleeper sleeper = { .pid = victim->pid };
    uint64_t limit = clock_ms() + LIMIT_MS;
    while (waitpid(victim->pid, ret_status, WNOHANG) == 0) {
        sched_yield();
        if (!victim->asleep && sleeper_is_asleep(&sleeper)) {
            victim->asleep = true;
            if (kill_asleep)
                return false;
            victim->operation->asleep(victim->scene);
        }
        if (clock_ms() > limit)
            fail_msg("%s: a step takes for ever", victim->operation->name);
    }
    return true;
}

/* Lets the victim run until it stops or ends. False: see above. */
static bool resume(struct victim *victim, int request, bool kill_asleep, int *ret_status)
{
    assert_int_equal(ptrace(request, victim->pid, NULL, NULL), 0);
    if (victim->operation->asleep)
        return watch(victim, kill_asleep, ret_status);
    assert_int_equal(waitpid(victim->pid, ret_status, 0), victim->pid);
    return true;
}

static void assert_trapped(const struct victim *victim, int status)
{
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail_msg("%s: the victim ended or got a signal: %x", victim->operation->name, status);
}

/* One instruction. False: see above. */
static bool step(struct victim *victim, bool kill_asleep)
{
    int status = 0;
    if (!resume(victim, PTRACE_SINGLESTEP, kill_asleep, &status))
        return false;
    assert_trapped(victim, status);
    return true;
}

/* Forks the victim and lets it come to the operation's first instruction. */
static void start_operation(struct victim *victim)
{
    if (victim->operation->begin)
        victim->operation->begin(victim->scene);
    start(victim);
    while (atomic_load(mark) == PREPARING)
        step(victim, false);
}

/* Lets the victim run to a breakpoint at or shortly before an instruction of the trace. Returns the
 * number of instructions that it has executed. */
static unsigned run_near(struct victim *victim, unsigned instructions)
{
    const struct trace *trace = victim->trace;
    int status = 0;
    victim->missed = false;
    if (!trace || trace->count == 0 || instructions == 0 || instructions == IN_CALL)
        return 0;
    struct trace_stop stop =
        trace_find_stop(trace, instructions < trace->count ? instructions : trace->count - 1);
    assert_true(trace_break_at(victim->pid, trace->counter[stop.index]));
    for (unsigned i = 0; i < stop.hits; i++) {
        resume(victim, PTRACE_CONT, false, &status);
        if (WIFEXITED(status)) {
            victim->missed = true;
            return instructions;
        }
        assert_trapped(victim, status);
    }
    assert_true(trace_break_at(victim->pid, 0));
    return stop.index;
}

static bool kill_after(struct victim *victim, unsigned instructions)
{
    start_operation(victim);
    for (unsigned i = run_near(victim, instructions);
         i < instructions && atomic_load(mark) == RUNNING; i++) {
        if (i > ENDLESS)
            fail_msg("%s does not end", victim->operation->name);
        if (!step(victim, instructions == IN_CALL))
            break;
    }
    bool finished = atomic_load(mark) == FINISHED;
    if (!victim->missed)
        sleeper_reap(victim->pid);
    return finished;
}

bool stepper_kill_after(const struct operation *operation, struct scene *scene,
                        unsigned instructions)
{
    struct victim victim = { .operation = operation, .scene = scene };
    single_kills++;
    return kill_after(&victim, instructions);
}

/* What a victim left behind may also block the test process, which then reports where it died. */
static char hung[128];

static void on_alarm(int number)
{
    (void)number;
    if (write(STDERR_FILENO, hung, strlen(hung)) > 0)
        abort();
    _exit(1);
}

static void check(const struct victim *victim, bool finished, unsigned instructions)
{
    snprintf(hung, sizeof hung, "%s, killed after %d instructions: the test hangs\n",
             victim->operation->name, (int)instructions);
    signal(SIGALRM, on_alarm);
    alarm(LIMIT_MS / 1000);
    const char *wrong = victim->operation->check(victim->scene, finished);
    alarm(0);
    if (wrong && instructions == IN_CALL)
        fail_msg("%s, killed asleep: %s", victim->operation->name, wrong);
    if (wrong)
        fail_msg("%s, killed after %u %s%s: %s", victim->operation->name, instructions,
                 victim->calls ? "stops at calls" : "instructions", finished ? ", all of them" : "",
                 wrong);
}

/* Steps a victim through the whole operation. */
static void record(struct victim *victim, struct trace *ret_trace)
{
    start_operation(victim);
    while (atomic_load(mark) == RUNNING) {
        if (ret_trace->count == TRACE_MOST)
            fail_msg("%s does not end", victim->operation->name);
        ret_trace->counter[ret_trace->count++] = trace_counter(victim->pid);
        step(victim, false);
    }
    sleeper_reap(victim->pid);
    check(victim, true, ret_trace->count);
}

/* Kills a victim after that many instructions. Returns whether the operation was finished. */
static bool kill_and_check(struct victim *victim, unsigned instructions)
{
    bool finished = kill_after(victim, instructions);
    check(victim, finished, instructions);
    if (!victim->missed)
        return finished;
    /* It took another path than the recorded one, so it was checked as finished. Step the next. */
    struct victim stepped = { .operation = victim->operation, .scene = victim->scene };
    finished = kill_after(&stepped, instructions);
    check(&stepped, finished, instructions);
    return finished;
}

/* Up to how many instructions a victim is killed after each one; beyond, after a random sample. */
static unsigned exhaustive_limit(void)
{
    const char *wanted = getenv("STEPPER_EACH");
    return has_breakpoints ? ENDLESS : wanted ? (unsigned)strtoul(wanted, NULL, 10) : EACH;
}

void stepper_kill_everywhere(const struct operation *operation, struct scene *scene)
{
    static struct trace trace;
    struct victim victim = { .operation = operation, .scene = scene, .trace = &trace };
    unsigned killed = 1, missed = 0, instructions = 1;
    unsigned short seed[3] = { 1, 2, 3 };
    uint64_t start_ms = clock_ms();
    trace.count = 0;
    /* Before the trace is recorded, as its check may make calls for the first time, which would
     * pass the dynamic linker in the victim otherwise. */
    unsigned before = single_kills;
    assert_false(kill_and_check(&victim, 0));
    /* If the test killed another process first, each victim finds another state and takes another
     * path. No trace has all of them. */
    if (has_breakpoints && single_kills == before)
        record(&victim, &trace);
    unsigned exhaustive = exhaustive_limit();
    for (bool finished = false; !finished || instructions < trace.count; killed++) {
        finished = kill_and_check(&victim, instructions);
        missed += victim.missed;
        instructions +=
            instructions < exhaustive ? 1 : 1 + (unsigned)nrand48(seed) % (instructions / 20);
    }
    if (operation->asleep) {
        assert_true(victim.asleep);
        check(&victim, kill_after(&victim, IN_CALL), IN_CALL);
        killed++;
    }
    print_message("%s: killed at %u points of about %u instructions (%u off the trace), %u ms\n",
                  operation->name, killed, instructions - 1, missed,
                  (unsigned)(clock_ms() - start_ms));
}

/* Runs the victim until it enters or leaves a system call. */
static void step_to_call(struct victim *victim)
{
    int status = 0;
    assert_int_equal(ptrace(PTRACE_SYSCALL, victim->pid, NULL, NULL), 0);
    assert_int_equal(waitpid(victim->pid, &status, 0), victim->pid);
    assert_trapped(victim, status);
}

void stepper_kill_at_calls(const struct operation *operation, struct scene *scene)
{
    struct victim victim = { .operation = operation, .scene = scene, .calls = true };
    unsigned stops = 0;
    for (bool finished = false; !finished; stops++) {
        start_operation(&victim);
        for (unsigned i = 0; i < stops && atomic_load(mark) == RUNNING; i++)
            step_to_call(&victim);
        finished = atomic_load(mark) == FINISHED;
        sleeper_reap(victim.pid);
        check(&victim, finished, stops);
    }
    print_message("%s: killed at %u points before and after calls\n", operation->name, stops);
}

/* ---- */

/* Whether a stopped child that continues stops at a breakpoint. If not, it may have ended. */
static bool stops_at_breakpoint(pid_t pid)
{
    int status;
    uintptr_t counter = trace_counter(pid);
    return counter && trace_break_at(pid, counter) && ptrace(PTRACE_CONT, pid, NULL, NULL) == 0 &&
           waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP &&
           trace_counter(pid) == counter && trace_break_at(pid, 0);
}

static bool may_trace(void)
{
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) < 0)
            _exit(1);
        kill(getpid(), SIGSTOP);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status))
        return false; /* the child has exited */
    bool works = ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 &&
                 waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
                 WSTOPSIG(status) == SIGTRAP;
    has_breakpoints = works && stops_at_breakpoint(pid);
    sleeper_reap(pid);
    return works;
}

bool stepper_works(void)
{
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
    const bool sanitized = true; /* the sanitizers' checks make an operation ten times as long */
#else
    const bool sanitized = false;
#endif
    const char *preload = getenv("LD_PRELOAD"); /* valgrind shows here; it can't trace */
    return !sanitized && !(preload && strstr(preload, "vgpreload")) && may_trace() &&
           sleeper_works();
}

/* Tracer and victim take turns. On two CPUs each would have to wake the other one's CPU from idle.
 */
static void stay_on_this_cpu(void)
{
    cpu_set_t cpu;
    CPU_ZERO(&cpu);
    CPU_SET(sched_getcpu(), &cpu);
    sched_setaffinity(0, sizeof cpu, &cpu);
}

bool stepper_set_up(void)
{
    if (!stepper_works())
        return false;
    stay_on_this_cpu();
    return true;
}
