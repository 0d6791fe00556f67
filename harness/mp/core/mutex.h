/* The robust mutex, shared between processes, of the runtime's own structures. */
#ifndef FB_MP_MUTEX_H
#define FB_MP_MUTEX_H

#include "harness/mp/core/deadline.h"

#include <errno.h>
#include <pthread.h>

#ifdef __SANITIZE_THREAD__
#include <sanitizer/tsan_interface.h>
#endif

/* type: PTHREAD_MUTEX_NORMAL, _ERRORCHECK or _RECURSIVE. */
static inline void fb_mp_mutex_init(pthread_mutex_t *mutex, int type)
{
    pthread_mutexattr_t attributes;
    pthread_mutexattr_init(&attributes);
    pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
    pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_settype(&attributes, type);
    pthread_mutex_init(mutex, &attributes);
    pthread_mutexattr_destroy(&attributes);
}

static inline int fb_mp_mutex_wait(pthread_mutex_t *mutex, int64_t timeout_ns)
{
    struct timespec deadline = fb_mp_timespec(fb_mp_deadline(timeout_ns));
    int code = pthread_mutex_clocklock(mutex, CLOCK_MONOTONIC, &deadline);
#ifdef __SANITIZE_THREAD__ /* has no interceptor for pthread_mutex_clocklock */
    if (code == 0 || code == EOWNERDEAD) {
        __tsan_mutex_pre_lock(mutex, 0);
        __tsan_mutex_post_lock(mutex, 0, 0);
    }
#endif
    return code;
}

/* Locks it. 0; -EOWNERDEAD: it is locked, but the previous owner died while it held it; -ETIMEDOUT;
 * or -EDEADLK: an error-checking one that this thread holds already. */
static inline int fb_mp_mutex_take(pthread_mutex_t *mutex, int64_t timeout_ns)
{
    int code =
        timeout_ns == FB_MP_FOREVER ? pthread_mutex_lock(mutex) : pthread_mutex_trylock(mutex);
    if (code == EBUSY)
        code = timeout_ns > 0 ? fb_mp_mutex_wait(mutex, timeout_ns) : ETIMEDOUT;
    if (code == EOWNERDEAD)
        pthread_mutex_consistent(mutex);
    return -code;
}

#endif
