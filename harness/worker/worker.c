#include "harness/worker/worker.h"
#include "base/clock.h"
#include "base/cpus.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

/* Longer than the pause between two jobs in a loop, but only a few times the cost of waking a
 * sleeping thread. */
#define SPIN_NS 50000
#define SPINS_PER_CLOCK_READ 32

static uint64_t timeval_ns(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_usec * 1000u;
}

void fb_report_begin(struct fb_worker_report *report)
{
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    *report = (struct fb_worker_report){
        .known = true,
        .user_ns = timeval_ns(usage.ru_utime),
        .system_ns = timeval_ns(usage.ru_stime),
        .voluntary_switches = (uint64_t)usage.ru_nvcsw,
        .involuntary_switches = (uint64_t)usage.ru_nivcsw,
        .minor_faults = (uint64_t)usage.ru_minflt,
        .ready_ns = fb_now_ns(),
    };
}

void fb_report_end(struct fb_worker_report *report)
{
    report->done_ns = fb_now_ns();
    struct rusage usage;
    getrusage(RUSAGE_THREAD, &usage);
    report->user_ns = timeval_ns(usage.ru_utime) - report->user_ns;
    report->system_ns = timeval_ns(usage.ru_stime) - report->system_ns;
    report->voluntary_switches = (uint64_t)usage.ru_nvcsw - report->voluntary_switches;
    report->involuntary_switches = (uint64_t)usage.ru_nivcsw - report->involuntary_switches;
    report->minor_faults = (uint64_t)usage.ru_minflt - report->minor_faults;
}

/* ---- what every worker does ---- */

static bool stopped(struct fb_yield *yield)
{
    (void)yield; /* only a stop sets the word that leads here */
    return true;
}

void fb_yield_plain(struct fb_yield *yield, struct fb_team *team)
{
    *yield = (struct fb_yield){ .request = &team->stop, .safepoint = stopped };
}

void fb_worker_drop(struct fb_worker *worker)
{
    if (worker->kernel && worker->kernel->worker_end)
        worker->kernel->worker_end(worker->scratch);
    worker->kernel = NULL;
    worker->input = NULL;
    worker->scratch = NULL;
}

int fb_worker_scratch(struct fb_worker *worker, const struct fb_kernel *kernel,
                      const struct fb_input *input)
{
    if (worker->kernel == kernel && worker->input == input)
        return 0;
    fb_worker_drop(worker);
    if (kernel->worker_begin) {
        int result = kernel->worker_begin(input, &worker->scratch);
        if (result < 0)
            return result;
    }
    worker->kernel = kernel;
    worker->input = input;
    return 0;
}

/* The address of the caller's kernel in this image. */
static const struct fb_kernel *kernel_of(const struct fb_team *team)
{
    return (const void *)((uintptr_t)team->kernel - team->anchor + (uintptr_t)fb_kernels);
}

/* Compiled twice: code that only the lock and the timeline need would cost 0.8 ns per chunk (of
 * 7.4). */
static inline __attribute__((always_inline)) void work_on_chunks(struct fb_worker *worker,
                                                                 struct fb_worker_report *report,
                                                                 bool observed)
{
    struct fb_team *team = worker->team;
    struct fb_stamps *stamps = fb_team_stamps(team, worker->index);
    struct fb_claimer claimer;
    size_t begin, end;
    uint64_t chunks = 0;
    fb_claimer_begin(&claimer, worker->index);
    while (fb_claim(team->claims, &claimer, &begin, &end)) {
        if (report && chunks == 0)
            report->first_ns = fb_now_ns();
        if (observed) {
            fb_stamp(stamps, FB_EVENT_CHUNK, begin);
            fb_release(worker->yield, FB_RELEASE_CALL);
        }
        worker->kernel->run(team->input, worker->scratch, begin, end, team->results, worker->yield);
        if (observed && worker->yield->release) {
            /* No chunk runs while its worker waits for the lock. */
            fb_stamp(stamps, FB_EVENT_IDLE, 0);
            fb_acquire(worker->yield, FB_RELEASE_CALL);
        }
        chunks++;
        if (atomic_load_explicit(&team->stop, memory_order_relaxed))
            break;
    }
    fb_stamp(stamps, FB_EVENT_IDLE, 0);
    if (report)
        report->chunks = chunks;
}

static void work(struct fb_worker *worker, struct fb_worker_report *report)
{
    if (worker->team->stamps || worker->yield->release)
        work_on_chunks(worker, report, true);
    else
        work_on_chunks(worker, report, false);
}

/* One worker's part of the job at the gate. */
static void take_part(struct fb_worker *worker)
{
    struct fb_team *team = worker->team;
    struct fb_worker_report *report = team->measure ? &team->report[worker->index] : NULL;
    if (report)
        fb_report_begin(report);
    fb_acquire(worker->yield, FB_RELEASE_JOB);
    int result = fb_worker_scratch(worker, kernel_of(team), team->input);
    if (result == 0) {
        work(worker, report);
    } else {
        team->report[worker->index].error = result;
        atomic_store(&team->failed, worker->index + 1);
    }
    fb_release(worker->yield, FB_RELEASE_JOB);
    if (report)
        fb_report_end(report);
}

/* Spins until *word is value (until_equal) or is not value. False if that takes longer than ns. */
static bool spin(const _Atomic uint32_t *word, uint32_t value, bool until_equal, uint64_t ns)
{
    if (ns == 0)
        return (atomic_load_explicit(word, memory_order_acquire) == value) == until_equal;
    uint64_t deadline = 0;
    for (;;) {
        for (int i = 0; i < SPINS_PER_CLOCK_READ; i++) {
            if ((atomic_load_explicit(word, memory_order_acquire) == value) == until_equal)
                return true;
            fb_mp_relax();
        }
        uint64_t now = fb_now_ns();
        if (deadline == 0)
            deadline = now + ns;
        else if (now > deadline)
            return false;
    }
}

static void wait_at_gate(struct fb_worker *worker)
{
    struct fb_team *team = worker->team;
    if (!spin(&team->go, worker->seen, false, team->spin_ns)) {
        atomic_fetch_add(&team->sleepers, 1);
        while (atomic_load(&team->go) == worker->seen)
            fb_mp_futex_wait(&team->go, worker->seen, NULL);
        atomic_fetch_sub(&team->sleepers, 1);
    }
    worker->seen++;
}

static void notify_caller(struct fb_team *team)
{
    atomic_fetch_add(&team->notified, 1);
    fb_mp_wake(&team->notified, INT_MAX);
}

static void finish(struct fb_worker *worker)
{
    struct fb_team *team = worker->team;
    uint32_t all = worker->seen * (team->workers - 1);
    if (atomic_fetch_add(&team->finished, 1) + 1 == all && atomic_load(&team->caller_sleeps))
        notify_caller(team);
}

void fb_worker_loop(struct fb_team *team, unsigned index, struct fb_yield *yield)
{
    struct fb_worker worker = { .team = team, .yield = yield, .index = index };
    if (team->cpus)
        fb_cpus_bind(team->cpus[index]);
    for (;;) {
        wait_at_gate(&worker);
        if (team->quit)
            break;
        take_part(&worker);
        finish(&worker);
    }
    fb_worker_drop(&worker);
}

/* ---- what only the caller does ---- */

/* Whether each worker can have its own CPU, so that spinning takes no CPU time from another worker.
 * Bound workers use the CPUs in turn, so with too few CPUs the first one is used again. */
static bool enough_cpus(const struct fb_setting *setting)
{
    struct fb_cpus cpus;
    fb_cpus_read(&cpus);
    if (!setting->cpus)
        return setting->workers <= cpus.effective;
    for (unsigned i = 1; i < setting->workers; i++)
        if (setting->cpus[i] == setting->cpus[0])
            return false;
    return cpus.cgroup.quota == 0 || setting->workers <= cpus.cgroup.quota;
}

struct fb_team *fb_team_create(const struct fb_setting *setting)
{
    unsigned workers = setting->workers;
    struct fb_team *team = fb_arena_alloc(setting->arena, sizeof *team);
    struct fb_worker_report *report = fb_arena_alloc(setting->arena, workers * sizeof *report);
    struct fb_claims *claims = fb_arena_alloc(setting->arena, fb_claims_size(workers));
    if (!team || !report || !claims)
        return NULL;
    team->workers = workers;
    team->anchor = (uintptr_t)fb_kernels;
    team->spin_ns = enough_cpus(setting) ? SPIN_NS : 0;
    if (setting->cpus) { /* workers may share no other memory with the caller */
        unsigned *cpus = fb_arena_alloc(setting->arena, workers * sizeof *cpus);
        if (!cpus)
            return NULL;
        memcpy(cpus, setting->cpus, workers * sizeof *cpus);
        team->cpus = cpus;
    }
    if (setting->stamps) {
        team->stamps = fb_stamps_create(setting->arena, workers, setting->stamps);
        if (!team->stamps)
            return NULL;
    }
    team->opened = fb_instant_now();
    team->report = report;
    team->claims = claims;
    return team;
}

struct fb_report fb_team_report(const struct fb_team *team)
{
    return (struct fb_report){ .workers = team->workers,
                               .worker = team->report,
                               .stamps = team->stamps,
                               .between = { team->opened, fb_instant_now() } };
}

int fb_caller_open(struct fb_caller *caller, const struct fb_setting *setting,
                   struct fb_error *error)
{
    *caller = (struct fb_caller){ .team = fb_team_create(setting) };
    if (!caller->team)
        return fb_error_set(error, -ENOMEM, "out of shared memory for %u workers",
                            setting->workers);
    if (setting->cpus) {
        if (sched_getaffinity(0, sizeof caller->before, &caller->before) < 0)
            return fb_error_set(error, -errno, "can't read this thread's affinity");
        int result = fb_cpus_bind(setting->cpus[0]);
        if (result < 0)
            return fb_error_set(error, result, "can't bind to CPU %u: %s", setting->cpus[0],
                                strerror(-result));
        caller->bound = true;
    }
    fb_yield_plain(&caller->yield, caller->team);
    caller->worker = (struct fb_worker){ .team = caller->team, .yield = &caller->yield };
    return 0;
}

static void open_gate(struct fb_team *team)
{
    atomic_fetch_add(&team->go, 1);
    if (atomic_load(&team->sleepers))
        fb_mp_wake(&team->go, INT_MAX);
}

/* Returns when every other worker has finished this job or the team was stopped. */
static void wait_for_workers(struct fb_team *team, uint32_t all)
{
    if (team->workers == 1 || spin(&team->finished, all, true, team->spin_ns))
        return;
    atomic_store(&team->caller_sleeps, 1);
    for (;;) {
        uint32_t ticket = atomic_load(&team->notified);
        if (atomic_load(&team->finished) == all || atomic_load(&team->stop))
            break;
        fb_mp_futex_wait(&team->notified, ticket, NULL);
    }
    atomic_store(&team->caller_sleeps, 0);
}

static int first_failure(struct fb_team *team, struct fb_error *error)
{
    uint32_t failed = atomic_load(&team->failed);
    if (!failed)
        return 0;
    int code = team->report[failed - 1].error;
    atomic_store(&team->failed, 0);
    return fb_error_set(error, code, "worker %u could not begin %s: %s", failed - 1,
                        team->kernel->name, strerror(-code));
}

int fb_team_prepare(struct fb_team *team, const struct fb_job *job, struct fb_error *error)
{
    fb_stamps_reset(team->stamps, team->workers);
    if (fb_claims_reset(team->claims, team->workers, job) == 0)
        return 0;
    return fb_error_set(error, -EOVERFLOW,
                        "too many chunks: %zu items in chunks of %zu: give a larger chunk",
                        job->items, job->chunk);
}

int fb_caller_run(struct fb_caller *caller, const struct fb_job *job, struct fb_report *report,
                  struct fb_error *error)
{
    struct fb_team *team = caller->team;
    /* Acquire: the reason was written before the team was stopped. */
    if (atomic_load_explicit(&team->stop, memory_order_acquire))
        return -ECANCELED;
    int result = fb_team_prepare(team, job, error);
    if (result < 0)
        return result;
    team->kernel = job->kernel;
    team->input = job->input;
    team->results = job->results;
    team->measure = report != NULL;
    caller->worker.seen++;
    open_gate(team);
    take_part(&caller->worker);
    wait_for_workers(team, caller->worker.seen * (team->workers - 1));
    if (atomic_load_explicit(&team->stop, memory_order_acquire))
        return -ECANCELED;
    if (report)
        *report = fb_team_report(team);
    return first_failure(team, error);
}

void fb_caller_quit(struct fb_caller *caller)
{
    caller->team->quit = true;
    open_gate(caller->team);
}

void fb_caller_close(struct fb_caller *caller)
{
    fb_worker_drop(&caller->worker);
    if (caller->bound)
        sched_setaffinity(0, sizeof caller->before, &caller->before);
}

void fb_team_stop(struct fb_team *team)
{
    atomic_store(&team->stop, 1);
    notify_caller(team);
}
