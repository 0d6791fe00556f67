/* A trial: one kernel under one harness in this process, each part timed by itself. `exec` runs
 * one, and a run is made of many. */
#ifndef FB_TRIAL_H
#define FB_TRIAL_H

#include "bench/host/audit.h"
#include "bench/trial/trace.h"

#include "harness/harness.h"

#define FB_REPEAT_MOST 1000000

struct fb_trial_request {
    const struct fb_kernel *kernel;
    struct fb_params params; /* owned; running may set one of them */
    const struct fb_harness *harness;
    const char *variant;
    unsigned workers;
    size_t chunk;
    enum fb_schedule schedule;
    unsigned repeat; /* jobs one after another, at least 1 */
    /* More jobs are added until all together take that long. Never exactly two; FB_REPEAT_MOST at
     * most. */
    uint64_t least_ns;
    unsigned copies;      /* 0: one job under harness; N: N independent single copies at once */
    bool bind;            /* each worker on a CPU of its own: */
    const unsigned *cpus; /* one for each worker or copy; NULL: chosen by the topology */
    bool has_known; /* results with the digest `known` were checked before and are not again */
    uint64_t known;
    uint64_t switch_interval_ns;
    bool trace; /* trace the last job, if the harness keeps stamps */
};

struct fb_trial {
    size_t items, failed; /* failed: items with a status other than 0 */
    uint64_t digest;
    bool valid; /* the kernel's check passed and no item failed */
    struct fb_error why_invalid;
    char answer[256];
    char description[128]; /* from the harness, e.g. the interpreter's version */
    uint64_t prepare_ns, setup_ns, open_ns, close_ns;
    uint64_t run_ns;   /* median of runs_ns; for copies: copies / Σ 1/t */
    uint64_t *runs_ns; /* [runs]: of each repetition; for copies: of each copy, for one job */
    unsigned runs;
    unsigned repeat; /* jobs that ran one after another */
    struct fb_audit audit;
    unsigned workers; /* entries of worker[]; 0: the harness has no reports */
    struct fb_worker_report *worker;
    char **broken; /* [failed]: a sentence about each broken item */
    struct fb_trace trace;
};

/* Runs a trial from preparing the input to checking the results. 0, or a negative errno with
 * *error. Wrong results and broken items are no errors here: *ret_trial reports them. End with
 * fb_trial_clear. */
int fb_trial_run(struct fb_trial_request *request, struct fb_trial *ret_trial,
                 struct fb_error *error);
void fb_trial_clear(struct fb_trial *trial);

/* What running one harness and running copies have in common. */
struct fb_trial_job {
    struct fb_arena *arena;
    struct fb_input *input;
    struct fb_job job;
    unsigned *cpus; /* NULL: not bound */
};

/* Runs request->copies independent copies of `single`, each in a process of its own with results of
 * its own; all start at once. ret_ns[i] is copy i's time for one job. 0 or a negative errno with
 * *error. */
int fb_copies_run(const struct fb_trial_request *request, const struct fb_trial_job *job,
                  uint64_t *ret_ns, struct fb_error *error);

#endif
