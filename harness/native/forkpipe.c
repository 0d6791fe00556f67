/* A worker is a forked process that receives each chunk and returns its results through a pipe,
 * like a worker of Python's pool. The caller hands out chunks and collects results; it runs no
 * items itself. The pipe is one pair of packet sockets for all workers: a free worker takes the
 * next chunk (also with the static schedule), and no lock can be left locked by a worker that ends.
 * The input is not sent, because Python's forked processes also find theirs in memory; nor are
 * reports and stamps. */
#include "base/cpus.h"
#include "harness/native/processes.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Chunks in flight: for each worker the one it works on and the next one. With many workers only
 * the one that each works on, because all of them wake when a full pipe has room for another
 * answer. */
#define AHEAD 2
#define AHEAD_MOST 256
#define PIPE_BYTES (1 << 20)         /* requested; the system may allow less */
#define ANSWER_BYTES ((size_t)60000) /* results per packet: well within a socket's buffer */

/* To a worker: a chunk. */
struct chunk {
    const struct fb_kernel *kernel;
    const struct fb_input *input;
    uint64_t job; /* number of the job */
    size_t begin, end;
    bool measure;
};

/* From a worker: results of items begin … end-1. */
struct answer {
    size_t begin, end;
    uint32_t worker;
    int error; /* 0, or why there are no (more) results */
    bool last; /* the last answer for its chunk */
    _Alignas(FB_CACHE_LINE) char results[ANSWER_BYTES];
};

/* ---- a worker ---- */

struct pipe_worker {
    int socket;
    struct fb_worker worker;
    struct fb_yield yield;
    uint64_t job; /* number of its last job */
    uint64_t chunks;
    struct fb_worker_report begun; /* the report as begun for that job */
    void *results;                 /* `room` bytes, for one chunk */
    size_t room;
    struct answer answer;
};

static int answer(struct pipe_worker *self, size_t results)
{
    size_t size = offsetof(struct answer, results) + results;
    ssize_t sent;
    while ((sent = send(self->socket, &self->answer, size, MSG_NOSIGNAL)) < 0 && errno == EINTR)
        ;
    return sent < 0 ? -errno : 0;
}

static int answer_all(struct pipe_worker *self, const struct chunk *chunk, size_t size)
{
    size_t most = ANSWER_BYTES / size;
    int result = 0;
    for (size_t begin = chunk->begin, end; begin < chunk->end && result == 0; begin = end) {
        end = chunk->end - begin > most ? begin + most : chunk->end;
        self->answer.begin = begin;
        self->answer.end = end;
        self->answer.last = end == chunk->end;
        memcpy(self->answer.results, (char *)self->results + (begin - chunk->begin) * size,
               (end - begin) * size);
        result = answer(self, (end - begin) * size);
    }
    return result;
}

static void report_so_far(const struct pipe_worker *self)
{
    struct fb_worker_report report = self->begun;
    report.first_ns = report.ready_ns;
    report.chunks = self->chunks;
    fb_report_end(&report);
    self->worker.team->report[self->worker.index] = report;
}

static int refuse(struct pipe_worker *self, const struct chunk *chunk, int error)
{
    self->begun.error = error;
    if (chunk->measure)
        report_so_far(self);
    self->answer.begin = self->answer.end = chunk->begin;
    self->answer.error = error;
    self->answer.last = true;
    int result = answer(self, 0);
    self->answer.error = 0;
    return result;
}

/* Makes zeroed memory for the results of a chunk. */
static int make_room(struct pipe_worker *self, size_t size)
{
    if (size > self->room) {
        free(self->results);
        self->room = 0;
        self->results =
            aligned_alloc(FB_CACHE_LINE, (size + FB_CACHE_LINE - 1) & ~(size_t)(FB_CACHE_LINE - 1));
        if (!self->results)
            return -ENOMEM;
        self->room = size;
    }
    memset(self->results, 0, size);
    return 0;
}

static int work_on(struct pipe_worker *self, const struct chunk *chunk)
{
    size_t size = chunk->kernel->result_size, bytes = (chunk->end - chunk->begin) * size;
    if (chunk->job != self->job) {
        self->job = chunk->job;
        self->chunks = 0;
        if (chunk->measure)
            fb_report_begin(&self->begun);
    }
    int result = fb_worker_scratch(&self->worker, chunk->kernel, chunk->input);
    if (result == 0)
        result = make_room(self, bytes);
    if (result < 0)
        return refuse(self, chunk, result);
    struct fb_stamps *stamps = fb_team_stamps(self->worker.team, self->worker.index);
    fb_stamp(stamps, FB_EVENT_CHUNK, chunk->begin);
    /* Kernels index their slots from item 0. */
    void *slots = (void *)((uintptr_t)self->results - chunk->begin * size);
    chunk->kernel->run(chunk->input, self->worker.scratch, chunk->begin, chunk->end, slots,
                       &self->yield);
    fb_stamp(stamps, FB_EVENT_IDLE, 0);
    self->chunks++;
    if (chunk->measure)
        report_so_far(self);
    result = answer_all(self, chunk, size);
    return result < 0 ? refuse(self, chunk, result) : 0;
}

static int work(const void *argument, size_t size)
{
    const struct fb_mp_worker_argument *worker = argument;
    struct pipe_worker *self = aligned_alloc(_Alignof(struct pipe_worker), sizeof *self);
    struct chunk chunk;
    (void)size;
    if (!self)
        return 1;
    memset(self, 0, sizeof *self);
    struct fb_team *team = fb_processes_join(worker, &self->socket);
    if (!team)
        return 1;
    self->worker =
        (struct fb_worker){ .team = team, .yield = &self->yield, .index = worker->index };
    self->answer.worker = worker->index;
    fb_yield_plain(&self->yield, team);
    if (team->cpus)
        fb_cpus_bind(team->cpus[worker->index]);
    for (ssize_t got = 1; got != 0;) {
        got = recv(self->socket, &chunk, sizeof chunk, 0);
        if ((got < 0 && errno != EINTR) || (got > 0 && work_on(self, &chunk) < 0))
            break;
    }
    fb_worker_drop(&self->worker);
    _exit(0); /* not exit: the exit handlers are for the main program only */
}

/* ---- the caller ---- */

struct fb_pool {
    struct fb_team *team;
    struct fb_processes processes; /* the supervisor's worker i is the team's worker i */
    int socket[2];                 /* the caller's end, the workers' end */
    struct fb_error broken;        /* why the pool can only be closed */
    struct chunk chunk;            /* the next chunk of the running job, if … */
    bool claimed;                  /* … it has been claimed */
    unsigned from;                 /* claims are made for this worker until it has none left */
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

/* Sends as many chunks as there is room for. */
static int hand_out(struct fb_pool *pool)
{
    while (pool->in_flight < most_in_flight(pool->team->workers) && claim(pool)) {
        if (send(pool->socket[0], &pool->chunk, sizeof pool->chunk, MSG_DONTWAIT | MSG_NOSIGNAL) >=
            0) {
            pool->claimed = false;
            pool->in_flight++;
        } else if (errno == EAGAIN) {
            return 0; /* the pipe is full of chunks, whose answers will arrive */
        } else if (errno != EINTR) {
            return -errno;
        }
    }
    return 0;
}

/* Receives an answer: copies its results, or sets *refused if there are none. 0, -EAGAIN: no answer
 * has arrived, or another negative errno. */
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
        pool->from = pool->team->workers; /* send no more chunks */
        pool->claimed = false;
    }
    return 0;
}

/* Waits for an answer, or for a worker to end. 0, or -EOWNERDEAD. */
static int wait_for_event(struct fb_pool *pool)
{
    struct fb_mp_supervisor *supervisor = pool->processes.supervisor;
    struct fb_mp_worker_end end;
    struct pollfd event[] = { { .fd = pool->socket[0], .events = POLLIN },
                              { .fd = fb_mp_supervisor_fd(supervisor), .events = POLLIN } };
    /* The end may be known already, and then the descriptor is not readable. */
    if (fb_mp_supervisor_next_end(supervisor, &end) != -EAGAIN)
        return fb_processes_explain(&pool->processes, &end, &pool->broken);
    while (poll(event, 2, -1) < 0 && errno == EINTR)
        ;
    return 0;
}

/* 0 when all answers have arrived; *refused is set if a worker could not do its part. On an error
 * the pool is broken, because answers for this job may still arrive. */
static int run_chunks(struct fb_pool *pool, const struct fb_job *job, struct fb_error *refused)
{
    for (;;) {
        int result = hand_out(pool);
        if (result == 0 && pool->in_flight == 0 && !pool->claimed)
            return 0;
        if (result == 0)
            result = collect(pool, job, refused);
        if (result == -EAGAIN)
            result = wait_for_event(pool);
        if (result < 0 && result != -EINTR)
            return result;
    }
}

static void break_pool(struct fb_pool *pool, int code)
{
    atomic_store(&pool->team->stop, 1); /* the results are not needed any more */
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
    if (report) /* a worker that gets no chunk writes no report */
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
    /* Also if another process has inherited a copy of the descriptor. */
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
