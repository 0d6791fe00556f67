/* A harness is a way to run work: it opens workers, runs jobs on them to completion, and closes
 * them. It uses kernels and the runtime; it does no statistics, writes no result files and prints
 * nothing. */
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
 * static   assigned by number before the job starts: one block per worker, or chunks in turn if a
 *          chunk size is given (forkpipe: the same chunks, each to the first free worker)
 * dynamic  one chunk each time a worker is free (each worker has its own range and steals half of
 *          another worker's range when its own is empty)
 * guided   decreasing chunks of remaining / (2 · workers), none smaller than the chunk size */
enum fb_schedule { FB_STATIC, FB_DYNAMIC, FB_GUIDED, FB_SCHEDULES };
extern const char *const fb_schedule_names[]; /* ends with NULL */

/* The options of open. Everything they point to outlives the pool. */
struct fb_setting {
    struct fb_arena *arena; /* holds the control blocks, allocated before workers start */
    unsigned workers;       /* 1 … FB_WORKERS_MOST; includes the caller, except in forkpipe */
    const unsigned *cpus;   /* NULL: not bound; else worker i runs on CPU cpus[i] only */
    uint64_t switch_interval_ns; /* gil: how long a waiter waits before it requests the lock */
    const char *variant;         /* from find (cpython-*: the interpreter's path), or NULL */
    size_t stamps;               /* stamps kept per worker and job, the last ones; 0: none */
};

/* `results` has one zeroed slot of kernel->result_size bytes per item. The results and the input
 * are in the arena of the setting. */
struct fb_job {
    const struct fb_kernel *kernel;
    const struct fb_params *params;
    const struct fb_input *input;
    void *results;
    size_t items;
    size_t chunk; /* items; 0: the default (static: one block per worker; others: 1) */
    enum fb_schedule schedule;
};

/* Times are CLOCK_MONOTONIC; the other fields count what the worker used during this job. If a
 * harness can't report them (the peers; forkpipe for a worker that got no chunk), all fields are 0
 * and `known` is false. */
struct fb_worker_report {
    _Alignas(FB_CACHE_LINE) bool known;
    int error;         /* 0, or the negative errno of worker_begin */
    uint64_t ready_ns; /* when it saw the job */
    uint64_t first_ns; /* when it claimed (forkpipe: received) its first chunk; 0 if it got none */
    uint64_t done_ns;  /* when it found nothing more to claim */
    uint64_t chunks;
    uint64_t user_ns, system_ns;
    uint64_t voluntary_switches, involuntary_switches, minor_faults;
    /* gil only: how often this thread took the lock after another thread, how often it had to wait,
     * how long it held the lock */
    uint64_t lock_switches, lock_waits, lock_held_ns;
};

/* Arrays of `workers` entries. They belong to the pool and are valid until its next run or
 * close. */
struct fb_report {
    unsigned workers;
    const struct fb_worker_report *worker;
    const struct fb_stamps *stamps; /* NULL: not requested, or not supported by the harness */
    struct fb_instant between[2];   /* for converting the stamps to ns */
};

/* Each harness has its own definition. */
struct fb_pool;

struct fb_harness {
    const char *name;
    const char *summary; /* one line for `forkbench list` */
    bool native;         /* uses the common worker body, claims and gate: same digest as `single` */
    bool interpreter;    /* another language: far slower, with a main thread beside the workers */
    bool takes_variant;  /* "name=variant" is allowed */
    const char *base;    /* its speedups are relative to this harness; NULL: it is a base itself */

    /* Optional, for harnesses that take variants: resolves `variant` (NULL: the default) on this
     * machine and copies the result to ret_variant. 0, or a negative errno with *error: -ENOPKG
     * this machine has none, -EINVAL no such variant. */
    int (*find)(const char *variant, char *ret_variant, size_t size, struct fb_error *error);
    /* Optional: the names of all variants on this machine, for "name=all". 0 and *ret_names, which
     * ends with NULL (one allocation, freed by the caller), or -ENOMEM. */
    int (*variants)(char ***ret_names);
    /* Optional: whether it can run this kernel. NULL: it can run all. */
    bool (*supports)(const struct fb_kernel *kernel);
    /* Creates the workers. SIGCHLD must not be ignored; spawnpool needs a main that begins with
     * fb_mp_main. 0 and *ret_pool, which the caller closes; or a negative errno with *error, and
     * nothing is left. */
    int (*open)(const struct fb_setting *setting, struct fb_pool **ret_pool,
                struct fb_error *error);
    /* Runs one job and returns when all results are there. With report NULL the workers skip the
     * system calls that fill it. 0, or a negative errno with *error: -EOWNERDEAD a worker ended
     * (the pool can then only be closed), -EOVERFLOW 2^31 chunks or more, -ENOTSUP this kernel is
     * not supported, or the error of worker_begin. */
    int (*run)(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error);
    /* Ends the workers and frees everything. Does not block if a worker does not end. */
    void (*close)(struct fb_pool *pool);
    /* Optional: a text to record with the results, such as the interpreter's version. */
    void (*describe)(const struct fb_pool *pool, char *text, size_t size);
};

/* All harnesses that were built, ending with NULL, and those that could not be built. */
extern const struct fb_harness *const fb_harnesses[];
extern const struct fb_missing fb_harnesses_missing[];

/* The harness with that name, or NULL. If it takes variants, `name` may be "NAME=VARIANT", and
 * *ret_variant points to VARIANT; otherwise *ret_variant is NULL. */
const struct fb_harness *fb_harness_find(const char *name, const char **ret_variant);

/* Whether the harness can run the kernel. */
bool fb_harness_supports(const struct fb_harness *harness, const struct fb_kernel *kernel);

#endif
