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
    pthread_mutex_t turn;  /* one request at a time */
    pthread_mutex_t mutex; /* guards what follows */
    pthread_cond_t changed;
    struct request *request;
    bool running;
} starter = { .turn = PTHREAD_MUTEX_INITIALIZER,
              .mutex = PTHREAD_MUTEX_INITIALIZER,
              .changed = PTHREAD_COND_INITIALIZER };

static void *starter_main(void *context)
{
    (void)context;
    pthread_mutex_lock(&starter.mutex);
    for (;;) {
        while (!starter.request)
            pthread_cond_wait(&starter.changed, &starter.mutex);
        struct request *request = starter.request;
        starter.request = NULL;
        pthread_mutex_unlock(&starter.mutex);
        int result = request->start(request->context);
        pthread_mutex_lock(&starter.mutex);
        request->result = result;
        request->done = true;
        pthread_cond_broadcast(&starter.changed);
    }
    return NULL;
}

/* Signals are for the program's own threads. */
static int begin(void)
{
    pthread_t thread;
    pthread_attr_t attributes;
    sigset_t all, before;
    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int code = pthread_create(&thread, &attributes, starter_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return -code;
}

int fb_mp_fork_thread_run(int (*start)(void *context), void *context)
{
    if (gettid() == getpid())
        return start(context);
    struct request request = { .start = start, .context = context };
    pthread_mutex_lock(&starter.turn);
    int result = starter.running ? 0 : begin();
    if (result == 0) {
        starter.running = true;
        pthread_mutex_lock(&starter.mutex);
        starter.request = &request;
        pthread_cond_broadcast(&starter.changed);
        while (!request.done)
            pthread_cond_wait(&starter.changed, &starter.mutex);
        pthread_mutex_unlock(&starter.mutex);
        result = request.result;
    }
    pthread_mutex_unlock(&starter.turn);
    return result;
}

void fb_mp_fork_thread_forget(void)
{
    pthread_mutex_init(&starter.turn, NULL);
    pthread_mutex_init(&starter.mutex, NULL);
    pthread_cond_init(&starter.changed, NULL);
    starter.request = NULL;
    starter.running = false;
}
