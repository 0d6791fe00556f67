/* Whether a trial was disturbed, by its audit. */
#ifndef FB_DISTURBANCE_H
#define FB_DISTURBANCE_H

#include "bench/host/audit.h"

#define FB_DISTURBANCES_MOST 8 /* kinds of disturbances */
#define FB_DISTURBANCE_TEXT 80

/* Fills ret_text[0 … result - 1] with a few words on each disturbance of a trial with so many
 * threads that want a CPU, where `cpus` may be used. The limits, set before anything was measured,
 * are what may cost a trial about a hundredth: other processes' computing or steal beyond 5 % and 1
 * % of a CPU's time and three and two clock ticks (what is counted in ticks can be wrong by one a
 * CPU); waiting while no CPU was idle beyond 2 % of the threads' time and two ticks; 100
 * interruptions or migrations a second of a thread; 1 % of the time without quota; any slowing by
 * heat; a tenth of the frequency. What is unavailable disturbs nobody. */
unsigned fb_disturbances_find(const struct fb_audit *audit, unsigned threads, double cpus,
                              char ret_text[FB_DISTURBANCES_MOST][FB_DISTURBANCE_TEXT]);

#endif
