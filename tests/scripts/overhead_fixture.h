/* Invents what `forkbench overhead` writes: overhead.csv and curves.csv. */
#ifndef TEST_OVERHEAD_FIXTURE_H
#define TEST_OVERHEAD_FIXTURE_H

#include <stdbool.h>

enum {
    CREATION = 1,
    WAKEUP = 2,
    DISPATCH = 4,
    POOLS = 8,
    CONVOY = 16,
    ACCOUNT = 32,
    EVERYTHING = 63,
};

struct costs {
    unsigned parts; /* which metrics: CREATION … */
    unsigned workers, rounds;
    bool no_openmp;    /* it was not built */
    bool no_intervals; /* fewer than six rounds */
    bool never_90;     /* openmp does not reach 90 % */
    bool never;        /* no harness reaches 50 % */
    double unexplained_ms;
};

/* Everything, of 4 workers in 31 rounds. */
extern const struct costs usual_costs;

/* Writes run/overhead.csv and, with DISPATCH, run/curves.csv in the folder of plot_fixture.h. */
void invent_costs(const struct costs *what);

#endif
