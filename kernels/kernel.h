/* The interface of a kernel, which is work and depends on no threads, processes, sockets or clocks. */
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
    const char *initial;        /* the default, as text */
    uint64_t least, most;       /* FB_PARAM_NUMBER: the range, inclusive */
    const char *const *choices; /* FB_PARAM_CHOICE: NULL-terminated; the value is the index */
    const char *help;           /* one line, with the unit */
};

#define FB_PARAMS_MOST 8

/* The values of a kernel's parameters, in the order of kernel->params. */
struct fb_params {
    const struct fb_kernel *kernel;
    struct {
        char *text;      /* as given; owned */
        uint64_t number; /* NUMBER: the value; CHOICE: the index */
    } value[FB_PARAMS_MOST];
};

/* Sets every parameter to its initial value. 0 or -ENOMEM. End with fb_params_clear. */
int fb_params_init(struct fb_params *params, const struct fb_kernel *kernel);

/* Sets one parameter from "NAME=VALUE". 0; or, with *params unchanged, -ENOMEM, or -EINVAL with a
 * sentence in *error: the name is unknown, or the value is not a whole number, is out of range or is
 * not one of the choices. */
int fb_params_set(struct fb_params *params, const char *assignment, struct fb_error *error);

/* The value of a parameter that the kernel declares; any other name is a programming error. */
uint64_t fb_params_number(const struct fb_params *params, const char *name);
const char *fb_params_text(const struct fb_params *params, const char *name);

/* Frees what fb_params_init and fb_params_set allocated. */
void fb_params_clear(struct fb_params *params);

/* ---- safepoints and the interpreter's lock ---- */

/* Why a worker releases the interpreter's lock. */
enum fb_release {
    FB_RELEASE_COMPUTING, /* by run: work that an extension module of CPython would do without the lock */
    FB_RELEASE_WAITING, /* by run: while it waits */
    FB_RELEASE_CALL,    /* by the worker: during a whole call of run */
    FB_RELEASE_JOB,     /* by the worker: after its part of a job */
};

/* The worker's side of a call of run(), filled in by the harness. Kernels reach it only through
 * pointers, so that they link to no harness. */
struct fb_yield {
    const _Atomic uint32_t *request;      /* non-zero: safepoint has to be called */
    bool (*safepoint)(struct fb_yield *); /* true: the job was given up, return at once */
    /* NULL where there is no lock. An implementation may keep the lock for some of the reasons. */
    void (*release)(struct fb_yield *, enum fb_release why);
    void (*acquire)(struct fb_yield *, enum fb_release why);
};

/* A kernel's own loops call this at least every 10 µs. True: return at once; the job was given up and
 * its results will not be used. Costs a relaxed load and a predicted branch. */
static inline bool fb_safepoint(struct fb_yield *yield)
{
    if (__builtin_expect(atomic_load_explicit(yield->request, memory_order_relaxed) != 0, 0))
        return yield->safepoint(yield);
    return false;
}

/* Enclose work that is done without the lock; both take the same reason. */
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

/* Each kernel defines its own; it lies in the arena. */
struct fb_input;

/* What an item waits for: the document at `url`, or, if that is empty, until `delay_us` has passed. */
struct fb_await {
    uint64_t delay_us;
    char url[512];
};

/* The document; empty after a delay. */
struct fb_arrival {
    int32_t status; /* 0, or the negative errno of a failed transfer */
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
    bool inexact;                  /* other implementations agree only within a tolerance (which
                                      check allows), so their digests differ */

    /* Optional: makes an input once, as an open file, that setup would otherwise make in each trial.
     * setup gets it through the parameter prepared_param ("images=/proc/self/fd/5"). 0 and *ret_fd,
     * which children inherit and the caller closes, or -1 in *ret_fd when there is nothing to prepare;
     * or a negative errno with *error. */
    const char *prepared_param;
    int (*prepare)(const struct fb_params *params, int *ret_fd, struct fb_error *error);

    /* Builds the input in the arena. 0 and *ret_input, for teardown, or a negative errno with a sentence
     * in *error. */
    int (*setup)(const struct fb_params *params, struct fb_arena *arena,
                 struct fb_input **ret_input, struct fb_error *error);
    size_t (*items)(const struct fb_input *input);

    /* Optional: the parameter that takes the address of a server ("url"). If it is empty, the caller
     * starts a server for the kernel; served.h describes its documents. */
    const char *served_param;

    /* Optional, for kernels that wait: what an item waits for, and the work on it afterwards. run does
     * both for one item after the other; with these functions one thread can wait for many items.
     * `computes`: finish takes so long that it should run on another CPU. It may be called in another
     * process that has the arena. */
    void (*await)(const struct fb_input *input, size_t item, struct fb_await *ret_await);
    void (*finish)(const struct fb_input *input, size_t item, const struct fb_arrival *arrival,
                   void *results, struct fb_yield *yield);
    bool computes;

    /* Optional: allocates a worker's private buffers. 0 or a negative errno. */
    int (*worker_begin)(const struct fb_input *input, void **ret_scratch);
    /* Does items begin … end-1 and writes the result of item i to slot i of results, which are all zero
     * before a job. */
    void (*run)(const struct fb_input *input, void *scratch, size_t begin, size_t end,
                void *results, struct fb_yield *yield);
    void (*worker_end)(void *scratch);

    /* Checks the results of the items whose status is 0 by an independent and cheaper algorithm.
     * 0, or -EBADMSG with the first wrong item in *error. */
    int (*check)(const struct fb_input *input, const void *results, struct fb_error *error);
    /* Depends only on the results, not on the harness that computed them. */
    uint64_t (*digest)(const struct fb_input *input, const void *results);
    /* The result for people to read ("63951 primes"), truncated to size. */
    void (*answer)(const struct fb_input *input, const void *results, char *text, size_t size);
    /* The name of a failed item and why it failed ("a.jpg: not a JPEG or PNG image"). NULL where items
     * can't fail. */
    void (*describe)(const struct fb_input *input, const void *results, size_t item, char *text,
                     size_t size);
    /* Optional: releases what setup allocated outside the arena. */
    void (*teardown)(struct fb_input *input);
};

/* The digest of the values so far and one more; their order matters. */
static inline uint64_t fb_digest(uint64_t digest, uint64_t value)
{
    /* The finisher of splitmix64 (Steele, Lea and Flood, OOPSLA 2014). */
    uint64_t z = (digest ^ value) + 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* The kernel with this name, or NULL. */
const struct fb_kernel *fb_kernel_find(const char *name);

/* All kernels that were built, ending with NULL. */
extern const struct fb_kernel *const fb_kernels[];

/* Kernels that could not be built, and why; ends with a NULL name. */
struct fb_missing {
    const char *name, *reason;
};
extern const struct fb_missing fb_kernels_missing[];

/* The status at the beginning of the result of `item`. */
static inline int32_t fb_result_status(const struct fb_kernel *kernel, const void *results,
                                       size_t item)
{
    return *(const int32_t *)((const char *)results + item * kernel->result_size);
}

/* The number of items whose status is not 0. */
size_t fb_results_failed(const struct fb_kernel *kernel, const void *results, size_t items);

#endif
