#include "harness/native/threads.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fb_thread {
    pthread_t id;
    struct fb_team *team;
    struct fb_yield *yield, plain;
    unsigned index;
};

static void *thread_main(void *argument)
{
    struct fb_thread *thread = argument;
    fb_worker_loop(thread->team, thread->index, thread->yield);
    return NULL;
}

int fb_threads_open(struct fb_threads *threads, const struct fb_setting *setting,
                    struct fb_yield *(*yield)(void *context, unsigned index), void *context,
                    struct fb_error *error)
{
    memset(threads, 0, sizeof *threads);
    int result = fb_caller_open(&threads->caller, setting, error);
    if (result < 0)
        return result;
    if (yield)
        threads->caller.worker.yield = yield(context, 0);
    threads->thread = calloc(setting->workers, sizeof *threads->thread);
    if (!threads->thread) {
        fb_caller_close(&threads->caller);
        return fb_error_set(error, -ENOMEM, "out of memory");
    }
    for (unsigned index = 1; index < setting->workers; index++) {
        struct fb_thread *thread = &threads->thread[index];
        thread->team = threads->caller.team;
        thread->index = index;
        fb_yield_plain(&thread->plain, thread->team);
        thread->yield = yield ? yield(context, index) : &thread->plain;
        result = pthread_create(&thread->id, NULL, thread_main, thread);
        if (result != 0) {
            fb_threads_close(threads);
            return fb_error_set(error, -result, "can't create thread %u of %u: %s", index,
                                setting->workers - 1, strerror(result));
        }
        threads->started++;
    }
    return 0;
}

void fb_threads_close(struct fb_threads *threads)
{
    fb_caller_quit(&threads->caller);
    for (unsigned index = 1; index <= threads->started; index++)
        pthread_join(threads->thread[index].id, NULL);
    fb_caller_close(&threads->caller);
    free(threads->thread);
}
