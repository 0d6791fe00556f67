/* Starting and ending processes of the runtime in tests. */
#ifndef TEST_PROCESS_FIXTURE_H
#define TEST_PROCESS_FIXTURE_H

#include "harness/mp/process/process.h"

/* The methods with which every test of processes is run. */
#define METHODS 2
extern const enum fb_mp_method methods[METHODS];

/* Starts a process; fails the test if that is refused. */
struct fb_mp_process *started(struct fb_mp_process_options options);

/* Waits for its end and closes the handle; returns its exit code. */
int ended(struct fb_mp_process *process);

/* Whether a process with this pid runs. A zombie doesn't. */
bool pid_is_alive(pid_t pid);

/* Waits until pid_is_alive is false; fails the test after LIMIT_MS. */
void wait_until_dead(pid_t pid);

#endif
