#include "tests/support/stepper.h"

#include "tests/support/support.h"

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

#define EACH 150u      /* so far every instruction, unless STEPPER_EACH says how far */
#define ENDLESS 50000u /* no operation is as long; a pair of exclusive instructions never ends */
#define IN_CALL (~0u)  /* as a number of instructions: until it sleeps */

/* How far a victim is; shared with it. */
enum { PREPARING, RUNNING, FINISHED };
static _Atomic uint32_t *mark;

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
    pid_t pid;
    bool asleep; /* it has slept, or sleeps */
    bool calls;  /* it runs from system call to system call */
};

/* Forks it and lets it come to where the operation is about to begin. */
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

/* Waits for the end of a step during which the victim may sleep. False: it sleeps and shall die so.
 */
static bool watch(struct victim *victim, bool die_asleep, int *ret_status)
{
    struct sleeper sleeper = { .pid = victim->pid };
    uint64_t limit = clock_ms() + LIMIT_MS;
    while (waitpid(victim->pid, ret_status, WNOHANG) == 0) {
        sched_yield();
        if (!victim->asleep && sleeper_is_asleep(&sleeper)) {
            victim->asleep = true;
            if (die_asleep)
                return false;
            victim->operation->asleep(victim->scene);
        }
        if (clock_ms() > limit)
            fail_msg("%s: a step takes for ever", victim->operation->name);
    }
    return true;
}

/* One instruction. False: see above. */
static bool step(struct victim *victim, bool die_asleep)
{
    int status = 0;
    assert_int_equal(ptrace(PTRACE_SINGLESTEP, victim->pid, NULL, NULL), 0);
    if (!victim->operation->asleep)
        assert_int_equal(waitpid(victim->pid, &status, 0), victim->pid);
    else if (!watch(victim, die_asleep, &status))
        return false;
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail_msg("%s: the victim ended or got a signal: %x", victim->operation->name, status);
    return true;
}

static bool kill_after(struct victim *victim, unsigned instructions)
{
    if (victim->operation->begin)
        victim->operation->begin(victim->scene);
    start(victim);
    while (atomic_load(mark) == PREPARING)
        step(victim, false);
    for (unsigned i = 0; i < instructions && atomic_load(mark) == RUNNING; i++) {
        if (i > ENDLESS)
            fail_msg("%s does not end", victim->operation->name);
        if (!step(victim, instructions == IN_CALL))
            break;
    }
    bool finished = atomic_load(mark) == FINISHED;
    sleeper_reap(victim->pid);
    return finished;
}

bool stepper_kill_after(const struct operation *operation, struct scene *scene,
                        unsigned instructions)
{
    struct victim victim = { .operation = operation, .scene = scene };
    return kill_after(&victim, instructions);
}

/* What the dead left may also hang the test process itself, which then can't say where. */
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

static unsigned each(void)
{
    const char *wanted = getenv("STEPPER_EACH");
    return wanted ? (unsigned)strtoul(wanted, NULL, 10) : EACH;
}

void stepper_kill_everywhere(const struct operation *operation, struct scene *scene)
{
    struct victim victim = { .operation = operation, .scene = scene };
    unsigned killed = 0, instructions = 0, far = each();
    unsigned short seed[3] = { 1, 2, 3 };
    uint64_t start_ms = clock_ms();
    for (bool finished = false; !finished; killed++) {
        finished = kill_after(&victim, instructions);
        check(&victim, finished, instructions);
        if (!finished)
            instructions +=
                instructions < far ? 1 : 1 + (unsigned)nrand48(seed) % (instructions / 20);
    }
    if (operation->asleep) {
        assert_true(victim.asleep);
        check(&victim, kill_after(&victim, IN_CALL), IN_CALL);
        killed++;
    }
    print_message("%s: killed at %u points of about %u instructions, %u ms\n", operation->name,
                  killed, instructions, (unsigned)(clock_ms() - start_ms));
}

/* Until it is about to make a system call, or has made it. */
static void step_to_call(struct victim *victim)
{
    int status = 0;
    assert_int_equal(ptrace(PTRACE_SYSCALL, victim->pid, NULL, NULL), 0);
    assert_int_equal(waitpid(victim->pid, &status, 0), victim->pid);
    if (!WIFSTOPPED(status) || WSTOPSIG(status) != SIGTRAP)
        fail_msg("%s: the victim ended or got a signal: %x", victim->operation->name, status);
}

void stepper_kill_at_calls(const struct operation *operation, struct scene *scene)
{
    struct victim victim = { .operation = operation, .scene = scene, .calls = true };
    unsigned stops = 0;
    for (bool finished = false; !finished; stops++) {
        if (operation->begin)
            operation->begin(scene);
        start(&victim);
        while (atomic_load(mark) == PREPARING)
            step(&victim, false);
        for (unsigned i = 0; i < stops && atomic_load(mark) == RUNNING; i++)
            step_to_call(&victim);
        finished = atomic_load(mark) == FINISHED;
        sleeper_reap(victim.pid);
        check(&victim, finished, stops);
    }
    print_message("%s: killed at %u points before and after calls\n", operation->name, stops);
}

/* ---- */

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
        return false; /* it is gone */
    bool works = ptrace(PTRACE_SINGLESTEP, pid, NULL, NULL) == 0 &&
                 waitpid(pid, &status, 0) == pid && WIFSTOPPED(status) &&
                 WSTOPSIG(status) == SIGTRAP;
    sleeper_reap(pid);
    return works;
}

bool stepper_works(void)
{
#if defined __SANITIZE_THREAD__ || defined __SANITIZE_ADDRESS__
    const bool sanitized = true; /* their checks make an operation ten times as long */
#else
    const bool sanitized = false;
#endif
    const char *preload = getenv("LD_PRELOAD"); /* how valgrind, which traces nothing, shows */
    return !sanitized && !(preload && strstr(preload, "vgpreload")) && may_trace() &&
           sleeper_works();
}

/* Tracer and victim take turns, so two CPUs only mean that each wakes the other one from its sleep.
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
