#include "bench/trial/trial.h"

#include "bench/trial/server.h"

#include "harness/worker/topology.h"
#include "base/clock.h"
#include "base/stats.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int serve(struct fb_trial_request *request, struct fb_server *server, struct fb_error *error)
{
    char assignment[128];
    if (!fb_server_is_needed(request->kernel, &request->params))
        return 0;
    int result = fb_server_start(server, error);
    snprintf(assignment, sizeof assignment, "%s=%s", request->kernel->served_param, server->url);
    return result < 0 ? result : fb_params_set(&request->params, assignment, error);
}

static int prepare(struct fb_trial_request *request, int *ret_fd, struct fb_error *error)
{
    *ret_fd = -1;
    if (!request->kernel->prepare)
        return 0;
    int fd;
    int result = request->kernel->prepare(&request->params, &fd, error);
    if (result < 0 || fd < 0)
        return result;
    char assignment[64];
    snprintf(assignment, sizeof assignment, "%s=/proc/self/fd/%d", request->kernel->prepared_param,
             fd);
    result = fb_params_set(&request->params, assignment, error);
    if (result < 0)
        close(fd);
    else
        *ret_fd = fd;
    return result;
}

static int set_up(const struct fb_trial_request *request, struct fb_trial_job *job,
                  struct fb_error *error)
{
    int result = fb_arena_open(&job->arena);
    if (result < 0)
        return fb_error_set(error, result, "no address space for shared memory");
    result = request->kernel->setup(&request->params, job->arena, &job->input, error);
    if (result < 0)
        return result;
    job->job = (struct fb_job){
        .kernel = request->kernel,
        .params = &request->params,
        .input = job->input,
        .items = request->kernel->items(job->input),
        .chunk = request->chunk,
        .schedule = request->schedule,
    };
    size_t size = job->job.items * request->kernel->result_size;
    job->job.results = fb_arena_alloc(job->arena, size);
    if (!job->job.results)
        return fb_error_set(error, -ENOMEM, "out of shared memory: %zu results", job->job.items);
    if (request->bind) {
        unsigned count = request->copies ? request->copies : request->workers;
        job->cpus = calloc(count, sizeof *job->cpus);
        result = !job->cpus ? -ENOMEM : request->cpus ? 0 : fb_topology_choose(count, job->cpus);
        if (result < 0)
            return fb_error_set(error, result, "can't choose CPUs to bind to");
        if (request->cpus)
            memcpy(job->cpus, request->cpus, count * sizeof *job->cpus);
    }
    return 0;
}

static void tear_down(const struct fb_trial_request *request, struct fb_trial_job *job)
{
    if (job->input && request->kernel->teardown)
        request->kernel->teardown(job->input);
    fb_arena_close(job->arena);
    free(job->cpus);
}

static void check_results(const struct fb_trial_request *request, const struct fb_trial_job *job,
                          struct fb_trial *trial)
{
    const struct fb_job *done = &job->job;
    struct fb_error error = { 0 };
    uint64_t digest = done->kernel->digest(done->input, done->results);
    trial->failed = fb_results_failed(done->kernel, done->results, done->items);
    int result = 0;
    if (!request->has_known || request->known != digest)
        result = done->kernel->check(done->input, done->results, &error);
    if (result == 0 && trial->failed > 0)
        result =
            fb_error_set(&error, -EBADMSG, "%zu of %zu items failed", trial->failed, done->items);
    trial->digest = digest;
    trial->valid = result == 0;
    trial->why_invalid = error;
}

static int keep_reports(struct fb_trial *trial, const struct fb_report *report)
{
    if (report->workers == 0)
        return 0;
    size_t size = report->workers * sizeof *trial->worker;
    if (!trial->worker)
        trial->worker = aligned_alloc(FB_CACHE_LINE, size);
    if (!trial->worker)
        return -ENOMEM;
    memcpy(trial->worker, report->worker, size);
    trial->workers = report->workers;
    return 0;
}

static int run_job(const struct fb_trial_request *request, const struct fb_trial_job *job,
                   struct fb_pool *pool, struct fb_trial *trial, struct fb_error *error)
{
    struct fb_report report;
    /* Results of the last repetition must not pass for those of this one. Writing also takes the
     * page faults here, not in the workers. */
    memset(job->job.results, 0, job->job.items * request->kernel->result_size);
    uint64_t start = fb_now_ns();
    int result = request->harness->run(pool, &job->job, &report, error);
    trial->runs_ns[trial->runs] = fb_now_ns() - start;
    if (result < 0)
        return result;
    uint64_t digest = request->kernel->digest(job->input, job->job.results);
    if (trial->runs > 0 && digest != trial->digest)
        return fb_error_set(error, -EBADMSG, "repetition %u gave other results", trial->runs);
    trial->digest = digest;
    fb_trace_clear(&trial->trace);
    if (keep_reports(trial, &report) < 0 ||
        (report.stamps && fb_trace_take(&report, start, &trial->trace) < 0))
        return fb_error_set(error, -ENOMEM, "out of memory");
    return 0;
}

/* Jobs that are repeated to take long enough are never exactly two: the median of two is their
 * mean, and the cold first job would count for half of it. */
static bool needs_more_jobs(const struct fb_trial_request *request, unsigned runs,
                            uint64_t total_ns)
{
    if (runs < request->repeat)
        return true;
    bool short_of = total_ns < request->least_ns || (request->least_ns > 0 && runs == 2);
    return short_of && runs < FB_REPEAT_MOST;
}

static int run_jobs(const struct fb_trial_request *request, const struct fb_trial_job *job,
                    struct fb_pool *pool, struct fb_trial *trial, struct fb_error *error)
{
    uint64_t total_ns = 0;
    unsigned room = request->repeat;
    trial->runs_ns = calloc(room, sizeof *trial->runs_ns);
    if (!trial->runs_ns)
        return fb_error_set(error, -ENOMEM, "out of memory");
    while (needs_more_jobs(request, trial->runs, total_ns)) {
        if (trial->runs == room) {
            room *= 2;
            uint64_t *grown = realloc(trial->runs_ns, room * sizeof *grown);
            if (!grown)
                return fb_error_set(error, -ENOMEM, "out of memory");
            trial->runs_ns = grown;
        }
        int result = run_job(request, job, pool, trial, error);
        if (result < 0)
            return result;
        total_ns += trial->runs_ns[trial->runs++];
    }
    trial->repeat = trial->runs;
    trial->run_ns = fb_median_ns(trial->runs_ns, trial->runs);
    return 0;
}

static int run_harness(const struct fb_trial_request *request, const struct fb_trial_job *job,
                       struct fb_trial *trial, struct fb_error *error)
{
    char variant[PATH_MAX];
    if (request->harness->find) {
        int found = request->harness->find(request->variant, variant, sizeof variant, error);
        if (found < 0)
            return found;
    }
    struct fb_setting setting = {
        .arena = job->arena,
        .workers = request->workers,
        .cpus = job->cpus,
        .switch_interval_ns = request->switch_interval_ns,
        .variant = request->harness->find ? variant : NULL,
        .stamps = request->trace ? fb_trace_stamps(request->workers) : 0,
    };
    struct fb_pool *pool;
    struct fb_auditor auditor;
    fb_audit_open(&auditor);
    uint64_t start = fb_now_ns();
    int result = request->harness->open(&setting, &pool, error);
    if (result < 0) {
        fb_audit_close(&auditor);
        return result;
    }
    trial->open_ns = fb_now_ns() - start;
    fb_audit_begin(&auditor);
    result = run_jobs(request, job, pool, trial, error);
    fb_audit_end(&auditor, &trial->audit);
    fb_audit_close(&auditor);
    if (request->harness->describe)
        request->harness->describe(pool, trial->description, sizeof trial->description);
    start = fb_now_ns();
    request->harness->close(pool);
    trial->close_ns = fb_now_ns() - start;
    return result;
}

static int run_copies(const struct fb_trial_request *request, const struct fb_trial_job *job,
                      struct fb_trial *trial, struct fb_error *error)
{
    trial->runs_ns = calloc(request->copies, sizeof *trial->runs_ns);
    if (!trial->runs_ns)
        return fb_error_set(error, -ENOMEM, "out of memory");
    trial->runs = request->copies;
    trial->repeat = request->repeat;
    struct fb_auditor auditor;
    fb_audit_open(&auditor);
    fb_audit_begin(&auditor);
    int result = fb_copies_run(request, job, trial->runs_ns, error);
    fb_audit_end(&auditor, &trial->audit);
    struct fb_memory *memory = &trial->audit.memory;
    memory->processes = memory->pss_bytes = memory->uss_bytes =
        fb_optional_missing("the copies have ended");
    fb_audit_close(&auditor);
    if (result < 0)
        return result;
    double rate = 0;
    for (unsigned i = 0; i < request->copies; i++)
        rate += 1.0 / (double)trial->runs_ns[i];
    trial->run_ns = (uint64_t)(request->copies / rate + 0.5);
    return 0;
}

static int describe_broken_items(const struct fb_trial_job *job, struct fb_trial *trial)
{
    const struct fb_job *done = &job->job;
    if (trial->failed == 0)
        return 0;
    trial->broken = calloc(trial->failed, sizeof *trial->broken);
    if (!trial->broken)
        return -ENOMEM;
    size_t next = 0;
    for (size_t item = 0; item < done->items && next < trial->failed; item++) {
        char text[512] = "";
        if (fb_result_status(done->kernel, done->results, item) == 0)
            continue;
        if (done->kernel->describe)
            done->kernel->describe(done->input, done->results, item, text, sizeof text);
        trial->broken[next] = strdup(text);
        if (!trial->broken[next++])
            return -ENOMEM;
    }
    return 0;
}

int fb_trial_run(struct fb_trial_request *request, struct fb_trial *ret_trial,
                 struct fb_error *error)
{
    struct fb_trial trial = { 0 };
    struct fb_trial_job job = { 0 };
    struct fb_server server = { 0 };
    int fd, result;
    uint64_t start = fb_now_ns();
    result = prepare(request, &fd, error);
    if (result == 0)
        result = serve(request, &server, error);
    trial.prepare_ns = fb_now_ns() - start;
    if (result == 0) {
        start = fb_now_ns();
        result = set_up(request, &job, error);
        trial.setup_ns = fb_now_ns() - start;
    }
    if (result == 0)
        result = request->copies ? run_copies(request, &job, &trial, error)
                                 : run_harness(request, &job, &trial, error);
    if (result == 0) {
        trial.items = job.job.items;
        check_results(request, &job, &trial);
        request->kernel->answer(job.input, job.job.results, trial.answer, sizeof trial.answer);
        if (describe_broken_items(&job, &trial) < 0)
            result = fb_error_set(error, -ENOMEM, "out of memory");
    }
    tear_down(request, &job);
    fb_server_end(&server);
    if (fd >= 0)
        close(fd);
    if (result < 0)
        fb_trial_clear(&trial);
    else
        *ret_trial = trial;
    return result;
}

void fb_trial_clear(struct fb_trial *trial)
{
    for (size_t i = 0; trial->broken && i < trial->failed; i++)
        free(trial->broken[i]);
    free(trial->broken);
    free(trial->runs_ns);
    free(trial->worker);
    fb_trace_clear(&trial->trace);
    *trial = (struct fb_trial){ 0 };
}
