/* Threads that run the worker body: what pthread and gil have in common. */
#ifndef FB_THREADS_H
#define FB_THREADS_H

#include "harness/worker/worker.h"

#include <pthread.h>

struct fb_threads {
    struct fb_caller caller;
    unsigned started; /* threads, the caller not counted */
    struct fb_thread *thread;
};

/* Starts setting->workers - 1 threads beside the caller. yield(context, i) gives worker i's; NULL
 * gives each one that only listens to stop. 0, or a negative errno with *error and nothing left. */
int fb_threads_open(struct fb_threads *threads, const struct fb_setting *setting,
                    struct fb_yield *(*yield)(void *context, unsigned index), void *context,
                    struct fb_error *error);

/* Ends and joins the threads and frees what fb_threads_open took. */
void fb_threads_close(struct fb_threads *threads);

#endif
