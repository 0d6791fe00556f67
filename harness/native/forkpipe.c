/* A worker is a forked process that is sent each chunk through a pipe and sends its results back
 * through it, as Python's pool does; the caller hands out and collects, and works on nothing. The
 * pipe is one pair of sockets that keep packets apart, for all workers: whoever is free takes the
 * next chunk, a static one too, without a lock that could be left behind. The input is not sent, as
 * Python's forked processes find theirs in memory too; nor is what only measures. */
#include "base/cpus.h"
#include "harness/native/processes.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Chunks handed out at a time: for each worker the one it works on and the next; of many workers each
 * the one it works on, as all of them wake whenever a full pipe has room for another answer. */
#define AHEAD 2
#define AHEAD_MOST 256
#define PIPE_BYTES (1 << 20)         /* asked for; the system gives what it allows */
#define ANSWER_BYTES ((size_t)60000) /* of results in a packet: well within a socket's buffer */

/* To a worker: a chunk. */
struct chunk {
    const struct fb_kernel *kernel;
    const struct fb_input *input;
    uint64_t job; /* its number */
    size_t begin, end;
    bool measure;
};

/* From a worker: results of items begin … end-1. */
struct answer {
    size_t begin, end;
    uint32_t worker;
    int error; /* why there are no results, or no more */
    bool last; /* of its chunk */
    _Alignas(FB_CACHE_LINE) char results[ANSWER_BYTES];
};

/* ---- a worker ---- */

struct piped {
    int socket;
    struct fb_worker worker;
    struct fb_yield yield;
    uint64_t job; /* that it worked on last */
    uint64_t chunks;
    struct fb_worker_report begun; /* of the job */
    void *results;                 /* room bytes, of one chunk */
    size_t room;
    struct answer answer;
};

static int answer(struct piped *piped, size_t results)
{
    size_t size = offsetof(struct answer, results) + results;
    ssize_t sent;
    while ((sent = send(piped->socket, &piped->answer, size, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent < 0 ? -errno : 0;
}

static int answer_all(struct piped *piped, const struct chunk *chunk, size_t size)
{
    size_t most = ANSWER_BYTES / size;
    int result = 0;
    for (size_t begin = chunk->begin, end; begin < chunk->end && result == 0; begin = end) {
        end = chunk->end - begin > most ? begin + most : chunk->end;
        piped->answer.begin = begin;
        piped->answer.end = end;
        piped->answer.last = end == chunk->end;
        memcpy(piped->answer.results, (char *)piped->results + (begin - chunk->begin) * size,
               (end - begin) * size);
        result = answer(piped, (end - begin) * size);
    }
    return result;
}

static void report_so_far(const struct piped *piped)
{
    struct fb_worker_report report = piped->begun;
    report.first_ns = report.ready_ns;
    report.chunks = piped->chunks;
    fb_report_end(&report);
    piped->worker.team->report[piped->worker.index] = report;
}

static int refuse(struct piped *piped, const struct chunk *chunk, int error)
{
    piped->begun.error = error;
    if (chunk->measure)
        report_so_far(piped);
    piped->answer.begin = piped->answer.end = chunk->begin;
    piped->answer.error = error;
    piped->answer.last = true;
    int result = answer(piped, 0);
    piped->answer.error = 0;
    return result;
}

/* Memory of zeroes for the results of a chunk. */
static int make_room(struct piped *piped, size_t size)
{
    if (size > piped->room) {
        free(piped->results);
        piped->room = 0;
        piped->results =
            aligned_alloc(FB_CACHE_LINE, (size + FB_CACHE_LINE - 1) & ~(size_t)(FB_CACHE_LINE - 1));
        if (!piped->results)
            return -ENOMEM;
        piped->room = size;
    }
    memset(piped->results, 0, size);
    return 0;
}

static int work_on(struct piped *piped, const struct chunk *chunk)
{
    size_t size = chunk->kernel->result_size, bytes = (chunk->end - chunk->begin) * size;
    if (chunk->job != piped->job) {
        piped->job = chunk->job;
        piped->chunks = 0;
        if (chunk->measure)
            fb_report_begin(&piped->begun);
    }
    int result = fb_worker_scratch(&piped->worker, chunk->kernel, chunk->input);
    if (result == 0)
        result = make_room(piped, bytes);
    if (result < 0)
        return refuse(piped, chunk, result);
    struct fb_stamps *stamps = fb_team_stamps(piped->worker.team, piped->worker.index);
    fb_stamp(stamps, FB_EVENT_CHUNK, chunk->begin);
    /* A kernel counts its slots from item 0 on. */
    void *slots = (void *)((uintptr_t)piped->results - chunk->begin * size);
    chunk->kernel->run(chunk->input, piped->worker.scratch, chunk->begin, chunk->end, slots,
                       &piped->yield);
    fb_stamp(stamps, FB_EVENT_IDLE, 0);
    piped->chunks++;
    if (chunk->measure)
        report_so_far(piped);
    result = answer_all(piped, chunk, size);
    return result < 0 ? refuse(piped, chunk, result) : 0;
}

static int work(const void *argument, size_t size)
{
    const struct fb_mp_worker_argument *told = argument;
    struct piped *piped = aligned_alloc(_Alignof(struct piped), sizeof *piped);
    struct chunk chunk;
    (void)size;
    if (!piped)
        return 1;
    memset(piped, 0, sizeof *piped);
    struct fb_team *team = fb_processes_join(told, &piped->socket);
    if (!team)
        return 1;
    piped->worker =
        (struct fb_worker){ .team = team, .yield = &piped->yield, .index = told->index };
    piped->answer.worker = told->index;
    fb_yield_plain(&piped->yield, team);
    if (team->cpus)
        fb_cpus_bind(team->cpus[told->index]);
    for (ssize_t got = 1; got != 0;) {
        got = recv(piped->socket, &chunk, sizeof chunk, 0);
        if ((got < 0 && errno != EINTR) || (got > 0 && work_on(piped, &chunk) < 0))
            break;
    }
    fb_worker_drop(&piped->worker);
    _exit(0); /* not exit: the program's exit handlers are the program's */
}

/* ---- the caller ---- */

struct fb_pool {
    struct fb_team *team;
    struct fb_processes processes; /* the crew's worker i is the team's i */
    int socket[2];                 /* the caller's end, the workers' */
    struct fb_error broken;        /* why it can only be closed */
    struct chunk chunk;            /* of the running job: the one to be handed out next, if … */
    bool claimed;
    unsigned from; /* claims are taken in the name of this worker, as long as it has any */
    struct fb_claimer claimer;
    size_t in_flight; /* chunks */
    struct answer answer;
};

static size_t most_in_flight(size_t workers)
{
    size_t ahead = AHEAD * workers < AHEAD_MOST ? AHEAD * workers : AHEAD_MOST;
    return ahead > workers ? ahead : workers;
}

static bool claim(struct fb_pool *pool)
{
    struct fb_team *team = pool->team;
    while (!pool->claimed && pool->from < team->workers) {
        pool->claimed =
            fb_claim(team->claims, &pool->claimer, &pool->chunk.begin, &pool->chunk.end);
        if (!pool->claimed)
            fb_claimer_begin(&pool->claimer, ++pool->from);
    }
    return pool->claimed;
}

/* Hands out what there is room for. */
static int hand_out(struct fb_pool *pool)
{
    while (pool->in_flight < most_in_flight(pool->team->workers) && claim(pool)) {
        if (send(pool->socket[0], &pool->chunk, sizeof pool->chunk, MSG_DONTWAIT | MSG_NOSIGNAL) >=
            0) {
            pool->claimed = false;
            pool->in_flight++;
        } else if (errno == EAGAIN) {
            return 0; /* it is full of ours, whose answers will come */
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Takes an answer that has come: results, or why there are none, into *refused. 0,
 * -EAGAIN: there is none, or another negative errno. */
static int collect(struct fb_pool *pool, const struct fb_job *job, struct fb_error *refused)
{
    struct answer *answer = &pool->answer;
    size_t size = job->kernel->result_size;
    ssize_t got = recv(pool->socket[0], answer, sizeof *answer, MSG_DONTWAIT);
    if (got <= 0)
        return got < 0 ? -errno : -EPIPE;
    memcpy((char *)job->results + answer->begin * size, answer->results,
           (answer->end - answer->begin) * size);
    pool->in_flight -= answer->last;
    if (answer->error && refused->code == 0) {
        fb_error_set(refused, answer->error, "worker %u could not do its part of %s: %s",
                     answer->worker + 1, job->kernel->name, strerror(-answer->error));
        pool->from = pool->team->workers; /* and nothing more is handed out */
        pool->claimed = false;
    }
    return 0;
}

/* Waits for an answer or an end. 0, or -EOWNERDEAD. */
static int wait_for_news(struct fb_pool *pool)
{
    struct fb_mp_supervisor *crew = pool->processes.crew;
    struct fb_mp_worker_end end;
    struct pollfd event[] = { { .fd = pool->socket[0], .events = POLLIN },
                              { .fd = fb_mp_supervisor_fd(crew), .events = POLLIN } };
    /* An end may be known before there is anything to wait for. */
    if (fb_mp_supervisor_next_end(crew, &end) != -EAGAIN)
        return fb_processes_explain(&pool->processes, &end, &pool->broken);
    while (poll(event, 2, -1) < 0 && errno == EINTR)
        ;
    return 0;
}

/* 0 when all answers are in; with *refused set, if a worker could not do its part. Otherwise the pool is
 * broken: answers to this job may come yet. */
static int run_chunks(struct fb_pool *pool, const struct fb_job *job, struct fb_error *refused)
{
    for (;;) {
        int result = hand_out(pool);
        if (result == 0 && pool->in_flight == 0 && !pool->claimed)
            return 0;
        if (result == 0)
            result = collect(pool, job, refused);
        if (result == -EAGAIN)
            result = wait_for_news(pool);
        if (result < 0 && result != -EINTR)
            return result;
    }
}

static void break_pool(struct fb_pool *pool, int code)
{
    atomic_store(&pool->team->stop, 1); /* what the workers are at is for nothing */
    if (pool->broken.code == 0)
        fb_error_set(&pool->broken, code, "can't reach the workers: %s", strerror(-code));
}

static int run(struct fb_pool *pool, const struct fb_job *job, struct fb_report *report,
               struct fb_error *error)
{
    struct fb_error refused = { 0 };
    struct fb_team *team = pool->team;
    if (pool->broken.code)
        return fb_error_set(error, pool->broken.code, "%s", pool->broken.text);
    if (job->kernel->result_size > ANSWER_BYTES)
        return fb_error_set(error, -ENOTSUP, "a result of %s is too large for a packet: %zu bytes",
                            job->kernel->name, job->kernel->result_size);
    int result = fb_team_prepare(team, job, error);
    if (result < 0)
        return result;
    pool->chunk = (struct chunk){ .kernel = job->kernel,
                                  .input = job->input,
                                  .job = pool->chunk.job + 1,
                                  .measure = report != NULL };
    pool->from = 0;
    fb_claimer_begin(&pool->claimer, 0);
    if (report) /* those that get nothing say nothing */
        memset(team->report, 0, team->workers * sizeof *team->report);
    result = run_chunks(pool, job, &refused);
    if (result < 0) {
        break_pool(pool, result);
        return fb_error_set(error, result, "%s", pool->broken.text);
    }
    if (report)
        *report = fb_team_report(team);
    return refused.code ? fb_error_set(error, refused.code, "%s", refused.text) : 0;
}

static void close_pool(struct fb_pool *pool)
{
    if (!pool)
        return;
    /* Whatever other process may have got a copy of it. */
    if (pool->socket[0] >= 0)
        shutdown(pool->socket[0], SHUT_RDWR);
    fb_processes_close(&pool->processes, pool->broken.code ? 0 : FB_PROCESSES_PATIENCE_NS);
    for (int i = 0; i < 2; i++)
        if (pool->socket[i] >= 0)
            close(pool->socket[i]);
    free(pool);
}

static int open_pipe(struct fb_pool *pool, struct fb_error *error)
{
    const int size = PIPE_BYTES;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pool->socket) < 0) {
        pool->socket[0] = pool->socket[1] = -1;
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    }
    for (int i = 0; i < 2; i++)
        setsockopt(pool->socket[i], SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
    return 0;
}

static int open_pool(const struct fb_setting *setting, struct fb_pool **ret_pool,
                     struct fb_error *error)
{
    struct fb_pool *pool = aligned_alloc(_Alignof(struct fb_pool), sizeof *pool);
    struct fb_team *team = fb_team_create(setting);
    if (!pool || !team) {
        free(pool);
        return fb_error_set(error, -ENOMEM, "out of memory for %u workers", setting->workers);
    }
    memset(pool, 0, sizeof *pool);
    pool->team = team;
    int result = open_pipe(pool, error);
    const struct fb_processes_plan plan = { .name = "forkpipe",
                                            .method = FB_MP_FORK,
                                            .count = setting->workers,
                                            .run = work,
                                            .team = team,
                                            .fd = pool->socket[1] };
    if (result == 0)
        result = fb_processes_open(&pool->processes, &plan, setting->arena, error);
    if (result < 0) {
        close_pool(pool);
        return result;
    }
    *ret_pool = pool;
    return 0;
}

const struct fb_harness fb_harness_forkpipe = {
    .name = "forkpipe",
    .summary = "a pool of forked processes; chunks and results copied through a pipe",
    .native = true,
    .base = "single",
    .open = open_pool,
    .run = run,
    .close = close_pool,
};
