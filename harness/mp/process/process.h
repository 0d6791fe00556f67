/* Processes: starting them by fork or spawn, joining, naming and ending them. The meaning is that
 * of Python's multiprocessing.Process. A handle belongs to the process that started the other one,
 * and may be used by any of its threads. */
#ifndef FB_MP_PROCESS_H
#define FB_MP_PROCESS_H

#include "harness/mp/core/deadline.h"
#include "harness/mp/core/self.h"
#include "harness/mp/process/registry.h"

#include "base/error.h"

#include <stdbool.h>
#include <sys/types.h>

enum fb_mp_method {
    FB_MP_FORK, /* a copy of this process, with all its memory */
    FB_MP_SPAWN /* this program started anew: it has its argument and shared memory, nothing else */
};

struct fb_mp_process;

struct fb_mp_process_options {
    fb_mp_run run;
    const void *argument; /* size bytes, copied */
    size_t size;
    const void *const *shared; /* shareds objects that the process will use; checked to be in
                                * shared memory */
    size_t shareds;
    const int *fd;    /* fds descriptors that it will use; a spawned process gets no others */
    size_t fds;       /* up to FB_MP_FDS */
    const char *name; /* NULL: "Process-1", "Process-2", …; cut after FB_MP_NAME - 1 bytes */
    enum fb_mp_method method;
    bool daemon; /* terminated when this process exits; other processes are joined then */
};

/* Starts a process. It is killed when this process ends for any reason, and also when this process's
 * main thread leaves by pthread_exit. stdio's buffers are flushed first, so that nothing is written
 * twice. The new process runs its atexit handlers when it exits; a forked one also runs those it
 * inherited, and glibc then seeks a regular file on stdin back to what was not read yet.
 * 0 and *ret_process (to be closed with fb_mp_process_close), or a negative errno with *error and
 * nothing started:
 * -EINVAL        no function, no such method, too many descriptors, an argument of size bytes at
 *                NULL, or SIGCHLD is ignored, so that no process could be waited for
 * -EBADF         one of fd is not open
 * -EFAULT        one of shared is not in shared memory
 * -ENOSYS        a spawn in a program whose main does not begin with fb_mp_main
 * -ENOENT        a spawn of a function that is not in fb_mp_main's table (-ENAMETOOLONG: its name
 *                there is too long)
 * -EDEADLK       a spawned process that has not called fb_mp_main tries to spawn
 * -EAGAIN, -EMFILE, -ENOMEM  this process or the machine has no room for another process */
int fb_mp_process_start(const struct fb_mp_process_options *options,
                        struct fb_mp_process **ret_process, struct fb_error *error);

/* Waits for its end. 0, -ETIMEDOUT, or -ECHILD: other code has reaped it with wait(). */
int fb_mp_process_join(struct fb_mp_process *process, int64_t timeout_ns);

bool fb_mp_process_is_alive(struct fb_mp_process *process);

/* 0 and *ret_code: 0 … 255, the low 8 bits of what it returned or passed to exit, or -N if signal N
 * ended it; -EAGAIN while it is alive, -ECHILD as above. */
int fb_mp_process_exit_code(struct fb_mp_process *process, int *ret_code);

/* Sends SIGTERM or SIGKILL. 0, also when it has ended already. */
int fb_mp_process_terminate(struct fb_mp_process *process);
int fb_mp_process_kill(struct fb_mp_process *process);

pid_t fb_mp_process_pid(const struct fb_mp_process *process);
const char *fb_mp_process_name(const struct fb_mp_process *process);
bool fb_mp_process_is_daemon(const struct fb_mp_process *process);

/* A descriptor, owned by the handle, that becomes readable when the process ends: for poll. */
int fb_mp_process_sentinel(const struct fb_mp_process *process);

/* Frees the handle. 0, or -EBUSY while the process is alive. NULL is accepted. */
int fb_mp_process_close(struct fb_mp_process *process);

#endif
