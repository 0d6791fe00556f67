/* The common worker body: wait at the gate, claim chunks, finish. Native harnesses share it, with
 * the gate and the claims, and differ only in what a worker is.
 *
 * The caller of a harness is worker 0, as in OpenMP: it opens the gate, does its part of the job,
 * then waits for the others. So N workers keep N CPUs busy and no thread only spins. */
#ifndef FB_WORKER_H
#define FB_WORKER_H

#include "harness/worker/claim.h"
#include "harness/harness.h"

#include <sched.h>

/* The control block of a pool, in the arena. Parts that are written independently have separate
 * cache lines. */
struct fb_team {
    /* The gate: the number of the job and, in the same cache line, the job, so that a worker that
     * spins on the number gets both at once. Only the caller writes. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t go;
    bool quit, measure;
    const struct fb_kernel *kernel;
    const struct fb_input *input;
    void *results;
    /* Workers that sleep at the gate; 0: no wake-up needed. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t sleepers;
    /* How often a worker has finished a job, over all jobs, so that nothing has to be reset. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t finished;
    /* The word that the caller sleeps on, and whether it sleeps. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t notified;
    _Atomic uint32_t caller_sleeps;
    /* Rarely written. stop: give up the job (each safepoint reads it). failed: the number of a
     * worker whose worker_begin failed, plus 1; 0: none. */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t stop;
    _Atomic uint32_t failed;
    unsigned workers;
    uintptr_t anchor; /* address of fb_kernels in the caller's image; differs in a spawned one */
    uint64_t spin_ns; /* how long to spin before sleeping; 0 with more workers than CPUs */
    const unsigned *cpus;
    struct fb_worker_report *report; /* [workers] */
    struct fb_stamps *stamps;        /* [workers], or NULL */
    struct fb_instant opened;
    struct fb_claims *claims;
};

/* A worker's private state. */
struct fb_worker {
    struct fb_team *team;
    struct fb_yield *yield;
    unsigned index;
    uint32_t seen;                  /* number of the last job that it took part in */
    const struct fb_kernel *kernel; /* the scratch belongs to this kernel … */
    const struct fb_input *input;   /* … and this input */
    void *scratch;
};

/* The caller's side of a team. */
struct fb_caller {
    struct fb_team *team;
    struct fb_worker worker;
    struct fb_yield yield;
    bool bound;
    cpu_set_t before; /* its original affinity */
};

/* A team in the arena, without claims. NULL: the arena is full. */
struct fb_team *fb_team_create(const struct fb_setting *setting);

/* Prepares the claims for a job and removes the stamps. 0, or -EOVERFLOW with *error: too many
 * chunks. */
int fb_team_prepare(struct fb_team *team, const struct fb_job *job, struct fb_error *error);

/* The stamps of worker `index`, or NULL. */
static inline struct fb_stamps *fb_team_stamps(const struct fb_team *team, unsigned index)
{
    return team->stamps ? &team->stamps[index] : NULL;
}

/* The report of the job that has just run. */
struct fb_report fb_team_report(const struct fb_team *team);

/* A yield whose safepoints only check the team's stop. */
void fb_yield_plain(struct fb_yield *yield, struct fb_team *team);

/* Creates the team with the calling thread as worker 0, bound to a CPU if the setting has CPUs. 0,
 * or a negative errno with *error, and nothing is left. */
int fb_caller_open(struct fb_caller *caller, const struct fb_setting *setting,
                   struct fb_error *error);

/* Runs a job like fb_harness.run, without detecting workers that end. -ECANCELED, without *error:
 * fb_team_stop was called. */
int fb_caller_run(struct fb_caller *caller, const struct fb_job *job, struct fb_report *report,
                  struct fb_error *error);

/* Makes the workers return from fb_worker_loop. */
void fb_caller_quit(struct fb_caller *caller);

/* Frees the caller's scratch and restores its affinity. */
void fb_caller_close(struct fb_caller *caller);

/* Makes the running job and all later ones end with -ECANCELED. May be called by any thread. */
void fb_team_stop(struct fb_team *team);

/* Gets the worker's scratch for this kernel and input; it is kept for later jobs with the same
 * input. 0, or the error of worker_begin. */
int fb_worker_scratch(struct fb_worker *worker, const struct fb_kernel *kernel,
                      const struct fb_input *input);

/* Frees the scratch. */
void fb_worker_drop(struct fb_worker *worker);

/* The body of a worker other than the caller: binds itself, takes part in each job, returns on quit
 * with its scratch freed. */
void fb_worker_loop(struct fb_team *team, unsigned index, struct fb_yield *yield);

/* begin records `ready` and the calling thread's counters; end records `done` and turns the
 * counters into differences. */
void fb_report_begin(struct fb_worker_report *report);
void fb_report_end(struct fb_worker_report *report);

#endif
