/* An invented plan, trial and clock to run bench/run/measure.c with: time passes only in trials. */
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
    double done; /* as progress was told before it */
};

struct fake {
    /* How things go, by cell. */
    uint64_t cost_ns[FAKE_CELLS], digest[FAKE_CELLS];
    int error[FAKE_CELLS];       /* 0, or what its trials fail with */
    size_t errs_at;              /* its trials are good before that call */
    size_t changes_at;           /* from that call on all digests are others */
    uint64_t slower_ns;          /* what each trial costs more than the one before it */
    bool raw;                    /* samples have a JSON object */
    bool steady;                 /* run_ns is what it costs; else it scatters wildly */
    unsigned repeat[FAKE_CELLS]; /* jobs that the warm-up finds long enough */
    size_t interrupt_at;         /* before which call */
    /* What was done. */
    struct fake_call call[FAKE_CALLS];
    size_t calls;
    uint64_t clock_ns;
    double done;
    /* The rest. */
    struct fb_cell cell[FAKE_CELLS];
    struct fb_plan plan;
    struct fb_pair pair; /* of cells 0 and 1 */
    struct fb_measure measure;
};

/* count cells of one kernel and family C, a second each, digest 7, budget of a minute a family. */
void fake_make(struct fake *fake, size_t count);

/* Two kernels that do nothing; results of the other are inexact. */
extern const struct fb_kernel fake_exact, fake_inexact;

#endif
