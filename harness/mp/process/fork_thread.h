/* Where processes are started from. A child is told to die with its parent, which for the kernel is
 * the thread that made it: so children are made by a thread that ends with the process only. */
#ifndef FB_MP_FORK_THREAD_H
#define FB_MP_FORK_THREAD_H

/* Runs start(context) on the main thread if that is the caller's, else on a thread kept for it, and
 * waits for it; returns what it returned, or a negative errno when there can be no such thread. A
 * child that start makes by fork never returns from it. */
int fb_mp_fork_thread_run(int (*start)(void *context), void *context);

#endif
