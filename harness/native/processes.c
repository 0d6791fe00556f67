#include "harness/native/processes.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/core/sleep.h"

#include <errno.h>
#include <stdatomic.h>
#include <string.h>

#define LOOK_NS (10 * FB_MP_MILLISECOND)

/* Shared with the processes, in the runtime's heap, which they have from the start. */
struct fb_processes_shared {
    struct fb_arena_place arena;
    struct fb_team *team;
    _Atomic uint32_t joined;
    _Atomic int refused; /* the negative errno with which one could not map the arena */
};

static struct fb_processes_shared *last_shared(const struct fb_processes *processes)
{
    return processes->shared[processes->tries - 1];
}

static int explain_early_end(const struct fb_processes *processes,
                             const struct fb_mp_worker_end *end, struct fb_error *error)
{
    int refused = atomic_load(&last_shared(processes)->refused);
    char how[100];
    if (end->lost || end->pid == 0)
        return fb_error_set(error, end->lost ? -EPIPE : end->code,
                            "%s: the forkserver that creates workers was killed: try again",
                            processes->name);
    if (refused)
        return fb_error_set(error, refused, "%s: worker %u can't map the shared memory: %s",
                            processes->name, end->index + 1, strerror(-refused));
    fb_mp_worker_end_describe(end, how, sizeof how);
    return fb_error_set(error, -EPIPE, "%s: %s before it could begin", processes->name, how);
}

/* Waits until all have joined or one has ended: most of the start-up of a spawned process happens
 * after the supervisor has created it. */
static int wait_until_joined(struct fb_processes *processes, unsigned count, struct fb_error *error)
{
    _Atomic uint32_t *joined = &last_shared(processes)->joined;
    struct fb_mp_worker_end end;
    uint32_t now;
    while ((now = atomic_load(joined)) < count) {
        if (fb_mp_supervisor_next_end(processes->supervisor, &end) != -EAGAIN)
            return explain_early_end(processes, &end, error);
        fb_mp_sleep(joined, now, fb_mp_deadline(LOOK_NS));
    }
    return 0;
}

static int make(struct fb_processes *processes, const struct fb_processes_plan *plan,
                const struct fb_arena *arena, struct fb_error *error)
{
    struct fb_processes_shared *shared;
    int result = fb_mp_alloc(sizeof *shared, (void **)&shared);
    if (result < 0)
        return fb_error_set(error, result, "can't make the workers' shared memory: %s",
                            strerror(-result));
    processes->shared[processes->tries++] = shared;
    shared->team = plan->team;
    fb_arena_place(arena, &shared->arena, processes->fd);
    processes->fd[shared->arena.files] = plan->fd;
    const struct fb_mp_supervisor_options options = { .method = plan->method,
                                                      .workers = plan->count,
                                                      .run = plan->run,
                                                      .shared = shared,
                                                      .name = plan->name,
                                                      .fd = processes->fd,
                                                      .fds =
                                                          shared->arena.files + (plan->fd >= 0) };
    result = fb_mp_supervisor_open(&options, &processes->supervisor, error);
    if (result == 0)
        result = fb_mp_supervisor_wait(processes->supervisor, error);
    return result < 0 ? result : wait_until_joined(processes, plan->count, error);
}

int fb_processes_open(struct fb_processes *processes, const struct fb_processes_plan *plan,
                      const struct fb_arena *arena, struct fb_error *error)
{
    *processes = (struct fb_processes){ .name = plan->name };
    int result = make(processes, plan, arena, error);
    while (result == -EPIPE && processes->tries < FB_PROCESSES_TRIES) {
        fb_mp_supervisor_close(processes->supervisor, 0);
        processes->supervisor = NULL;
        result = make(processes, plan, arena, error);
    }
    return result;
}

void fb_processes_close(struct fb_processes *processes, int64_t patience_ns)
{
    fb_mp_supervisor_close(processes->supervisor, patience_ns);
    for (unsigned i = 0; i < processes->tries; i++)
        fb_mp_free(processes->shared[i]);
}

int fb_processes_explain(const struct fb_processes *processes, const struct fb_mp_worker_end *end,
                         struct fb_error *error)
{
    char how[100];
    fb_mp_worker_end_describe(end, how, sizeof how);
    return fb_error_set(error, -EOWNERDEAD, "%s %s: its work is lost, the pool can only be closed",
                        processes->name, how);
}

struct fb_team *fb_processes_join(const struct fb_mp_worker_argument *worker, int *ret_fd)
{
    struct fb_processes_shared *shared = worker->shared;
    int file[FB_ARENA_FILES];
    for (unsigned i = 0; i < shared->arena.files; i++)
        file[i] = fb_mp_descriptor(i);
    *ret_fd = fb_mp_descriptor(shared->arena.files);
    int result = fb_arena_adopt(&shared->arena, file);
    if (result < 0) {
        atomic_store(&shared->refused, result);
        return NULL;
    }
    atomic_fetch_add(&shared->joined, 1);
    fb_mp_wake(&shared->joined, 1);
    return shared->team;
}
