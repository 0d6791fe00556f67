/* Judges from its audit whether a trial was disturbed. */
#ifndef FB_DISTURBANCE_H
#define FB_DISTURBANCE_H

#include "bench/host/audit.h"

#define FB_DISTURBANCES_MOST 8 /* kinds of disturbances */
#define FB_DISTURBANCE_TEXT 80

/* Writes a short text for each disturbance to ret_text and returns how many there are. threads: how
 * many threads of the trial need a CPU; cpus: how many CPUs may be used. The limits were set before
 * anything was measured; each may cost a trial about 1 %:
 * - CPU time of other processes: 5 % of a CPU and three clock ticks (tick counts can be wrong by one
 *   tick a CPU);
 * - steal: 1 % of a CPU and two ticks;
 * - waiting while no CPU was idle: 2 % of the threads' time and two ticks;
 * - interruptions or migrations: 100 a second and thread;
 * - throttling by the quota: 1 % of the time; by heat: any;
 * - change of the frequency: a tenth.
 * A figure that is unavailable counts as no disturbance. */
unsigned fb_disturbances_find(const struct fb_audit *audit, unsigned threads, double cpus,
                              char ret_text[FB_DISTURBANCES_MOST][FB_DISTURBANCE_TEXT]);

#endif
