/* Kills a process at every instruction of an operation, for tests of what its death leaves behind.
 */
#ifndef TEST_STEPPER_H
#define TEST_STEPPER_H

#include "tests/support/sleeper.h"

/* Whether a process may trace its child here, and see what it sleeps on. */
bool stepper_works(void);
/* The same, and if so binds this process, and what it forks, to one CPU, where a step takes a
 * quarter of the time. */
bool stepper_set_up(void);

/* ---- victims ---- */

struct operation {
    const char *name;
    /* In the test process, before each victim is forked. May be NULL. */
    void (*begin)(struct scene *scene);
    /* In the victim, at full speed: what comes before, and the operation once, on something else if
     * need be, as the first call of a library function passes the dynamic linker. May be NULL. */
    void (*prepare)(struct scene *scene);
    /* In the test process, when the victim is about to run. May be NULL. */
    void (*ready)(struct scene *scene);
    /* In the victim, an instruction at a time. */
    void (*run)(struct scene *scene);
    /* In the test process, once for each victim that sleeps in run: lets it go on. NULL: none does.
     */
    void (*asleep)(struct scene *scene);
    /* In the test process, after the death. finished: run was over then. NULL, or what is wrong. */
    const char *(*check)(struct scene *scene, bool finished);
};

/* Lets a victim die after 0, 1, 2, … instructions of the operation (beyond 300, or what the
 * environment says in STEPPER_EACH, now and then), and if it sleeps also asleep, until one comes to
 * the operation's end. Prints how many died; fails the test when a check does. */
void stepper_kill_everywhere(const struct operation *operation, struct scene *scene);

/* Lets one victim die after so many instructions. Whether the operation was over then. */
bool stepper_kill_after(const struct operation *operation, struct scene *scene,
                        unsigned instructions);

/* Lets a victim die before the operation's first system call, after it, before the second one, …
 * until one comes to the operation's end. None may sleep for what never comes. */
void stepper_kill_at_calls(const struct operation *operation, struct scene *scene);

#endif
