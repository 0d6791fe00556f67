#include "processes.h"

#include "mp/heap.h"

#include <errno.h>

/* What they are told; in the runtime's heap, which they have from the beginning. */
struct fb_processes_told {
    struct fb_arena_place arena;
    struct fb_team *team;
};

int fb_processes_open(struct fb_processes *processes, const struct fb_processes_plan *plan,
                      const struct fb_arena *arena, struct fb_error *error)
{
    struct fb_processes_told *told;
    *processes = (struct fb_processes){ .name = plan->name };
    int result = fb_mp_alloc(sizeof *told, (void **)&told);
    if (result < 0)
        return fb_error_set(error, result, "out of shared memory");
    processes->told = told;
    told->team = plan->team;
    fb_arena_place(arena, &told->arena, processes->fd);
    processes->fd[told->arena.files] = plan->fd;
    const struct fb_mp_crew_options options = { .method = plan->method,
                                                .workers = plan->count,
                                                .run = plan->run,
                                                .shared = told,
                                                .name = plan->name,
                                                .fd = processes->fd,
                                                .fds = told->arena.files + (plan->fd >= 0) };
    result = fb_mp_crew_open(&options, &processes->crew, error);
    return result < 0 ? result : fb_mp_crew_wait(processes->crew, error);
}

void fb_processes_close(struct fb_processes *processes, int64_t patience_ns)
{
    fb_mp_crew_close(processes->crew, patience_ns);
    fb_mp_free(processes->told);
}

int fb_processes_explain(const struct fb_processes *processes, const struct fb_mp_crew_end *end,
                         struct fb_error *error)
{
    char how[100];
    fb_mp_crew_describe(end, how, sizeof how);
    return fb_error_set(error, -EOWNERDEAD, "%s %s: its work is lost, the pool can only be closed",
                        processes->name, how);
}

struct fb_team *fb_processes_join(const struct fb_mp_helper_told *worker, int *ret_fd)
{
    const struct fb_processes_told *told = worker->shared;
    int file[FB_ARENA_FILES];
    for (unsigned i = 0; i < told->arena.files; i++)
        file[i] = fb_mp_descriptor(i);
    *ret_fd = fb_mp_descriptor(told->arena.files);
    return fb_arena_adopt(&told->arena, file) < 0 ? NULL : told->team;
}
