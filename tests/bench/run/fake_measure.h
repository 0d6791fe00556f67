/* An invented plan, trial and clock for tests of bench/run/measure.c: time passes only in trials. */
#ifndef TEST_FAKE_MEASURE_H
#define TEST_FAKE_MEASURE_H

#include "bench/run/measure.h"

#define FAKE_CELLS 8
#define FAKE_CALLS 2000
#define FAKE_NEVER SIZE_MAX

#define SECOND 1000000000u

struct fake_call {
    size_t cell;
    uint64_t start_ns;
    unsigned repeat;
    bool has_known;
    uint64_t known;
    double done; /* the progress before it */
};

struct fake {
    /* The outcome of trials, by cell. */
    uint64_t cost_ns[FAKE_CELLS], digest[FAKE_CELLS];
    int error[FAKE_CELLS];       /* of its trials; 0: they succeed */
    size_t errs_at;              /* from that call on trials fail with error */
    size_t changes_at;           /* from that call on digests differ */
    uint64_t slower_ns;          /* by how much each trial is longer than the one before */
    bool raw;                    /* samples have a JSON object */
    bool steady;                 /* run_ns is cost_ns; false: it scatters widely */
    unsigned repeat[FAKE_CELLS]; /* the number of jobs that the warm-up finds */
    size_t interrupt_at;         /* the run is interrupted before that call */
    /* The trials so far. */
    struct fake_call call[FAKE_CALLS];
    size_t calls;
    uint64_t clock_ns;
    double done;
    /* The plan and its measuring. */
    struct fb_cell cell[FAKE_CELLS];
    struct fb_plan plan;
    struct fb_pair pair; /* of cells 0 and 1 */
    struct fb_measure measure;
};

/* Makes count cells of one kernel and family C: one second each, digest 7, a budget of one minute a
 * family. */
void fake_make(struct fake *fake, size_t count);

/* Two kernels without functions; results of the second are inexact. */
extern const struct fb_kernel fake_exact, fake_inexact;

#endif
