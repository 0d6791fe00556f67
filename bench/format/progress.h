/* A progress bar with the time left, on a terminal only. */
#ifndef FB_PROGRESS_H
#define FB_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct fb_progress {
    bool shown; /* stderr is a terminal */
    uint64_t start_ns, drawn_ns;
};

void fb_progress_begin(struct fb_progress *progress);

/* done: from 0 to 1. what: names the current step. Draws at most ten times a second. */
void fb_progress_show(struct fb_progress *progress, double done, const char *what);

/* Erases the bar. */
void fb_progress_end(struct fb_progress *progress);

#endif
