/* The groups of `forkbench overhead`. Each appends its figures to overhead->metrics, as samples of
 * rounds in which all ways take turns, and returns 0 or a negative errno with *error. */
#ifndef FB_OVERHEAD_H
#define FB_OVERHEAD_H

#include "bench/overhead/metric.h"
#include "bench/format/progress.h"

#include "base/error.h"

struct fb_overhead {
    unsigned workers;
    size_t rounds;
    struct fb_metrics *metrics;
    struct fb_progress *progress;
    double from, to; /* the group's part of the whole, for the bar */
};

/* Draws the bar at that part of the group. */
void fb_overhead_progress(const struct fb_overhead *overhead, double part, const char *what);

/* Sleeps for that long, so that what is measured next finds everything asleep. */
void fb_overhead_idle(long ns);

/* Making and ending 1, 2, 4, … workers that do nothing, up to twice as many as overhead->workers,
 * by a parent that has written to 1 MiB, 64 MiB and 1 GiB of memory of its own (in small pages):
 *   create.ready  ns  from before the first is made until all of them run
 *   create.end    ns  from telling them to end until all have been waited for
 * for pthread, fork and spawn (posix_spawn of this program), each compared with pthread. A parent
 * for which there isn't memory enough is left out, and said. */
int fb_creation_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* What a spawned image does, as `overhead --image TEXT`: says that it runs, waits, ends. Returns
 * what the program is to exit with. */
int fb_creation_image(const char *text);

/* For forkpool, pthread, openmp and forkpipe, warm and cold, bound and unbound:
 *   dispatch.empty   ns   from handing over a job with one empty item a worker to its end; cold:
 *                         the first one after 40 ms of idleness
 *   dispatch.claim   ns   of a worker's time for claiming one empty item (dynamic, chunk 1)
 *   dispatch.metg50, dispatch.metg90  ns  the task length at which 50 % and 90 % of the workers'
 *                         time is work (dynamic, chunk 1), and the curve they are read from;
 *                         of forkpipe bound only
 * each compared with openmp. */
int fb_dispatch_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* Between two threads, and between two processes, compared with threads:
 *   handover.wake      ns  from before waking a worker that sleeps on a futex until it runs; warm:
 *                          it has slept for 0.2 ms, cold: for 40 ms; unbound: where the kernel
 *                          likes; bound: on a CPU of its own, if there are two
 *   handover.same_cpu  per cent of the warm wakes after which it ran on the waker's own CPU
 *   handover.switch    ns  from one to the other and half the way back on one CPU: a context switch
 *                          with the two futex calls that bring it about */
int fb_wakeup_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* The runtime's pool of two forked workers, unbound; and all but the first of Python's Pool and
 * ProcessPoolExecutor, if there is a python3, each compared with ours:
 *   pool.helper   ns  starting the helper, which pools share and which stays
 *   pool.open     ns  opening and closing a pool, and one of fresh images; the first compared with
 *                     making and ending as many processes one after the other. Python's do a task for each worker too, as they may not
 *                     make them before
 *   pool.task     ns  a task, of many that are submitted and then waited for
 *   pool.item     ns  an item of a map that hands over one at a time, arguments and results copied
 *   pool.latency  ns  a task that is submitted and waited for; and, where the only worker is bound
 *                     to the caller's CPU, compared with two processes there that wake each other by
 *                     a futex */
int fb_pool_cost_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* What a worker's death costs that pool:
 *   pool.death    ns  from killing it until who waits for its task knows
 *   pool.replace  ns  from a task that ends the only worker to the result of the next one, by an
 *                     owner of 1 MiB, and of 1 GiB; pool.growth: their ratio */
int fb_worker_death_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* Where the time of a coarse job (primes with its defaults: 8 unequal ranges) goes beyond its
 * ceiling, which is the time of independent single copies divided by their number, for forkpool
 * and pthread, unbound:
 *   account.time, account.ceiling, account.excess  ns  the job, its ceiling, their difference
 *   account.start      ns  until a worker claimed its first chunk, mean of workers
 *   account.claims     ns  chunks times dispatch.claim, a worker's share
 *   account.slowest    ns  waiting for the slowest worker, mean of workers
 *   account.join       ns  from the slowest worker's end until the caller goes on
 *   account.unexplained  ns  what is left: the work itself took longer than in the ceiling
 *   account.explained  per cent of the excess that is not left, by the medians
 * Needs dispatch.claim, so comes after fb_dispatch_measure. */
int fb_breakdown_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* A thread that waits for 1 ms again and again, and then needs the interpreter's lock if there is one,
 * beside one that computes, compared with none:
 *   convoy.latency  ns  how late it can go on: without a lock, under the emulated GIL (gil: with
 *                       its switch interval of 5 ms, gil 1 ms) and, if there is a python3, of its threads and
 *                       processes */
int fb_convoy_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* Messages of 1 byte to 1 MiB from one process to another, by the runtime's queue and pipe, a pipe,
 * sequenced packets, a POSIX message queue and, if there is a python3, Python's Queue; each way as
 * far as it goes:
 *   exchange.message   ns  a message, one producer, one consumer; compared with a pipe
 *   exchange.small     ns  of 48 bytes, by the queue and by a ring under a robust mutex, compared
 *   exchange.crowd     ns  the same of two producers and two consumers
 *   exchange.growth        exchange.crowd to exchange.small, of the queue */
int fb_messages_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* What the runtime adds, each compared with the plain way; calls of two processes on one CPU:
 *   call.round_trip  ns  there and back by its pipe, and by a pair of sockets
 *   call.append      ns  to a manager's list, and there and back by a pair of sockets
 *   call.lock        ns  taking and releasing its lock, and a robust mutex, that nobody else wants
 *   payload.copy     ns  1 MiB from private memory through its queue into private memory of another
 *                        process, and copied within one
 *   payload.write    ns  1 MiB written where the queue hands it over, and to private memory */
int fb_runtime_cost_measure(const struct fb_overhead *overhead, struct fb_error *error);

#endif
