/* Processes that belong to a team: what forkpool, spawnpool and forkpipe have in common. The
 * runtime's helper makes them, and they map the arena where the caller has it. */
#ifndef FB_PROCESSES_H
#define FB_PROCESSES_H

#include "harness/worker/worker.h"

#include "harness/mp/process/supervisor.h"

struct fb_processes_plan {
    const char *name; /* the harness' */
    enum fb_mp_method method;
    unsigned count;
    fb_mp_run run; /* what they do; begins with fb_processes_join */
    struct fb_team *team;
    int fd; /* a descriptor for them, the caller's, which stays open as long as they live; -1 */
};

#define FB_PROCESSES_TRIES 3 /* to make them: whoever kills the helper meanwhile costs one */

struct fb_processes {
    const char *name;
    /* One a try: of one that failed, somebody may be on its way to its end yet. */
    struct fb_processes_told *told[FB_PROCESSES_TRIES];
    unsigned tries;
    struct fb_mp_supervisor *crew;
    int fd[FB_ARENA_FILES + 1];
};

/* Makes them, and waits until all have joined. 0, or a negative errno with *error; to be closed in
 * either case. */
int fb_processes_open(struct fb_processes *processes, const struct fb_processes_plan *plan,
                      const struct fb_arena *arena, struct fb_error *error);

/* Waits for those that were told to leave, and kills them when the time is over. All zero is
 * accepted. */
void fb_processes_close(struct fb_processes *processes, int64_t patience_ns);

/* How long processes that were told to leave may take. */
#define FB_PROCESSES_PATIENCE_NS FB_MP_SECOND

/* -EOWNERDEAD, with *error saying who died and how. */
int fb_processes_explain(const struct fb_processes *processes, const struct fb_mp_worker_end *end,
                         struct fb_error *error);

/* In such a process, whose run was given `worker`: its team, and in *ret_fd the descriptor for it.
 * NULL: the arena's place is taken. */
struct fb_team *fb_processes_join(const struct fb_mp_worker_argument *worker, int *ret_fd);

#endif
