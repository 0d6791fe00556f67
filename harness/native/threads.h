/* Threads that run the worker body; common to pthread and gil. */
#ifndef FB_THREADS_H
#define FB_THREADS_H

#include "harness/worker/worker.h"

#include <pthread.h>

struct fb_threads {
    struct fb_caller caller;
    unsigned started; /* threads, without the caller */
    struct fb_thread *thread;
};

/* Starts setting->workers - 1 threads besides the caller. yield(context, i) returns worker i's
 * yield; with NULL each worker gets a plain one (fb_yield_plain). 0, or a negative errno with
 * *error, and nothing is left. */
int fb_threads_open(struct fb_threads *threads, const struct fb_setting *setting,
                    struct fb_yield *(*yield)(void *context, unsigned index), void *context,
                    struct fb_error *error);

/* Ends and joins the threads and frees everything. */
void fb_threads_close(struct fb_threads *threads);

#endif
