/* The thread that starts processes. PR_SET_PDEATHSIG kills a child when the thread that made it
 * ends, not only when the process does: so children are made by threads that last as long as the
 * process. */
#ifndef FB_MP_FORK_THREAD_H
#define FB_MP_FORK_THREAD_H

/* Runs start(context) and waits for it: on the main thread if that is the caller, otherwise on a
 * thread kept for this. Returns what start returned, or a negative errno if the thread can't be
 * made. A child that start makes by fork must never return from it. */
int fb_mp_fork_thread_run(int (*start)(void *context), void *context);

#endif
