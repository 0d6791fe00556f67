/* Kills a process at every instruction of an operation, for tests of what its death leaves behind.
 */
#ifndef TEST_STEPPER_H
#define TEST_STEPPER_H

#include "tests/support/sleeper.h"

/* Whether a process may trace its child here, and see what it sleeps on. */
bool stepper_works(void);

/* The same; if so, binds this process and all that it forks to one CPU, where a step takes a
 * quarter of the time. */
bool stepper_set_up(void);

/* ---- victims ---- */

struct operation {
    const char *name;
    /* In the test process, before each victim is forked. May be NULL. */
    void (*begin)(struct scene *scene);
    /* In the victim, at full speed: what comes before the operation. It also makes each library
     * call of the operation once, on another object if necessary, because the first call passes the
     * dynamic linker. May be NULL. */
    void (*prepare)(struct scene *scene);
    /* In the test process, when the victim is about to start the operation. May be NULL. */
    void (*ready)(struct scene *scene);
    /* In the victim: the operation. */
    void (*run)(struct scene *scene);
    /* In the test process, once for each victim that sleeps in run: wakes it. NULL: none sleeps. */
    void (*asleep)(struct scene *scene);
    /* In the test process, after the death. finished: run had returned. NULL, or what is wrong. */
    const char *(*check)(struct scene *scene, bool finished);
};

/* Kills a victim after 0, 1, 2, … instructions of the operation until one reaches its end, and
 * another one while it sleeps, if it does. Prints how many were killed; fails the test if a check
 * does.
 *
 * Victims run to a breakpoint near the instruction; its place comes from a recorded run. If begin
 * uses stepper_kill_after, or there are no breakpoints (anywhere but on x86-64), they are stepped
 * from the beginning. Without breakpoints, a sample of the instructions after the 150th, or as many
 * as STEPPER_EACH in the environment says, has to do. */
void stepper_kill_everywhere(const struct operation *operation, struct scene *scene);

/* Kills one victim after that many instructions. Returns whether the operation was finished. */
bool stepper_kill_after(const struct operation *operation, struct scene *scene,
                        unsigned instructions);

/* Kills a victim before the operation's first system call, after it, before the second one, … until
 * one reaches the operation's end. The operation must not sleep. */
void stepper_kill_at_calls(const struct operation *operation, struct scene *scene);

#endif
