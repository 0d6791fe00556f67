/* Processes of a tutorial's test, which have a page of shared memory. */
#ifndef TEST_TUTORIAL_FIXTURE_H
#define TEST_TUTORIAL_FIXTURE_H

#include "harness/mp/process/process.h"

#include <stdint.h>

#define WORKERS_MOST 4u

struct tutorial_page; /* in the heap; defined by the test */
extern struct tutorial_page *tutorial_page;

/* The argument of each process. */
struct tutorial_argument {
    struct tutorial_page *tutorial_page;
    uint32_t worker;
};
extern struct tutorial_argument given; /* in a process: its own */

/* Must be the first call in a process: sets given and tutorial_page. */
void tutorials_begin(const void *argument);

/* Starts a process, named Anna, Bert, … by its number. */
struct fb_mp_process *tutorials_start(fb_mp_run run, enum fb_mp_method method, uint32_t worker);

/* Starts this number of processes, and checks that each returns 0. */
void tutorials_run(fb_mp_run run, enum fb_mp_method method, uint32_t workers);

#endif
