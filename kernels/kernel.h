/* A kernel is work: it knows nothing of threads, processes, sockets or clocks. */
#ifndef FB_KERNEL_H
#define FB_KERNEL_H

#include "base/arena.h"
#include "base/error.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fb_kernel;

/* ---- parameters ---- */

enum fb_param_type { FB_PARAM_NUMBER, FB_PARAM_TEXT, FB_PARAM_CHOICE };

struct fb_param {
    const char *name;
    enum fb_param_type type;
    const char *initial;        /* the value when none is given, as text */
    uint64_t least, most;       /* FB_PARAM_NUMBER: the range, both ends in it */
    const char *const *choices; /* FB_PARAM_CHOICE: NULL-terminated; the value is the index */
    const char *help;           /* one line, with the unit */
};

#define FB_PARAMS_MOST 8

/* The values of a kernel's parameters, in the order of kernel->params. */
struct fb_params {
    const struct fb_kernel *kernel;
    struct {
        char *text;      /* as it was given; owned */
        uint64_t number; /* NUMBER: the value; CHOICE: the index */
    } value[FB_PARAMS_MOST];
};

/* Sets every parameter to its initial value. 0 or -ENOMEM. End with fb_params_clear. */
int fb_params_init(struct fb_params *params, const struct fb_kernel *kernel);

/* Takes one "NAME=VALUE". 0, or -EINVAL with a sentence in *error and *params unchanged: unknown
 * name, not a whole number, out of range, not one of the choices; or -ENOMEM. */
int fb_params_set(struct fb_params *params, const char *assignment, struct fb_error *error);

/* The value of a parameter that the kernel declares; asking for another is a programming error. */
uint64_t fb_params_number(const struct fb_params *params, const char *name);
const char *fb_params_text(const struct fb_params *params, const char *name);

/* Frees what fb_params_init and fb_params_set took. */
void fb_params_clear(struct fb_params *params);

/* ---- how a kernel lets others in ---- */

/* Why the interpreter's lock is given up. */
enum fb_release {
    FB_RELEASE_COMPUTING, /* run: work that an extension module of CPython would do without it */
    FB_RELEASE_WAITING,   /* run: until something comes */
    FB_RELEASE_CALL,      /* the worker: for all of one call of run */
    FB_RELEASE_JOB,       /* the worker: after its part of a job */
};

/* What a worker hands to run(). Everything goes through pointers, so that kernels link to nothing.
 * Only the harness fills it in. */
struct fb_yield {
    const _Atomic uint32_t *request;      /* non-zero: somebody wants this worker's attention */
    bool (*safepoint)(struct fb_yield *); /* called on request; true: stop now, nobody waits */
    /* NULL where there is no lock to give up; not every reason need be one. */
    void (*release)(struct fb_yield *, enum fb_release why);
    void (*acquire)(struct fb_yield *, enum fb_release why);
};

/* To be called at least every 10 µs in a kernel's own loops. True: return at once, the job was
 * given up and its results will not be looked at. Costs a relaxed load and a predicted branch. */
static inline bool fb_safepoint(struct fb_yield *yield)
{
    if (__builtin_expect(atomic_load_explicit(yield->request, memory_order_relaxed) != 0, 0))
        return yield->safepoint(yield);
    return false;
}

/* Around what is done without the lock, with the same reason. */
static inline void fb_release(struct fb_yield *yield, enum fb_release why)
{
    if (yield->release)
        yield->release(yield, why);
}

static inline void fb_acquire(struct fb_yield *yield, enum fb_release why)
{
    if (yield->acquire)
        yield->acquire(yield, why);
}

/* ---- kernels ---- */

enum fb_bound { FB_BOUND_CPU, FB_BOUND_MEMORY, FB_BOUND_IO };

/* Each kernel defines it for itself; it lives in the arena. */
struct fb_input;

/* What an item waits for before there is something to compute: `delay_us`, or, where url is not
 * empty, what comes from there. */
struct fb_await {
    uint64_t delay_us;
    char url[512];
};

/* What came: nothing after a delay. */
struct fb_arrival {
    int32_t status; /* 0, or the negative errno with which it did not come */
    size_t size;
    const void *bytes; /* [size] */
};

struct fb_kernel {
    const char *name;
    const char *summary; /* one line for `forkbench list` */
    enum fb_bound bound;
    const struct fb_param *params; /* ends with a NULL name; at most FB_PARAMS_MOST */
    size_t result_size;            /* bytes of one item's result: flat, no pointers, and beginning
                                      with an int32_t status, 0 or a negative errno */
    bool inexact;                  /* other implementations agree within a tolerance only (check
                                      knows it), so their digests differ */

    /* Optional: makes once what setup would otherwise need each time, as an open file, and names
     * the parameter through which setup takes it ("images=/proc/self/fd/5"). Returns 0 and the
     * descriptor, inherited by children and owned by the caller, or -1 in it when there is nothing
     * to prepare; or a negative errno with *error. */
    const char *prepared_param;
    int (*prepare)(const struct fb_params *params, int *ret_fd, struct fb_error *error);

    /* Builds the input in the arena. 0 and *ret_input, to be ended with teardown, or a negative
     * errno with a sentence in *error. */
    int (*setup)(const struct fb_params *params, struct fb_arena *arena,
                 struct fb_input **ret_input, struct fb_error *error);
    size_t (*items)(const struct fb_input *input);

    /* Optional: the parameter that takes the address of a server for it ("url"). Whoever runs the
     * kernel starts one where that is empty; what it gives is in served.h. */
    const char *served_param;

    /* Optional, for kernels that wait: what they wait for, and the rest of an item's work then. run
     * does both for one item after the other; with these one thread can wait for many. `computes`:
     * finish is worth a CPU of its own. It may be called in another process, with the arena. */
    void (*await)(const struct fb_input *input, size_t item, struct fb_await *ret_await);
    void (*finish)(const struct fb_input *input, size_t item, const struct fb_arrival *arrival,
                   void *results, struct fb_yield *yield);
    bool computes;

    /* Optional: a worker's own buffers, private to it. 0 or a negative errno. */
    int (*worker_begin)(const struct fb_input *input, void **ret_scratch);
    /* Works on items begin … end-1 and puts the result of item i into slot i of results, which are
     * all zero before a job. */
    void (*run)(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield);
    void (*worker_end)(void *scratch);

    /* Checks the results of the items whose status is 0 by an independent and cheaper algorithm.
     * 0, or -EBADMSG with the first wrong item in *error. */
    int (*check)(const struct fb_input *input, const void *results, struct fb_error *error);
    /* The same for the same results, whoever computed them. */
    uint64_t (*digest)(const struct fb_input *input, const void *results);
    /* The result in the kernel's own words ("63951 primes"), cut to size. */
    void (*answer)(const struct fb_input *input, const void *results, char *text, size_t size);
    /* Which thing item i is and why its status is not 0 ("a.jpg: not a JPEG or PNG image").
     * NULL where items can't fail. */
    void (*describe)(const struct fb_input *input, const void *results, size_t item, char *text,
                     size_t size);
    /* Optional: gives back what setup took outside the arena. */
    void (*teardown)(struct fb_input *input);
};

/* One folded-in value of a digest: order matters. */
static inline uint64_t fb_digest(uint64_t digest, uint64_t value)
{
    /* The finisher of splitmix64 (Steele, Lea and Flood, OOPSLA 2014). */
    uint64_t z = (digest ^ value) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The kernel of that name, or NULL. */
const struct fb_kernel *fb_kernel_find(const char *name);

/* All kernels that were built, ending with NULL. */
extern const struct fb_kernel *const fb_kernels[];

/* What could not be built here, and why; ends with a NULL name. */
struct fb_missing {
    const char *name, *reason;
};
extern const struct fb_missing fb_kernels_missing[];

/* The status at the head of item i's result. */
static inline int32_t fb_result_status(const struct fb_kernel *kernel, const void *results,
                                       size_t item)
{
    return *(const int32_t *)((const char *)results + item * kernel->result_size);
}

/* How many items have a status other than 0. */
size_t fb_results_failed(const struct fb_kernel *kernel, const void *results, size_t items);

#endif
