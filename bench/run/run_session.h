/* Measures a plan: each trial is a process of its own, or comes from the journal of the run that is
 * resumed. */
#ifndef FB_RUN_SESSION_H
#define FB_RUN_SESSION_H

#include "bench/run/journal.h"
#include "bench/run/measure.h"
#include "bench/run/run_request.h"

/* All of it is set by the caller and outlives the measuring. */
struct fb_run_session {
    const struct fb_run_request *request;
    const struct fb_plan *plan; /* made from the request */
    struct fb_journal *journal; /* open: its entries are not measured again, new trials are added */
    /* Called before each trial. done: from 0 to 1. */
    void (*progress)(void *context, double done, const struct fb_cell *cell);
    void *context;
};

/* Measures the plan. SIGINT and SIGTERM end it early; their handlers stay in place. *ret_samples
 * has what was measured, also on failure (end with fb_samples_clear). 0 when the run is complete,
 * -EINTR when a signal ended it, or another negative errno; *error says why. */
int fb_run_session_measure(const struct fb_run_session *session, struct fb_samples *ret_samples,
                           struct fb_error *error);

#endif
