/* Where the time of a job with few large items goes. */
#include "bench/overhead/overhead.h"
#include "bench/trial/trial.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORKPOOL, PTHREAD, CONTENDERS };
static const char *const contender_names[CONTENDERS] = { "forkpool", "pthread" };

enum { TIME, CEILING, EXCESS, START, CLAIMS, SLOWEST, JOIN, UNEXPLAINED, PARTS };
static const char *const names[PARTS] = {
    [TIME] = "account.time",   [CEILING] = "account.ceiling",         [EXCESS] = "account.excess",
    [START] = "account.start", [CLAIMS] = "account.claims",           [SLOWEST] = "account.slowest",
    [JOIN] = "account.join",   [UNEXPLAINED] = "account.unexplained",
};

struct contender {
    const struct fb_harness *harness;
    struct fb_pool *pool;
    double claim_ns;
    double *sample[PARTS]; /* [rounds] */
};

struct context {
    const struct fb_overhead *overhead;
    struct fb_trial_request request; /* for the copies */
    struct fb_trial_job work;
    struct contender contender[CONTENDERS];
    uint64_t *copy_ns; /* [workers] */
    double *samples;
};

/* The job's time if each worker ran as fast as one of that many independent copies. */
static int measure_ceiling(const struct context *context, double *ret_ns, struct fb_error *error)
{
    unsigned workers = context->overhead->workers;
    double rate = 0;
    int result = fb_copies_run(&context->request, &context->work, context->copy_ns, error);
    for (unsigned i = 0; i < workers && result == 0; i++)
        rate += 1 / (double)context->copy_ns[i];
    *ret_ns = 1 / rate;
    return result;
}

/* Splits one job's time: ret_part[START … UNEXPLAINED] add up to its excess over the ceiling. */
static void split(const struct fb_report *report, uint64_t start_ns, uint64_t end_ns,
                  double claim_ns, double ceiling_ns, double *ret_part)
{
    uint64_t slowest_ns = start_ns;
    double start = 0, slowest = 0, chunks = 0, share = 1.0 / report->workers;
    for (unsigned i = 0; i < report->workers; i++)
        if (report->worker[i].done_ns > slowest_ns)
            slowest_ns = report->worker[i].done_ns;
    for (unsigned i = 0; i < report->workers; i++) {
        const struct fb_worker_report *worker = &report->worker[i];
        /* A worker without a chunk only waited for the others. */
        bool worked = worker->first_ns > 0;
        start += worked ? (double)(worker->first_ns - start_ns) * share : 0;
        slowest += (double)(slowest_ns - (worked ? worker->done_ns : start_ns)) * share;
        chunks += (double)worker->chunks;
    }
    double time = (double)(end_ns - start_ns), excess = time - ceiling_ns;
    ret_part[TIME] = time;
    ret_part[CEILING] = ceiling_ns;
    ret_part[EXCESS] = excess;
    ret_part[START] = start;
    ret_part[CLAIMS] = chunks * claim_ns * share;
    ret_part[SLOWEST] = slowest;
    ret_part[JOIN] = (double)(end_ns - slowest_ns);
    ret_part[UNEXPLAINED] = excess - start - ret_part[CLAIMS] - slowest - ret_part[JOIN];
}

static int run_round(struct context *context, size_t round, struct fb_error *error)
{
    double ceiling_ns, part[PARTS];
    int result = measure_ceiling(context, &ceiling_ns, error);
    for (size_t i = 0; i < CONTENDERS && result == 0; i++) {
        struct contender *contender = &context->contender[(round + i) % CONTENDERS];
        struct fb_report report;
        memset(context->work.job.results, 0,
               context->work.job.items * context->request.kernel->result_size);
        uint64_t start_ns = fb_now_ns();
        result = contender->harness->run(contender->pool, &context->work.job, &report, error);
        uint64_t end_ns = fb_now_ns();
        if (result < 0)
            break;
        split(&report, start_ns, end_ns, contender->claim_ns, ceiling_ns, part);
        for (int k = 0; k < PARTS; k++)
            contender->sample[k][round] = part[k];
    }
    return result;
}

/* The explained part of the excess in per cent; NaN if it isn't known. */
static double part_explained(double unexplained, double excess)
{
    double part = 1 - fabs(unexplained) / fabs(excess);
    return part < 0 ? 0 : 100 * part;
}

/* Computed from the medians; its interval from that of the unexplained part. */
static struct fb_interval explained(const struct fb_interval *excess,
                                    const struct fb_interval *unexplained)
{
    double low = fabs(unexplained->low), high = fabs(unexplained->high);
    bool none = unexplained->low <= 0 && unexplained->high >= 0;
    return (struct fb_interval){
        .value = part_explained(unexplained->value, excess->value),
        .low = part_explained(low > high ? low : high, excess->value),
        .high = part_explained(none         ? 0
                               : low < high ? low
                                            : high,
                               excess->value),
        .samples = excess->samples,
    };
}

static int add_contender(const struct context *context, int index)
{
    const struct fb_overhead *overhead = context->overhead;
    struct fb_interval part[PARTS];
    struct fb_metric metric = {
        .workers = overhead->workers, .state = "warm", .binding = "unbound", .unit = "ns"
    };
    snprintf(metric.harness, sizeof metric.harness, "%s", contender_names[index]);
    for (int k = 0; k < PARTS; k++) {
        part[k] = fb_median_interval(context->contender[index].sample[k], overhead->rounds);
        metric.of = part[k];
        snprintf(metric.name, sizeof metric.name, "%s", names[k]);
        if (fb_metrics_add(overhead->metrics, &metric) < 0)
            return -ENOMEM;
    }
    metric.of = explained(&part[EXCESS], &part[UNEXPLAINED]);
    strcpy(metric.name, "account.explained");
    strcpy(metric.unit, "per cent");
    return fb_metrics_add(overhead->metrics, &metric);
}

/* ---- set-up ---- */

static int open_contenders(struct context *context, struct fb_error *error)
{
    struct fb_setting setting = { .arena = context->work.arena,
                                  .workers = context->overhead->workers };
    for (int i = 0; i < CONTENDERS; i++) {
        struct contender *contender = &context->contender[i];
        const char *variant;
        contender->harness = fb_harness_find(contender_names[i], &variant);
        int result = contender->harness->open(&setting, &contender->pool, error);
        if (result < 0)
            return result;
        struct fb_metric like = { .workers = setting.workers,
                                  .state = "warm",
                                  .binding = "unbound" };
        snprintf(like.harness, sizeof like.harness, "%s", contender_names[i]);
        const struct fb_metric *claim =
            fb_metrics_find(context->overhead->metrics, &like, "dispatch.claim");
        contender->claim_ns = claim ? claim->of.value : 0;
    }
    return 0;
}

static int open_work(struct context *context, struct fb_error *error)
{
    const char *variant;
    unsigned workers = context->overhead->workers;
    size_t rounds = context->overhead->rounds;
    const struct fb_kernel *kernel = fb_kernel_find("primes");
    struct fb_trial_request *request = &context->request;
    *request = (struct fb_trial_request){ .kernel = kernel,
                                          .harness = fb_harness_find("single", &variant),
                                          .workers = 1,
                                          .repeat = 1,
                                          .copies = workers };
    struct fb_trial_job *work = &context->work;
    if (fb_params_init(&request->params, kernel) < 0)
        return fb_error_set(error, -ENOMEM, "out of memory");
    int result = kernel->setup(&request->params, work->arena, &work->input, error);
    if (result < 0)
        return result;
    work->job = (struct fb_job){ .kernel = kernel,
                                 .params = &request->params,
                                 .input = work->input,
                                 .items = kernel->items(work->input),
                                 .schedule = FB_DYNAMIC };
    work->job.results = fb_arena_alloc(work->arena, work->job.items * kernel->result_size);
    context->copy_ns = calloc(workers, sizeof *context->copy_ns);
    context->samples = calloc(CONTENDERS * PARTS * rounds, sizeof *context->samples);
    if (!work->job.results || !context->copy_ns || !context->samples)
        return fb_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < CONTENDERS * PARTS; i++)
        context->contender[i / PARTS].sample[i % PARTS] = context->samples + i * rounds;
    return 0;
}

static void close_context(struct context *context)
{
    for (int i = CONTENDERS - 1; i >= 0; i--)
        if (context->contender[i].pool)
            context->contender[i].harness->close(context->contender[i].pool);
    if (context->work.input && context->request.kernel->teardown)
        context->request.kernel->teardown(context->work.input);
    fb_params_clear(&context->request.params);
    fb_arena_close(context->work.arena);
    free(context->copy_ns);
    free(context->samples);
}

int fb_breakdown_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct context context = { .overhead = overhead };
    int result = fb_arena_open(&context.work.arena);
    if (result < 0)
        return fb_error_set(error, result, "no address space for shared memory");
    result = open_work(&context, error);
    if (result == 0)
        result = open_contenders(&context, error);
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds, "account");
        result = run_round(&context, round, error);
    }
    for (int i = 0; i < CONTENDERS && result == 0; i++)
        if (add_contender(&context, i) < 0)
            result = fb_error_set(error, -ENOMEM, "out of memory");
    close_context(&context);
    return result;
}
