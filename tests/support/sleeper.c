#include "tests/support/sleeper.h"

#include "tests/support/support.h"

#include "harness/mp/core/heap.h"

#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int sleeper_reap(pid_t pid)
{
    int status = 0;
    kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) == pid && !WIFEXITED(status) && !WIFSIGNALED(status))
        ;
    return status;
}

bool sleeper_is_asleep(struct sleeper *sleeper)
{
    char path[32];
    long call;
    unsigned long word, flags, expected;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)sleeper->pid);
    FILE *file = fopen(path, "r");
    if (!file)
        return false;
    int found = fscanf(file, "%ld %lx %lx %lx", &call, &word, &flags, &expected);
    fclose(file);
    if (found != 4 || call != SYS_futex)
        return false;
    sleeper->word = (const _Atomic uint32_t *)word;
    sleeper->expected = (uint32_t)expected;
    return fb_mp_is_shared((const void *)word, sizeof(uint32_t));
}

void sleeper_fork(struct sleeper *sleeper, int (*body)(struct scene *scene), struct scene *scene)
{
    *sleeper = (struct sleeper){ .pid = fork() };
    if (sleeper->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(body(scene));
    }
    assert_true(sleeper->pid > 0);
}

void sleeper_settle(struct sleeper *sleeper)
{
    uint64_t limit = clock_ms() + LIMIT_MS;
    while (!sleeper_is_asleep(sleeper)) {
        if (clock_ms() > limit)
            fail_msg("process %d does not go to sleep", (int)sleeper->pid);
        sched_yield();
    }
}

bool sleeper_ends(struct sleeper *sleeper)
{
    int status;
    uint64_t limit = clock_ms() + STEPPER_LIMIT_MS;
    while (waitpid(sleeper->pid, &status, WNOHANG) == 0) {
        if (clock_ms() > limit) {
            sleeper_reap(sleeper->pid);
            return false;
        }
        sched_yield();
    }
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

bool sleeper_works(void)
{
    char path[32];
    pid_t pid = fork();
    if (pid == 0)
        for (;;)
            pause();
    if (pid < 0)
        return false;
    snprintf(path, sizeof path, "/proc/%d/syscall", (int)pid);
    FILE *file = fopen(path, "r");
    bool works = file && fgetc(file) != EOF;
    if (file)
        fclose(file);
    sleeper_reap(pid);
    return works;
}
