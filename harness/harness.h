/* A harness is a way to run work: it opens workers, runs a job on them to completion any number of
 * times, and closes them. It knows kernels and the runtime, nothing of statistics, files of results
 * or the terminal. */
#ifndef FB_HARNESS_H
#define FB_HARNESS_H

#include "base/arena.h"
#include "base/error.h"
#include "kernels/kernel.h"
#include "harness/worker/stamps.h"

#include <stdbool.h>
#include <stdint.h>

#define FB_WORKERS_MOST 1024

/* How items are handed out, in chunks:
 * static   by number, before the job starts: one block a worker, or chunks in turn if a chunk size
 *          is given (forkpipe: the same chunks, to whoever is free)
 * dynamic  a chunk each time a worker is free (each has a range of its own, and takes half of
 *          another's when that is used up)
 * guided   ever smaller chunks, remaining / (2 · workers), none smaller than the chunk size */
enum fb_schedule { FB_STATIC, FB_DYNAMIC, FB_GUIDED, FB_SCHEDULES };
extern const char *const fb_schedule_names[]; /* ends with NULL */

/* What a harness is opened with. Everything outlives the pool. */
struct fb_setting {
    struct fb_arena *arena;      /* control blocks are taken from it, before any worker is made */
    unsigned workers;            /* 1 … FB_WORKERS_MOST, the caller included (but by forkpipe) */
    const unsigned *cpus;        /* NULL: not bound; else worker i runs on CPU cpus[i] only */
    uint64_t switch_interval_ns; /* gil: how long a waiter waits before it asks for the lock */
    const char *variant;         /* what find gave (cpython-*: the interpreter's path), or NULL */
    size_t stamps;               /* a worker's last so many are kept in each job; 0: none */
};

/* items slots of kernel->result_size bytes at results, zeroed; they and the input lie in the arena
 * of the setting. */
struct fb_job {
    const struct fb_kernel *kernel;
    const struct fb_params *params;
    const struct fb_input *input;
    void *results;
    size_t items;
    size_t chunk; /* items; 0: the schedule's own (static: one block a worker; others: 1) */
    enum fb_schedule schedule;
};

/* Stamps are CLOCK_MONOTONIC; the rest is what the worker used up inside this job. Where a harness
 * can't tell (the peers; forkpipe of a worker that it sent nothing), fields are 0 and `known` is
 * false. */
struct fb_worker_report {
    _Alignas(FB_CACHE_LINE) bool known;
    int error;         /* 0, or the negative errno with which the worker could not begin */
    uint64_t ready_ns; /* it had seen the job */
    uint64_t first_ns; /* it claimed its first chunk (forkpipe: had it); 0 if it got none */
    uint64_t done_ns;  /* it found nothing more to claim */
    uint64_t chunks;
    uint64_t user_ns, system_ns;
    uint64_t voluntary_switches, involuntary_switches, minor_faults;
    /* gil only: how often the lock came to this thread from another, how often it had to wait for
     * it, how long it held it */
    uint64_t lock_switches, lock_waits, lock_held_ns;
};

/* workers entries each, that belong to the pool and hold until its next run or close. */
struct fb_report {
    unsigned workers;
    const struct fb_worker_report *worker;
    const struct fb_stamps *stamps; /* NULL: none were asked for, or this harness has none */
    struct fb_instant between[2];   /* to tell the time of stamps by */
};

/* Each harness defines it for itself. */
struct fb_pool;

struct fb_harness {
    const char *name;
    const char *summary; /* one line for `forkbench list` */
    bool native;         /* shares worker body, claims and gate: same digest as `single` */
    bool interpreter;   /* another language's: far slower, and its main thread beside the workers */
    bool takes_variant; /* "name=variant" is allowed */
    const char *base;   /* the harness that its speedups are over; NULL: it is a base itself */

    /* Optional, for harnesses that take variants: names in ret_variant the one that `variant`
     * (NULL: the default) stands for on this machine. 0, or a negative errno with *error: -ENOPKG
     * there is none here, -EINVAL there is no such variant. */
    int (*find)(const char *variant, char *ret_variant, size_t size, struct fb_error *error);
    /* Optional: the names of all its variants here, for "name=all". 0 and *ret_names, which ends with
     * NULL (to be freed, one allocation), or -ENOMEM. */
    int (*variants)(char ***ret_names);
    /* Optional: whether it can run this kernel; NULL means all. */
    bool (*supports)(const struct fb_kernel *kernel);
    /* Creates the workers, which needs SIGCHLD not to be ignored, and for spawnpool a main that
     * begins with fb_mp_main. 0 and *ret_pool, to be ended with
     * close, or a negative errno with a sentence in *error and nothing left behind. */
    int (*open)(const struct fb_setting *setting, struct fb_pool **ret_pool,
                struct fb_error *error);
    /* Runs one job; returns when its last result is in. report may be NULL, which saves the
     * workers the system calls that fill it. 0, or a negative errno with *error: -EOWNERDEAD a
     * worker died (the pool is then good for close only), -EOVERFLOW 2^31 chunks or more,
     * -ENOTSUP the kernel, or what worker_begin returned. */
    int (*run)(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error);
    /* Ends the workers and frees everything; never blocks on a worker that does not end. */
    void (*close)(struct fb_pool *pool);
    /* Optional: what is worth recording of how it runs, e.g. the interpreter's version. */
    void (*describe)(const struct fb_pool *pool, char *text, size_t size);
};

/* All harnesses that were built, ending with NULL, and what could not be. */
extern const struct fb_harness *const fb_harnesses[];
extern const struct fb_missing fb_harnesses_missing[];

/* The harness of that name (of the part before '=', if it takes variants), or NULL. *ret_variant
 * points behind the '=', or is NULL. */
const struct fb_harness *fb_harness_find(const char *name, const char **ret_variant);

/* Whether harness can run kernel. */
bool fb_harness_supports(const struct fb_harness *harness, const struct fb_kernel *kernel);

#endif
