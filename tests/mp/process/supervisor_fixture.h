/* Crews of workers that tell who they are and do what they are told, and their ends. */
#ifndef TEST_SUPERVISOR_FIXTURE_H
#define TEST_SUPERVISOR_FIXTURE_H

#include "tests/mp/process_fixture.h"
#include "tests/support/support.h"

#include "harness/mp/process/supervisor.h"

#include <sched.h>

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)
#define SEATS 4u

enum { STAY, LEAVE }; /* LEAVE + code: they exit with it */

struct supervisor_page {
    struct seat {
        _Atomic uint32_t came, order, left;
        pid_t pid, parent;
        uint32_t life;
        char name[FB_MP_NAME], folder[256];
        cpu_set_t cpus;
        char byte; /* that it has read from its first descriptor */
    } seat[SEATS];
};

extern struct supervisor_page *supervisor_page; /* in shared memory; the test's main makes it */

void supervisor_page_clear(void);

/* For a worker: says who it is, and does what it is told. */
int sit(const void *argument, size_t size);

/* Opens a crew, all of which are at a cleared shared page then; fails the test when that is refused. */
struct fb_mp_supervisor *crew_of(enum fb_mp_method method, unsigned workers);

void order(unsigned index, uint32_t what);

/* Waits for an end; fails the test when LIMIT_MS passed. */
struct fb_mp_worker_end next_end(struct fb_mp_supervisor *crew);

bool is_alive(pid_t pid);

/* Each of them was killed once, and no other. Gives the last one's end. */
struct fb_mp_worker_end check_killed(struct fb_mp_supervisor *crew, unsigned count);

#endif
