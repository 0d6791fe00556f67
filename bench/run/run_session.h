/* A run from its first trial to its files: measures a plan, keeping a journal, and writes what came
 * of it. */
#ifndef FB_RUN_SESSION_H
#define FB_RUN_SESSION_H

#include "bench/command/cli.h"
#include "bench/export/export.h"
#include "bench/run/journal.h"
#include "bench/format/progress.h"
#include "bench/run/launch.h"

#include <limits.h>

#define FB_EXIT_INTERRUPTED 130

struct fb_run_session {
    struct fb_launch launch;
    struct fb_journal journal; /* open; entries that it has already are not measured again */
    struct fb_run data;        /* all but samples, analysis and complete */
    char folder[PATH_MAX];
    struct fb_progress progress;
};

/* Measures and writes, prints the summary; returns what the program is to exit with. SIGINT and
 * SIGTERM end it early: what was measured is kept, and can be gone on with. */
int fb_run_session_run(struct fb_run_session *sweep);

#endif
