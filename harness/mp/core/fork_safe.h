/* A process-private mutex that is never locked in a forked child, whichever thread forks. */
#ifndef FB_MP_FORK_SAFE_H
#define FB_MP_FORK_SAFE_H

#include <pthread.h>

/* Goes at file level after the definition of the mutex; at most one per file. */
#define FB_MP_FORK_SAFE(mutex)                                                                     \
    static void lock_for_fork(void)                                                                \
    {                                                                                              \
        pthread_mutex_lock(&(mutex));                                                              \
    }                                                                                              \
    static void unlock_after_fork(void)                                                            \
    {                                                                                              \
        pthread_mutex_unlock(&(mutex));                                                            \
    }                                                                                              \
    __attribute__((constructor)) static void watch_for_forks(void)                                 \
    {                                                                                              \
        pthread_atfork(lock_for_fork, unlock_after_fork, unlock_after_fork);                       \
    }                                                                                              \
    typedef int fork_safe_needs_a_semicolon

#endif
