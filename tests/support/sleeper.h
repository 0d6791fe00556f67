/* Forked processes that sleep on a word of the shared heap, for tests of what wakes them. */
#ifndef TEST_SLEEPER_H
#define TEST_SLEEPER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* A process that waits longer than this for its wake-up is taken to be blocked. */
#define STEPPER_LIMIT_MS 1000u

struct scene; /* what a test's processes work on; each test defines its own */

struct sleeper {
    pid_t pid;
    const _Atomic uint32_t *word;
    uint32_t expected; /* the value of the word with which it went to sleep */
};

/* Forks a process that runs body and exits with what it returns. */
void sleeper_fork(struct sleeper *sleeper, int (*body)(struct scene *scene), struct scene *scene);

/* Waits until the process sleeps, and stores on which word. */
void sleeper_settle(struct sleeper *sleeper);

/* Whether the process exits with 0 within STEPPER_LIMIT_MS. Otherwise it is killed. */
bool sleeper_ends(struct sleeper *sleeper);

/* Whether the process is in a futex call on a word of the heap; if so, stores which. */
bool sleeper_is_asleep(struct sleeper *sleeper);

/* Whether the system lets a process see what its child sleeps on. */
bool sleeper_works(void);

/* Kills a child and waits for its end. Returns its wait status. */
int sleeper_reap(pid_t pid);

#endif
