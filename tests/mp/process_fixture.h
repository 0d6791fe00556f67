/* Processes of the runtime, as its tests start and end them. */
#ifndef TEST_PROCESS_FIXTURE_H
#define TEST_PROCESS_FIXTURE_H

#include "harness/mp/process/process.h"

/* What every promise has to hold under. */
#define METHODS 2
extern const enum fb_mp_method methods[METHODS];

/* Starts one; fails the test when that is refused. */
struct fb_mp_process *started(struct fb_mp_process_options options);

/* Waits for its end and closes the handle: its exit code. */
int ended(struct fb_mp_process *process);

#endif
