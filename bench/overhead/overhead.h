/* The groups of `forkbench overhead`. Each group measures in rounds, in which its contenders take
 * turns, and appends its figures to overhead->metrics. Each returns 0, or a negative errno with
 * *error.
 *
 * In the lists of metrics below, "compared with X" means that there is also a ratio to X of the
 * same round. */
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
    double from, to; /* the group's part of the progress bar, 0 … 1 */
};

/* Shows progress: the group has done `part` (0 … 1) of its work. */
void fb_overhead_progress(const struct fb_overhead *overhead, double part, const char *what);

/* Sleeps for ns, so that the next measurement finds all other threads asleep. */
void fb_overhead_idle(long ns);

/* Creating and ending 1, 2, 4, … workers that do nothing, up to 2 · overhead->workers, by a
 * parent that has written to 1 MiB, 64 MiB or 1 GiB of private memory (in small pages):
 *   create.ready  ns  from before the first is created until all of them run
 *   create.end    ns  from the request to end until all have been waited for
 * for pthread, fork and spawn (posix_spawn of this program), compared with pthread. Parents for
 * which there is not enough memory are noted as left out. */
int fb_creation_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* The body of a spawned worker, started as `overhead --image TEXT`: reports that it runs, waits,
 * ends. Returns the exit code of the program. */
int fb_creation_worker(const char *text);

/* For forkpool, pthread, openmp and forkpipe, warm and cold, bound and unbound, compared with
 * openmp:
 *   dispatch.empty   ns   a job with one empty item per worker, from start to end; cold: the
 *                         first job after 40 ms of idleness
 *   dispatch.claim   ns   a worker's time to claim one empty item (dynamic, chunk 1)
 *   dispatch.metg50, dispatch.metg90  ns  the task length at which 50 % or 90 % of the workers'
 *                         time is spent on tasks (dynamic, chunk 1), and the curve from which
 *                         they are read; forkpipe only bound */
int fb_dispatch_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* Between two threads and between two processes, which are compared with threads:
 *   handover.wake      ns  from before waking a worker that sleeps on a futex until it runs.
 *                          warm: it has slept for 0.2 ms, cold: for 40 ms; unbound: the kernel
 *                          chooses the CPU; bound: on another CPU than the waker, if there are
 *                          two
 *   handover.same_cpu  per cent of the warm wakes after which the worker ran on the waker's CPU
 *   handover.switch    ns  from one to the other on one CPU: a context switch, including the
 *                          futex calls that cause it; half of a round trip */
int fb_wakeup_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* The runtime's pool of two forked workers, unbound. All but the first also for Python's Pool and
 * ProcessPoolExecutor, if there is a python3, compared with the runtime's:
 *   pool.helper   ns  starting the forkserver, which all pools share and which stays
 *   pool.open     ns  opening and closing a pool, of forked and of spawned workers; the first is
 *                     compared with creating and ending as many processes one after the other.
 *                     Python's also run a task per worker, because they may create workers only
 *                     when needed
 *   pool.task     ns  one task of many that are submitted, then waited for
 *   pool.item     ns  an item of a map with chunks of 1; arguments and results are copied
 *   pool.latency  ns  submitting one task and waiting for it. Also with the only worker bound to
 *                     the caller's CPU, compared with two processes on one CPU that wake each
 *                     other by a futex */
int fb_pool_cost_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* The cost of a worker's death for that pool:
 *   pool.death    ns  from killing a worker until the wait for its task returns
 *   pool.replace  ns  from a task that ends the only worker to the result of the next task, for
 *                     an owner of 1 MiB and of 1 GiB; pool.growth: their ratio */
int fb_worker_death_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* Why a coarse job (primes with its defaults: 8 unequal ranges) takes longer than its ceiling,
 * for forkpool and pthread, unbound. The ceiling is the time of independent single copies divided
 * by their number:
 *   account.time, account.ceiling, account.excess  ns  the job, its ceiling, their difference
 *   account.start      ns  until a worker claimed its first chunk, mean of the workers
 *   account.claims     ns  chunks times dispatch.claim, mean of the workers
 *   account.slowest    ns  waiting for the slowest worker, mean of the workers
 *   account.join       ns  from the end of the slowest worker until the caller resumes
 *   account.unexplained  ns  the rest: the work itself took longer than in the ceiling
 *   account.explained  per cent of the excess that is explained by the parts, computed from the
 *                          medians
 * Needs dispatch.claim, so it runs after fb_dispatch_measure. */
int fb_breakdown_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* A thread that sleeps for 1 ms again and again, and then needs the interpreter's lock if there
 * is one, while another thread computes; compared with pthread, which has no lock:
 *   convoy.latency  ns  how late the thread resumes: without a lock (pthread), under the emulated
 *                       GIL (gil: with a switch interval of 5 ms; gil 1 ms) and, if there is a
 *                       python3, in Python's threads and processes */
int fb_convoy_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* Messages of 1 byte to 1 MiB from one process to another: the runtime's queue and pipe, a pipe,
 * sequenced packets, a POSIX message queue and, if there is a python3, Python's Queue; each up to
 * its largest message:
 *   exchange.message   ns  per message, one producer and one consumer; compared with a pipe
 *   exchange.small     ns  per message of 48 bytes, by the queue, compared with a ring under a
 *                          robust mutex
 *   exchange.crowd     ns  the same with two producers and two consumers
 *   exchange.growth        ratio of exchange.crowd to exchange.small, for the queue */
int fb_messages_measure(const struct fb_overhead *overhead, struct fb_error *error);

/* The overhead of the runtime, compared with the plain way. The calls are between two processes
 * on one CPU:
 *   call.round_trip  ns  a round trip through its pipe, and through a pair of sockets
 *   call.append      ns  appending to a manager's list, and a round trip through a pair of
 *                        sockets
 *   call.lock        ns  acquiring and releasing its lock, and a robust mutex, without contention
 *   payload.copy     ns  1 MiB from private memory through its queue to another process' private
 *                        memory, and a copy within one process
 *   payload.write    ns  1 MiB written in place in its queue, and to private memory */
int fb_runtime_cost_measure(const struct fb_overhead *overhead, struct fb_error *error);

#endif
