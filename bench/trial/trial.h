/* One kernel under one harness in this process, timed part by part: what `exec` does, and so what
 * every trial of a run is. */
#ifndef FB_TRIAL_H
#define FB_TRIAL_H

#include "bench/host/audit.h"
#include "bench/trial/trace.h"

#include "harness/harness.h"

#define FB_REPEAT_MOST 1000000

struct fb_trial_request {
    const struct fb_kernel *kernel;
    struct fb_params params; /* owned; prepare may set one of them */
    const struct fb_harness *harness;
    const char *variant;
    unsigned workers;
    size_t chunk;
    enum fb_schedule schedule;
    unsigned repeat; /* jobs one after another, at least 1 */
    uint64_t
        least_ns; /* more of them until they have taken as long, never two, up to FB_REPEAT_MOST */
    unsigned copies;      /* 0: one job under harness; N: N independent single copies at once */
    bool bind;            /* each worker on a CPU of its own … */
    const unsigned *cpus; /* … these, as many as workers or copies; NULL: by the topology */
    bool has_known; /* results with the digest `known` need no check, they have passed it before */
    uint64_t known;
    uint64_t switch_interval_ns;
    bool trace; /* the last job, if the harness keeps stamps */
};

struct fb_trial {
    size_t items, failed; /* failed: items with a status other than 0 */
    uint64_t digest;
    bool valid; /* the kernel's check passed and no item failed */
    struct fb_error why_invalid;
    char answer[256];
    char description[128]; /* the harness' own words, e.g. the interpreter's version */
    uint64_t prepare_ns, setup_ns, open_ns, close_ns;
    uint64_t run_ns;   /* median of runs_ns; copies: copies / Σ 1/t, the time a job takes each */
    uint64_t *runs_ns; /* [runs]: a repetition's each; copies: a copy's each, for one job */
    unsigned runs;
    unsigned repeat; /* jobs that were done one after another */
    struct fb_audit audit;
    unsigned workers; /* entries of worker[]; 0 if the harness can't tell */
    struct fb_worker_report *worker;
    char **broken; /* [failed] a sentence for each broken item */
    struct fb_trace trace;
};

/* Does it all, from prepare to check. 0, or a negative errno with *error; results that are wrong or
 * items that failed are no error here but said in *ret_trial. End with fb_trial_clear. */
int fb_trial_run(struct fb_trial_request *request, struct fb_trial *ret_trial,
                 struct fb_error *error);
void fb_trial_clear(struct fb_trial *trial);

/* The parts that copies share with it. */
struct fb_trial_job {
    struct fb_arena *arena;
    struct fb_input *input;
    struct fb_job job;
    unsigned *cpus; /* NULL: not bound */
};

/* Runs request->copies independent single copies behind one gate, each in a process of its own with
 * results of its own; ret_ns[i] is copy i's time for one job. 0 or a negative errno with *error. */
int fb_copies_run(const struct fb_trial_request *request, const struct fb_trial_job *job,
                  uint64_t *ret_ns, struct fb_error *error);

#endif
