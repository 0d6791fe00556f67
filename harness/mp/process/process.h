/* Processes: started by fork or on a fresh image, joined, named, ended. The meaning is that of
 * Python's multiprocessing.Process; a handle belongs to the process that started it, and may be
 * used by any of its threads. */
#ifndef FB_MP_PROCESS_H
#define FB_MP_PROCESS_H

#include "harness/mp/core/deadline.h"
#include "harness/mp/core/self.h"
#include "harness/mp/process/registry.h"

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

enum fb_mp_method {
    FB_MP_FORK, /* a copy of this process; begins with all that it had in memory */
    FB_MP_SPAWN /* this program anew: knows what is in its argument and in shared memory */
};

struct fb_mp_process;

struct fb_mp_process_options {
    fb_mp_run run;
    const void *argument; /* size bytes, copied */
    size_t size;
    const void *const *shared; /* shareds objects that it will use: each must be in shared memory */
    size_t shareds;
    const int *fd;    /* fds descriptors that it will use: no others reach a spawned image */
    size_t fds;       /* up to FB_MP_FDS */
    const char *name; /* NULL: "Process-1", "Process-2", …; cut after FB_MP_NAME - 1 bytes */
    enum fb_mp_method method;
    bool daemon; /* ended when this process exits, where others are joined */
};

/* Starts a process. It dies with this one, however that ends (and with its main thread, should that
 * leave by pthread_exit). stdio's buffers are written out first, so that nothing is written twice.
 * Its exit runs the handlers of atexit; what a forked one inherited of them runs there too, and
 * glibc sets a regular file on stdin back to what was not read yet.
 * 0 and *ret_process (end with fb_mp_process_close), or a negative errno with *error and nothing
 * started:
 * -EINVAL        no function or method of that kind, too many descriptors, bytes of an argument at
 *                NULL, or SIGCHLD is ignored, so that nobody could be waited for
 * -EBADF         one of fd is not open
 * -EFAULT        one of shared is not in shared memory
 * -ENOSYS        a spawn in a program whose main does not begin with fb_mp_main
 * -ENOENT        the function is not in its table (-ENAMETOOLONG: its name has too many bytes)
 * -EDEADLK       a spawned image that never came to fb_mp_main wants to spawn
 * -EAGAIN, -EMFILE, -ENOMEM  this process or the machine has no room for it */
int fb_mp_process_start(const struct fb_mp_process_options *options,
                        struct fb_mp_process **ret_process, struct fb_error *error);

/* Waits for its end. 0, -ETIMEDOUT, or -ECHILD: its end was taken by a wait() of somebody else. */
int fb_mp_process_join(struct fb_mp_process *process, int64_t timeout_ns);

bool fb_mp_process_is_alive(struct fb_mp_process *process);

/* 0 and *ret_code: 0 … 255, of what it returned or exited with the low 8 bits, or -N when signal N
 * ended it; -EAGAIN while it is alive, -ECHILD as above. */
int fb_mp_process_exit_code(struct fb_mp_process *process, int *ret_code);

/* Ask it to end (SIGTERM), or end it (SIGKILL). 0, also when it has ended already. */
int fb_mp_process_terminate(struct fb_mp_process *process);
int fb_mp_process_kill(struct fb_mp_process *process);

pid_t fb_mp_process_pid(const struct fb_mp_process *process);
const char *fb_mp_process_name(const struct fb_mp_process *process);
bool fb_mp_process_is_daemon(const struct fb_mp_process *process);

/* A descriptor that becomes readable when it ends, for poll; the handle's. */
int fb_mp_process_sentinel(const struct fb_mp_process *process);

/* Frees the handle. 0, or -EBUSY while it is alive. NULL is accepted. */
int fb_mp_process_close(struct fb_mp_process *process);

#endif
