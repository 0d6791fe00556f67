/* The processes of a team, common to forkpool, spawnpool and forkpipe. The runtime's forkserver
 * creates them, and they map the arena at the caller's address. */
#ifndef FB_PROCESSES_H
#define FB_PROCESSES_H

#include "harness/worker/worker.h"

#include "harness/mp/process/supervisor.h"

struct fb_processes_plan {
    const char *name; /* of the harness */
    enum fb_mp_method method;
    unsigned count;
    fb_mp_run run; /* their body; begins with fb_processes_join */
    struct fb_team *team;
    int fd; /* the caller's descriptor that they inherit, open until they have ended; or -1 */
};

#define FB_PROCESSES_TRIES 3 /* attempts to create them; one fails if the forkserver is killed */

struct fb_processes {
    const char *name;
    /* One per attempt: processes of a failed attempt may still be using theirs. */
    struct fb_processes_shared *shared[FB_PROCESSES_TRIES];
    unsigned tries;
    struct fb_mp_supervisor *supervisor;
    int fd[FB_ARENA_FILES + 1];
};

/* Creates them and waits until all have joined. 0, or a negative errno with *error; close it in
 * either case. */
int fb_processes_open(struct fb_processes *processes, const struct fb_processes_plan *plan,
                      const struct fb_arena *arena, struct fb_error *error);

/* Waits for processes that were told to exit, and kills them after patience_ns. A zeroed struct is
 * allowed. */
void fb_processes_close(struct fb_processes *processes, int64_t patience_ns);

/* How long processes that were told to exit may take. */
#define FB_PROCESSES_PATIENCE_NS FB_MP_SECOND

/* Returns -EOWNERDEAD and writes to *error which worker ended and how. */
int fb_processes_explain(const struct fb_processes *processes, const struct fb_mp_worker_end *end,
                         struct fb_error *error);

/* Called by such a process with the argument of its run function. Maps the arena and returns the
 * team, and the plan's descriptor in *ret_fd. NULL: the arena's address range is in use. */
struct fb_team *fb_processes_join(const struct fb_mp_worker_argument *worker, int *ret_fd);

#endif
