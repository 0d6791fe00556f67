/* Creating and ending workers that do nothing, by parents of several sizes. */
#include "bench/overhead/overhead.h"
#include "bench/overhead/peers/forked_peer.h"

#include "base/arena.h"
#include "base/child.h"
#include "base/clock.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKERS_MOST 64
#define COUNTS_MOST 8
#define PATIENCE_NS 30000000000

extern char **environ;

enum { THREAD, FORK, SPAWN, WAYS };
static const char *const way_names[WAYS] = { "pthread", "fork", "spawn" };
static const size_t parent_mib[] = { 1, 64, 1024 };
#define PARENTS (sizeof parent_mib / sizeof *parent_mib)

/* In an anonymous file, so that a spawned process can map it too. */
struct gate {
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t ready; /* workers that run */
    _Alignas(FB_CACHE_LINE) _Atomic uint32_t quit;
};

struct worker {
    pthread_t thread;
    pid_t pid;
};

/* The process that creates the workers, a child of the command. */
struct parent {
    struct gate *gate;
    int fd; /* of the gate */
    size_t rounds;
    unsigned counts[COUNTS_MOST]; /* ends with 0 if not full */
    struct worker worker[WORKERS_MOST];
};

/* ---- a worker ---- */

static void take_part(struct gate *gate)
{
    atomic_fetch_add(&gate->ready, 1);
    fb_mp_wake(&gate->ready, INT_MAX);
    while (!atomic_load(&gate->quit))
        fb_mp_futex_wait(&gate->quit, 0, NULL);
}

static void *thread_main(void *gate)
{
    take_part(gate);
    return NULL;
}

static struct gate *map_gate(int fd)
{
    void *gate = mmap(NULL, sizeof(struct gate), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return gate == MAP_FAILED ? NULL : gate;
}

int fb_creation_worker(const char *text)
{
    int fd, parent;
    if (sscanf(text, "%d,%d", &fd, &parent) != 2)
        return 2;
    fb_child_tie(parent);
    struct gate *gate = map_gate(fd);
    if (!gate)
        return 3;
    take_part(gate);
    return 0;
}

/* ---- creating and ending ---- */

static int spawn_worker(int fd, pid_t *ret_pid)
{
    char text[48];
    snprintf(text, sizeof text, "--image=%d,%d", fd, (int)getpid());
    char *arguments[] = { "forkbench", "overhead", text, NULL };
    return -posix_spawn(ret_pid, "/proc/self/exe", NULL, NULL, arguments, environ);
}

/* Creates one worker. 0 or a negative errno. */
static int make_worker(struct parent *parent, int way, struct worker *worker)
{
    if (way == THREAD)
        return -pthread_create(&worker->thread, NULL, thread_main, parent->gate);
    if (way == SPAWN)
        return spawn_worker(parent->fd, &worker->pid);
    pid_t self = getpid();
    worker->pid = fork();
    if (worker->pid == 0) {
        fb_child_tie(self);
        take_part(parent->gate);
        _exit(0);
    }
    return worker->pid < 0 ? -errno : 0;
}

/* Waits until `count` workers run. 0, or -ETIMEDOUT: a worker has ended, or the machine is
 * stuck. */
static int wait_ready(struct gate *gate, unsigned count)
{
    int64_t deadline = fb_mp_deadline(PATIENCE_NS);
    uint32_t ready;
    while ((ready = atomic_load(&gate->ready)) < count)
        if (!fb_mp_sleep(&gate->ready, ready, deadline))
            return -ETIMEDOUT;
    return 0;
}

static void end_workers(struct parent *parent, int way, unsigned count)
{
    atomic_store(&parent->gate->quit, 1);
    fb_mp_wake(&parent->gate->quit, INT_MAX);
    for (unsigned i = 0; i < count; i++)
        if (way == THREAD)
            pthread_join(parent->worker[i].thread, NULL);
        else
            while (waitpid(parent->worker[i].pid, NULL, 0) < 0 && errno == EINTR)
                ;
}

/* Fills ret_ns: ready, end. */
static int time_workers(struct parent *parent, int way, unsigned count, double *ret_ns)
{
    unsigned made = 0;
    int result = 0;
    atomic_store(&parent->gate->ready, 0);
    atomic_store(&parent->gate->quit, 0);
    uint64_t start_ns = fb_now_ns();
    while (made < count && result == 0) {
        result = make_worker(parent, way, &parent->worker[made]);
        made += result == 0;
    }
    if (result == 0)
        result = wait_ready(parent->gate, count);
    uint64_t ready_ns = fb_now_ns();
    end_workers(parent, way, made);
    ret_ns[0] = (double)(ready_ns - start_ns);
    ret_ns[1] = (double)(fb_now_ns() - ready_ns);
    return result;
}

/* ---- the parent ---- */

/* The samples of one parent: [count][way][ready or end][round]. */
static double *at(double *sample, const struct parent *parent, size_t count, int way, int what)
{
    return sample + ((count * WAYS + (size_t)way) * 2 + (size_t)what) * parent->rounds;
}

/* The body of the parent: measures into shared memory and writes a byte to `ticks` after each
 * round. */
static int be_parent(struct parent *parent, size_t mib, double *sample, int ticks)
{
    int result = fb_forked_peer_grow_parent(mib);
    for (size_t round = 0; round < parent->rounds && result == 0; round++) {
        for (size_t count = 0; count < COUNTS_MOST && parent->counts[count]; count++)
            for (size_t i = 0; i < WAYS && result == 0; i++) {
                int way = (int)((round + i) % WAYS);
                double ns[2];
                result = time_workers(parent, way, parent->counts[count], ns);
                at(sample, parent, count, way, 0)[round] = ns[0];
                at(sample, parent, count, way, 1)[round] = ns[1];
            }
        if (write(ticks, "", 1) != 1)
            return -EPIPE;
    }
    return result;
}

/* Runs be_parent in a child process, so that its memory does not affect the other groups. */
static int run_parent(const struct fb_overhead *overhead, struct parent *parent, size_t index,
                      double *sample, struct fb_error *error)
{
    int ticks[2];
    if (pipe(ticks) < 0)
        return fb_error_set(error, -errno, "can't make a pipe: %s", strerror(errno));
    pid_t self = getpid(), pid = fork();
    if (pid == 0) {
        fb_child_tie(self);
        close(ticks[0]);
        _exit(-be_parent(parent, parent_mib[index], sample, ticks[1]));
    }
    int code = errno, status = 0;
    close(ticks[1]);
    char byte;
    for (size_t round = 0; pid > 0 && read(ticks[0], &byte, 1) == 1; round++)
        fb_overhead_progress(overhead,
                             ((double)index + (double)round / (double)parent->rounds) / PARENTS,
                             "creation");
    close(ticks[0]);
    if (pid < 0)
        return fb_error_set(error, -code, "can't fork: %s", strerror(code));
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (status == 0)
        return 0;
    char how[80];
    fb_child_describe(status, how, sizeof how);
    code = WIFEXITED(status) ? WEXITSTATUS(status) : EOWNERDEAD;
    /* The OOM killer sends SIGKILL to processes that need more memory than is available. */
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        code = ENOMEM;
    return fb_error_set(error, -code, "the parent of %zu MiB %s", parent_mib[index], how);
}

/* ---- the figures ---- */

static int add_figures(const struct fb_overhead *overhead, const struct parent *parent,
                       size_t index, double *sample)
{
    static const char *const names[] = { "create.ready", "create.end" };
    char state[24];
    snprintf(state, sizeof state, "parent %zu MiB", parent_mib[index]);
    for (size_t count = 0; count < COUNTS_MOST && parent->counts[count]; count++)
        for (int way = 0; way < WAYS; way++)
            for (int what = 0; what < 2; what++) {
                struct fb_metric_samples samples = {
                    .name = names[what],
                    .harness = way_names[way],
                    .state = state,
                    .binding = "unbound",
                    .workers = parent->counts[count],
                    .ns = at(sample, parent, count, way, what),
                    .peer_ns = way == THREAD ? NULL : at(sample, parent, count, THREAD, what),
                    .peer = way_names[THREAD],
                };
                if (fb_metrics_put(overhead->metrics, &samples, parent->rounds) < 0)
                    return -ENOMEM;
            }
    return 0;
}

static size_t free_mib(void)
{
    char line[128];
    size_t kib = 0;
    FILE *file = fopen("/proc/meminfo", "re");
    while (file && fgets(line, sizeof line, file) && sscanf(line, "MemAvailable: %zu", &kib) != 1)
        ;
    if (file)
        fclose(file);
    return kib / 1024;
}

static int measure_parents(const struct fb_overhead *overhead, struct parent *parent,
                           double *sample, struct fb_error *error)
{
    for (size_t i = 0; i < PARENTS; i++) {
        static const char what[] = "creation by a parent of";
        size_t available = free_mib();
        if (available < parent_mib[i] + parent_mib[i] / 2) {
            fb_metrics_leave_out(overhead->metrics, "%s %zu MiB: only %zu MiB of memory are free",
                                 what, parent_mib[i], available);
            continue;
        }
        int result = run_parent(overhead, parent, i, sample, error);
        if (result == -ENOMEM)
            fb_metrics_leave_out(overhead->metrics, "%s %zu MiB: %s", what, parent_mib[i],
                                 error->text);
        else if (result < 0)
            return result;
        else if (add_figures(overhead, parent, i, sample) < 0)
            return fb_error_set(error, -ENOMEM, "out of memory");
    }
    return 0;
}

int fb_creation_measure(const struct fb_overhead *overhead, struct fb_error *error)
{
    struct fb_arena *arena;
    int result = fb_arena_open(&arena);
    if (result < 0)
        return fb_error_set(error, result, "no address space for shared memory");
    struct parent parent = { .rounds = overhead->rounds, .fd = memfd_create("forkbench-gate", 0) };
    for (unsigned count = 1, i = 0;
         count <= WORKERS_MOST && count <= 2 * overhead->workers && i < COUNTS_MOST; count *= 2)
        parent.counts[i++] = count;
    double *sample = fb_arena_alloc(arena, COUNTS_MOST * WAYS * 2 * parent.rounds * sizeof *sample);
    if (parent.fd < 0 || ftruncate(parent.fd, sizeof(struct gate)) < 0 || !sample ||
        !(parent.gate = map_gate(parent.fd)))
        result = fb_error_set(error, -ENOMEM, "out of shared memory");
    else
        result = measure_parents(overhead, &parent, sample, error);
    if (parent.gate)
        munmap(parent.gate, sizeof *parent.gate);
    if (parent.fd >= 0)
        close(parent.fd);
    fb_arena_close(arena);
    return result;
}
