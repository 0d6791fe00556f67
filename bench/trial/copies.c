/* Independent copies of `single` at once: the ceiling that a speedup can reach on this hardware. */
#include "base/child.h"
#include "base/clock.h"
#include "bench/trial/trial.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* Two pipes form a start gate that a killed copy can't block: each copy writes a byte to `ready`,
 * and all start when the parent closes the writing end of `go`. */
struct gate {
    int ready[2], go[2];
};

struct copy {
    _Alignas(FB_CACHE_LINE) uint64_t run_ns; /* for one job */
    struct fb_error error;
    void *results;
    pid_t pid;
};

static int run_copy(const struct fb_trial_request *request, const struct fb_trial_job *job,
                    struct copy *copy, unsigned index, const struct gate *gate)
{
    struct fb_setting setting = {
        .arena = job->arena,
        .workers = 1,
        .cpus = job->cpus ? &job->cpus[index] : NULL,
    };
    struct fb_job mine = job->job;
    mine.results = copy->results;
    struct fb_pool *pool;
    int result = request->harness->open(&setting, &pool, &copy->error);
    if (result < 0)
        return result;
    char byte = 0;
    bool sent = write(gate->ready[1], &byte, 1) == 1;
    /* Now, so that the parent reads end of file if another copy ends before it is ready. */
    close(gate->ready[1]);
    if (!sent || read(gate->go[0], &byte, 1) != 0)
        return fb_error_set(&copy->error, -EPIPE, "the gate broke");
    struct fb_report report; /* not used, but a trial of `single` fills one as well */
    uint64_t start = fb_now_ns();
    for (unsigned i = 0; i < request->repeat && result == 0; i++)
        result = request->harness->run(pool, &mine, &report, &copy->error);
    copy->run_ns = (fb_now_ns() - start) / request->repeat;
    request->harness->close(pool);
    return result;
}

static void start_copy(const struct fb_trial_request *request, const struct fb_trial_job *job,
                       struct copy *copy, unsigned index, const struct gate *gate)
{
    pid_t parent = getpid(), pid = fork();
    if (pid != 0) {
        copy->pid = pid; /* in shared memory: only the parent may write it */
        return;
    }
    fb_child_tie(parent);
    close(gate->go[1]);
    close(gate->ready[0]);
    _exit(run_copy(request, job, copy, index, gate) < 0);
}

/* Waits for the copies that were started; *error is that of the first that failed. */
static int reap(struct copy *copies, unsigned started, struct fb_error *error)
{
    int result = 0;
    for (unsigned i = 0; i < started; i++) {
        int status = 0;
        while (waitpid(copies[i].pid, &status, 0) < 0 && errno == EINTR)
            ;
        if (result < 0 || status == 0)
            continue;
        result = copies[i].error.code;
        if (WIFSIGNALED(status))
            result = fb_error_set(error, -EOWNERDEAD, "copy %u (pid %d) was killed by signal %d", i,
                                  (int)copies[i].pid, WTERMSIG(status));
        else if (result < 0)
            fb_error_set(error, result, "copy %u: %.200s", i, copies[i].error.text);
        else
            result = fb_error_set(error, -EOWNERDEAD, "copy %u exited with code %d", i,
                                  WEXITSTATUS(status));
    }
    return result;
}

static int prepare_copies(const struct fb_trial_request *request, const struct fb_trial_job *job,
                          struct copy **ret_copies, struct fb_error *error)
{
    size_t size = job->job.items * request->kernel->result_size;
    struct copy *copies = fb_arena_alloc(job->arena, request->copies * sizeof *copies);
    for (unsigned i = 0; copies && i < request->copies; i++) {
        copies[i].results = i ? fb_arena_alloc(job->arena, size) : job->job.results;
        if (!copies[i].results)
            return fb_error_set(error, -ENOMEM, "out of shared memory for %u copies", i);
        memset(copies[i].results, 0, size);
    }
    if (!copies)
        return fb_error_set(error, -ENOMEM, "out of shared memory");
    *ret_copies = copies;
    return 0;
}

static int compare_results(const struct fb_trial_request *request, const struct fb_trial_job *job,
                           const struct copy *copies, struct fb_error *error)
{
    uint64_t first = request->kernel->digest(job->input, copies[0].results);
    for (unsigned i = 1; i < request->copies; i++)
        if (request->kernel->digest(job->input, copies[i].results) != first)
            return fb_error_set(error, -EBADMSG, "copies 0 and %u gave different results", i);
    return 0;
}

int fb_copies_run(const struct fb_trial_request *request, const struct fb_trial_job *job,
                  uint64_t *ret_ns, struct fb_error *error)
{
    struct copy *copies = NULL;
    int result = prepare_copies(request, job, &copies, error);
    if (result < 0)
        return result;
    struct gate gate;
    if (pipe(gate.ready) < 0)
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    if (pipe(gate.go) < 0) {
        result = fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
        close(gate.ready[0]);
        close(gate.ready[1]);
        return result;
    }
    unsigned started = 0;
    for (; started < request->copies; started++) {
        start_copy(request, job, &copies[started], started, &gate);
        if (copies[started].pid < 0) {
            result =
                fb_error_set(error, -errno, "can't fork copy %u: %s", started, strerror(errno));
            for (unsigned i = 0; i < started; i++)
                kill(copies[i].pid, SIGKILL);
            break;
        }
    }
    close(gate.ready[1]);
    close(gate.go[0]);
    char byte;
    for (unsigned i = 0; i < started && read(gate.ready[0], &byte, 1) == 1; i++)
        ;
    close(gate.go[1]);
    int reaped = reap(copies, started, result < 0 ? NULL : error);
    close(gate.ready[0]);
    result = result < 0 ? result : reaped;
    for (unsigned i = 0; i < request->copies && result == 0; i++)
        ret_ns[i] = copies[i].run_ns;
    return result < 0 ? result : compare_results(request, job, copies, error);
}
