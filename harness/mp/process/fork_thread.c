#include "harness/mp/process/fork_thread.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <unistd.h>

struct request {
    int (*start)(void *context);
    void *context;
    int result;
    bool done;
};

static struct {
    pthread_mutex_t turn;  /* held for the whole of a request: one at a time */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct request *request;
    bool running;
} fork_thread = { .turn = PTHREAD_MUTEX_INITIALIZER,
                  .mutex = PTHREAD_MUTEX_INITIALIZER,
                  .changed = PTHREAD_COND_INITIALIZER };

/* In every forked child, also of a plain fork(): there is no such thread in it. */
static void forget_thread(void)
{
    pthread_mutex_init(&fork_thread.turn, NULL);
    pthread_mutex_init(&fork_thread.mutex, NULL);
    pthread_cond_init(&fork_thread.changed, NULL);
    fork_thread.request = NULL;
    fork_thread.running = false;
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget_thread);
}

static void *fork_thread_main(void *context)
{
    (void)context;
    pthread_mutex_lock(&fork_thread.mutex);
    for (;;) {
        while (!fork_thread.request)
            pthread_cond_wait(&fork_thread.changed, &fork_thread.mutex);
        struct request *request = fork_thread.request;
        fork_thread.request = NULL;
        pthread_mutex_unlock(&fork_thread.mutex);
        int result = request->start(request->context);
        pthread_mutex_lock(&fork_thread.mutex);
        request->result = result;
        request->done = true;
        pthread_cond_broadcast(&fork_thread.changed);
    }
    return NULL;
}

/* All signals are blocked: they are for the program's own threads. */
static int start_thread(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&thread, &attributes, fork_thread_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -code;
}

int fb_mp_fork_thread_run(int (*start)(void *context), void *context)
{
    if (gettid() == getpid())
        return start(context);
    struct request request = { .start = start, .context = context };
    pthread_mutex_lock(&fork_thread.turn);
    int result = fork_thread.running ? 0 : start_thread();
    if (result == 0) {
        fork_thread.running = true;
        pthread_mutex_lock(&fork_thread.mutex);
        fork_thread.request = &request;
        pthread_cond_broadcast(&fork_thread.changed);
        while (!request.done)
            pthread_cond_wait(&fork_thread.changed, &fork_thread.mutex);
        pthread_mutex_unlock(&fork_thread.mutex);
        result = request.result;
    }
    pthread_mutex_unlock(&fork_thread.turn);
    return result;
}
