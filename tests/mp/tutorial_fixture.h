/* Processes of a tutorial's test, which share a shared page. */
#ifndef TEST_TUTORIAL_FIXTURE_H
#define TEST_TUTORIAL_FIXTURE_H

#include "harness/mp/process/process.h"

#include <stdint.h>

#define WORKERS_MOST 4u

struct tutorial_page; /* what they share, in the heap; the test's own */
extern struct tutorial_page *tutorial_page;

/* What each is given. */
struct order {
    struct tutorial_page *tutorial_page;
    uint32_t worker;
};
extern struct order own; /* a process's */

/* In a process, first: its order and its shared page. */
void tutorials_find_desk(const void *argument);

/* Starts one with the shared page. Its name is its number. */
struct fb_mp_process *tutorials_start(fb_mp_run run, enum fb_mp_method method, uint32_t worker);

/* Starts as many, and sees each end well. */
void tutorials_run(fb_mp_run run, enum fb_mp_method method, uint32_t workers);

#endif
