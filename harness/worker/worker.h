/* The one worker body: ready, go, claim chunks, done. Native harnesses share it, with the gate and
 * the claims, so that two of them differ in one thing only: what a worker is.
 *
 * The caller of a harness is worker 0, as in OpenMP: it opens the gate, takes its part of the job,
 * then waits for the others. So N workers keep N CPUs busy and nobody spins for nothing. */
#ifndef FB_WORKER_H
#define FB_WORKER_H

#include "harness/worker/claim.h"
#include "harness/harness.h"

#include <sched.h>

/* The control block of a pool, in the arena. Each part that is written on its own has its own cache
 * line. */
struct fb_team {
    /* The gate: the job's number, and with it in the same line the job, so that a worker which
     * spins on the number gets both at once. Written by the caller only. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t go;
    bool quit, measure;
    const struct fb_kernel *kernel;
    const struct fb_input *input;
    void *results;
    /* How many workers sleep at the gate, for a wake-up only when one is needed. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t sleepers;
    /* Counts workers that finished a job, over all jobs: nothing to reset. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t finished;
    /* What the caller sleeps on, and whether it does. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t bell;
    _Atomic uint32_t caller_sleeps;
    /* Rarely written. stop: give up the job (every safepoint looks here). failed: one more than
     * the number of a worker that could not begin. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t stop;
    _Atomic uint32_t failed;
    unsigned workers;
    uintptr_t anchor; /* where the caller's image has fb_kernels: fresh ones have them elsewhere */
    uint64_t spin_ns; /* how long to spin before sleeping: 0 with more workers than CPUs */
    const unsigned *cpus;
    struct fb_worker_report *report; /* [workers] */
    struct fb_stamps *stamps;        /* [workers], or NULL */
    struct fb_instant opened;
    struct fb_claims *claims;
};

/* A worker as it sees itself; private to it. */
struct fb_worker {
    struct fb_team *team;
    struct fb_yield *yield;
    unsigned index;
    uint32_t seen;                  /* the job at the gate that it took part in last */
    const struct fb_kernel *kernel; /* whose scratch it holds … */
    const struct fb_input *input;   /* … for this input */
    void *scratch;
};

/* The caller's side of a team. */
struct fb_caller {
    struct fb_team *team;
    struct fb_worker worker;
    struct fb_yield yield;
    bool bound;
    cpu_set_t before; /* its own affinity, to be given back */
};

/* A team in the arena, all of whose claims are empty. NULL: there is no room. */
struct fb_team *fb_team_create(const struct fb_setting *setting);

/* Sets its claims for a job and forgets its stamps. 0, or -EOVERFLOW with *error: it has too many chunks. */
int fb_team_prepare(struct fb_team *team, const struct fb_job *job, struct fb_error *error);

/* Worker index's stamps, or NULL. */
static inline struct fb_stamps *fb_team_stamps(const struct fb_team *team, unsigned index)
{
    return team->stamps ? &team->stamps[index] : NULL;
}

/* What the team has to say of a job. */
struct fb_report fb_team_report(const struct fb_team *team);

/* A yield that only listens to the team's stop. */
void fb_yield_plain(struct fb_yield *yield, struct fb_team *team);

/* Makes the team and its worker 0, the calling thread, which is bound if setting says so. 0, or a
 * negative errno with *error and nothing left. */
int fb_caller_open(struct fb_caller *caller, const struct fb_setting *setting,
                   struct fb_error *error);

/* Runs a job; the meaning is fb_harness.run's, but for dead workers. -ECANCELED: somebody called
 * fb_team_stop. */
int fb_caller_run(struct fb_caller *caller, const struct fb_job *job, struct fb_report *report,
                  struct fb_error *error);

/* Tells the workers to leave fb_worker_loop. */
void fb_caller_quit(struct fb_caller *caller);

/* Frees the caller's scratch and gives its affinity back. */
void fb_caller_close(struct fb_caller *caller);

/* Makes the running job and all later ones end with -ECANCELED. From any thread. */
void fb_team_stop(struct fb_team *team);

/* The scratch of worker for this kernel and input, which is kept from job to job of the same input.
 * 0, or what worker_begin returned. */
int fb_worker_scratch(struct fb_worker *worker, const struct fb_kernel *kernel,
                      const struct fb_input *input);

/* Gives the scratch back. */
void fb_worker_drop(struct fb_worker *worker);

/* A worker other than the caller: binds itself, takes part in each job, returns on quit. It holds
 * nothing then. */
void fb_worker_loop(struct fb_team *team, unsigned index, struct fb_yield *yield);

/* Stamps `ready` and the counters so far; then `done` and the differences. For the calling
 * thread. */
void fb_report_begin(struct fb_worker_report *report);
void fb_report_end(struct fb_worker_report *report);

#endif
