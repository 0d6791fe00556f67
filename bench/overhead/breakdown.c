/* Where the time of a coarse job goes. */
#include "bench/overhead/overhead.h"
#include "bench/trial/trial.h"

#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FORKPOOL, PTHREAD, RIVALS };
static const char *const rival_names[RIVALS] = { "forkpool", "pthread" };

enum { TIME, CEILING, EXCESS, START, CLAIMS, SLOWEST, JOIN, UNEXPLAINED, PARTS };
static const char *const names[PARTS] = {
    [TIME] = "account.time",   [CEILING] = "account.ceiling",         [EXCESS] = "account.excess",
    [START] = "account.start", [CLAIMS] = "account.claims",           [SLOWEST] = "account.slowest",
    [JOIN] = "account.join",   [UNEXPLAINED] = "account.unexplained",
};

struct rival {
    const struct fb_harness *harness;
    struct fb_pool *pool;
    double claim_ns;
    double *sample[PARTS]; /* [rounds] */
};

struct books {
    const struct fb_overhead *overhead;
    struct fb_trial_request request; /* of the copies */
    struct fb_trial_job work;
    struct rival rival[RIVALS];
    uint64_t *copy_ns; /* [workers] */
    double *samples;
};

/* A worker's share of a job at the pace that the hardware gives to as many copies at once. */
static int measure_ceiling(const struct books *books, double *ret_ns, struct fb_error *error)
{
    unsigned workers = books->overhead->workers;
    double rate = 0;
    int result = fb_copies_run(&books->request, &books->work, books->copy_ns, error);
    for (unsigned i = 0; i < workers && result == 0; i++)
        rate += 1 / (double)books->copy_ns[i];
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
        /* One that got nothing to do only waited for the others. */
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

static int run_round(struct books *books, size_t round, struct fb_error *error)
{
    double ceiling_ns, part[PARTS];
    int result = measure_ceiling(books, &ceiling_ns, error);
    for (size_t i = 0; i < RIVALS && result == 0; i++) {
        struct rival *rival = &books->rival[(round + i) % RIVALS];
        struct fb_report report;
        memset(books->work.job.results, 0,
               books->work.job.items * books->request.kernel->result_size);
        uint64_t start_ns = fb_now_ns();
        result = rival->harness->run(rival->pool, &books->work.job, &report, error);
        uint64_t end_ns = fb_now_ns();
        if (result < 0)
            break;
        split(&report, start_ns, end_ns, rival->claim_ns, ceiling_ns, part);
        for (int k = 0; k < PARTS; k++)
            rival->sample[k][round] = part[k];
    }
    return result;
}

/* What is left of the excess when so much of it is unexplained, in per cent; NaN if it isn't known.
 */
static double part_explained(double unexplained, double excess)
{
    double part = 1 - fabs(unexplained) / fabs(excess);
    return part < 0 ? 0 : 100 * part;
}

/* By the medians; the interval comes from that of what is unexplained. */
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

static int add_rival(const struct books *books, int index)
{
    const struct fb_overhead *overhead = books->overhead;
    struct fb_interval part[PARTS];
    struct fb_metric metric = {
        .workers = overhead->workers, .state = "warm", .binding = "unbound", .unit = "ns"
    };
    snprintf(metric.harness, sizeof metric.harness, "%s", rival_names[index]);
    for (int k = 0; k < PARTS; k++) {
        part[k] = fb_median_interval(books->rival[index].sample[k], overhead->rounds);
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

/* ---- */

static int open_rivals(struct books *books, struct fb_error *error)
{
    struct fb_setting setting = { .arena = books->work.arena, .workers = books->overhead->workers };
    for (int i = 0; i < RIVALS; i++) {
        struct rival *rival = &books->rival[i];
        const char *variant;
        rival->harness = fb_harness_find(rival_names[i], &variant);
        int result = rival->harness->open(&setting, &rival->pool, error);
        if (result < 0)
            return result;
        struct fb_metric like = { .workers = setting.workers,
                                  .state = "warm",
                                  .binding = "unbound" };
        snprintf(like.harness, sizeof like.harness, "%s", rival_names[i]);
        const struct fb_metric *claim =
            fb_metrics_find(books->overhead->metrics, &like, "dispatch.claim");
        rival->claim_ns = claim ? claim->of.value : 0;
    }
    return 0;
}

static int open_work(struct books *books, struct fb_error *error)
{
    const char *variant;
    unsigned workers = books->overhead->workers;
    size_t rounds = books->overhead->rounds;
    const struct fb_kernel *kernel = fb_kernel_find("primes");
    struct fb_trial_request *request = &books->request;
    *request = (struct fb_trial_request){ .kernel = kernel,
                                          .harness = fb_harness_find("single", &variant),
                                          .workers = 1,
                                          .repeat = 1,
                                          .copies = workers };
    struct fb_trial_job *work = &books->work;
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
    books->copy_ns = calloc(workers, sizeof *books->copy_ns);
    books->samples = calloc(RIVALS * PARTS * rounds, sizeof *books->samples);
    if (!work->job.results || !books->copy_ns || !books->samples)
        return fb_error_set(error, -ENOMEM, "out of memory");
    for (size_t i = 0; i < RIVALS * PARTS; i++)
        books->rival[i / PARTS].sample[i % PARTS] = books->samples + i * rounds;
    return 0;
}

static void close_books(struct books *books)
{
    for (int i = RIVALS - 1; i >= 0; i--)
        if (books->rival[i].pool)
            books->rival[i].harness->close(books->rival[i].pool);
    if (books->work.input && books->request.kernel->teardown)
        books->request.kernel->teardown(books->work.input);
    fb_params_clear(&books->request.params);
    fb_arena_close(books->work.arena);
    free(books->copy_ns);
    free(books->samples);
}

int fb_breakdown_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct books books = { .overhead = overhead };
    int result = fb_arena_open(&books.work.arena);
    if (result < 0)
        return fb_error_set(error, result, "no address space for shared memory");
    result = open_work(&books, error);
    if (result == 0)
        result = open_rivals(&books, error);
    for (size_t round = 0; round < overhead->rounds && result == 0; round++) {
        fb_overhead_progress(overhead, (double)round / (double)overhead->rounds, "account");
        result = run_round(&books, round, error);
    }
    for (int i = 0; i < RIVALS && result == 0; i++)
        if (add_rival(&books, i) < 0)
            result = fb_error_set(error, -ENOMEM, "out of memory");
    close_books(&books);
    return result;
}
