/* A peer: OpenMP with its own threads, barriers and loop schedules, running the same kernels. */
#include "base/cpus.h"
#include "harness/harness.h"

#include <errno.h>
#include <omp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>

struct fb_pool {
    unsigned workers;
    const unsigned *cpus;
    cpu_set_t before;
    struct fb_yield yield;
    void **scratch; /* [workers], kept for later jobs with the same input */
    const struct fb_kernel *kernel;
    const struct fb_input *input;
    _Atomic uint32_t never; /* request word, always 0: OpenMP workers are not stopped */
};

/* Runs the items of chunk number `chunk`. */
static void run_chunk(struct fb_pool *pool, const struct fb_job *job, void *scratch, size_t size,
                      size_t chunk)
{
    size_t begin = chunk * size;
    size_t end = job->items - begin > size ? begin + size : job->items;
    job->kernel->run(job->input, scratch, begin, end, job->results, &pool->yield);
}

static void run_schedule(struct fb_pool *pool, const struct fb_job *job, void *scratch)
{
    size_t size = job->chunk ? job->chunk : 1;
    if (job->schedule == FB_STATIC && job->chunk == 0)
        size = job->items / pool->workers + (job->items % pool->workers != 0);
    size_t chunks = size ? job->items / size + (job->items % size != 0) : 0;
    switch (job->schedule) {
    case FB_STATIC:
#pragma omp for schedule(static, 1) nowait
        for (size_t chunk = 0; chunk < chunks; chunk++)
            run_chunk(pool, job, scratch, size, chunk);
        break;
    case FB_GUIDED:
#pragma omp for schedule(guided, 1) nowait
        for (size_t chunk = 0; chunk < chunks; chunk++)
            run_chunk(pool, job, scratch, size, chunk);
        break;
    default:
#pragma omp for schedule(dynamic, 1) nowait
        for (size_t chunk = 0; chunk < chunks; chunk++)
            run_chunk(pool, job, scratch, size, chunk);
    }
}

static void drop_scratch(struct fb_pool *pool)
{
    for (unsigned i = 0; i < pool->workers && pool->kernel && pool->kernel->worker_end; i++)
        if (pool->scratch[i])
            pool->kernel->worker_end(pool->scratch[i]);
    memset(pool->scratch, 0, pool->workers * sizeof *pool->scratch);
    pool->kernel = NULL;
}

/* Each thread creates its own scratch, so that the memory is local to its CPU. */
static int get_scratch(struct fb_pool *pool, const struct fb_job *job)
{
    int result = 0;
    if (pool->kernel == job->kernel && pool->input == job->input)
        return 0;
    drop_scratch(pool);
    pool->kernel = job->kernel;
    pool->input = job->input;
    if (!job->kernel->worker_begin)
        return 0;
#pragma omp parallel num_threads(pool->workers) reduction(min : result)
    result = job->kernel->worker_begin(job->input, &pool->scratch[omp_get_thread_num()]);
    if (result < 0)
        drop_scratch(pool);
    return result;
}

static int run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error)
{
    int result = get_scratch(pool, job);
    if (result < 0)
        return fb_error_set(error, result, "a worker could not begin %s: %s", job->kernel->name,
                            strerror(-result));
#pragma omp parallel num_threads(pool->workers)
    run_schedule(pool, job, pool->scratch[omp_get_thread_num()]);
    if (report)
        *report = (struct fb_report){ 0 };
    return 0;
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    drop_scratch(pool);
    /* libgomp keeps its threads for the next pool, which may not be bound. */
#pragma omp parallel num_threads(pool->workers)
    if (pool->cpus)
        sched_setaffinity(0, sizeof pool->before, &pool->before);
    free(pool->scratch);
    free(pool);
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = calloc(1, sizeof *pool);
    void **scratch = calloc(setting->workers, sizeof *scratch);
    if (!pool || !scratch) {
        free(pool);
        free(scratch);
        return fb_error_set(error, -ENOMEM, "out of memory");
    }
    pool->scratch = scratch;
    pool->workers = setting->workers;
    pool->cpus = setting->cpus;
    pool->yield.request = &pool->never;
    sched_getaffinity(0, sizeof pool->before, &pool->before);
    int started = 0;
#pragma omp parallel num_threads(pool->workers) reduction(+ : started)
    {
        if (pool->cpus)
            fb_cpus_bind(pool->cpus[omp_get_thread_num()]);
        started++;
    }
    if ((unsigned)started != pool->workers) {
        close_pool(pool);
        return fb_error_set(error, -EAGAIN, "OpenMP started %d of %u threads: raise its limits",
                            started, setting->workers);
    }
    *ret_pool = pool;
    return 0;
}

const struct fb_harness fb_harness_openmp = {
    .name = "openmp",
    .summary = "a peer: OpenMP's threads and loop schedules",
    .base = "single",
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
