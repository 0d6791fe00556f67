/* Invented times with the noise of real machines: drift, autocorrelation, heavy tails, spikes. */
#ifndef TEST_NOISE_MODEL_H
#define TEST_NOISE_MODEL_H

#include "base/random.h"

/* Random numbers: standard normal, and Student's t with 3 degrees of freedom. */
double noise_normal(struct fb_random *random);
double noise_student(struct fb_random *random);

/* Consecutive trials of half a second on a machine that gets faster or slower by 1 % a minute. */
struct noise {
    struct fb_random random;
    double drift;      /* of the logarithm of time, for each trial */
    double correlated; /* the current autocorrelated part */
    double trials;     /* so far */
};

void noise_begin(struct noise *noise, uint64_t seed);

/* The factor on the time of the next trial. */
double noise_next(struct noise *noise);

/* An experiment: the trials of a block in random order, time[cell][block] around the true times. */
#define NOISE_CELLS 4
#define NOISE_BLOCKS 60
struct noise_experiment {
    struct noise noise;
    double time[NOISE_CELLS][NOISE_BLOCKS];
};

void noise_experiment_make(struct noise_experiment *experiment, const double truth[NOISE_CELLS],
                           uint64_t seed);

#endif
