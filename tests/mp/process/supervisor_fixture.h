/* Workers of a supervisor that report on a shared page what they were given, and wait for commands. */
#ifndef TEST_SUPERVISOR_FIXTURE_H
#define TEST_SUPERVISOR_FIXTURE_H

#include "tests/mp/process_fixture.h"
#include "tests/support/support.h"

#include "harness/mp/process/supervisor.h"

#include <sched.h>

#define WORKERS 4u /* at most */

enum { STAY, LEAVE }; /* commands; LEAVE + code: exit with code */

struct supervisor_page {
    struct worker_report {
        _Atomic uint32_t begun, left; /* how many processes with this index have begun and left */
        _Atomic uint32_t command;
        pid_t pid, parent;
        uint32_t generation;
        char name[FB_MP_NAME], folder[256];
        cpu_set_t cpus;
        char byte; /* read from the first descriptor */
    } worker[WORKERS];
};

extern struct supervisor_page *supervisor_page; /* in shared memory; made by the test's main */

void supervisor_page_clear(void);

/* What workers run: fills in its report, then waits for a command. */
int report_and_wait(const void *argument, size_t size);

/* Clears the page, opens a supervisor and waits until its workers have filled in their reports;
 * fails the test if that is refused. */
struct fb_mp_supervisor *supervisor_of(enum fb_mp_method method, unsigned workers);

/* Gives a worker a command. */
void command(unsigned index, uint32_t what);

/* Waits for the next end; fails the test after LIMIT_MS. */
struct fb_mp_worker_end next_end(struct fb_mp_supervisor *supervisor);

/* Checks that each of count workers was killed once and no end is left; returns the last end. */
struct fb_mp_worker_end check_killed(struct fb_mp_supervisor *supervisor, unsigned count);

#endif
