/* Laws of scaling, which explain why a speedup is below the number of workers. Only arithmetic. */
#ifndef FB_SCALING_H
#define FB_SCALING_H

#include "base/stats.h"

#define FB_SCALING_LEAST 6 /* worker counts within the effective CPUs, including one worker */

/* The experimentally determined serial fraction e = (1/s - 1/p) / (1 - 1/p) of speedup s on p >= 2
 * workers (Karp and Flatt, "Measuring parallel processor performance", CACM 33(5), 1990). It falls
 * as s rises, so the ends of the interval are swapped. */
struct fb_interval fb_karp_flatt(const struct fb_interval *speedup, unsigned workers);

/* Speedup on p workers by Amdahl (1967): p / (1 + serial (p - 1)); by the Universal Scalability Law
 * (Gunther, Guerrilla Capacity Planning, 2007): p / (1 + contention (p - 1) + coherency p (p - 1)).
 */
struct fb_scaling {
    struct fb_interval serial;                /* Amdahl's serial part */
    struct fb_interval contention, coherency; /* the Universal Scalability Law's sigma and kappa */
    double amdahl_miss, usl_miss; /* the largest relative distance of a mean speedup from its law */
};

/* Fits both. time[block * counts + i] is the time on workers[i] workers in that block; workers[]
 * ascends and begins with 1. In either law p / speedup is linear in its coefficients, so each block
 * is fitted by itself, by least squares of relative distances, and the estimate is the mean of the
 * blocks' fits, with the studentized bootstrap's interval over blocks. At least FB_SCALING_LEAST
 * counts and FB_INTERVAL_LEAST blocks. 0, or -ENOMEM. */
int fb_scaling_fit(const unsigned *workers, size_t counts, const double *time, size_t blocks,
                   struct fb_scaling *ret_scaling);

/* The speedup on that many workers by a fitted law. */
double fb_amdahl_speedup(const struct fb_scaling *scaling, double workers);
double fb_usl_speedup(const struct fb_scaling *scaling, double workers);

#endif
