/* The identity of a process: the pid alone isn't unique, as it is reused after the process has
 * ended. */
#ifndef FB_MP_IDENTITY_H
#define FB_MP_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct fb_mp_identity {
    pid_t pid;
    uint64_t start; /* start time in clock ticks since boot, from /proc/PID/stat; 0: not known */
};

/* The calling process's; read once and cached. */
struct fb_mp_identity fb_mp_identity_self(void);

/* That of the process with this pid now; start is 0 if there is none. */
struct fb_mp_identity fb_mp_identity_of(pid_t pid);

/* Whether the process still runs; a zombie does not. If nothing can be found out but that a process
 * with this pid exists, it is taken to be the same. */
bool fb_mp_identity_is_alive(const struct fb_mp_identity *identity);

#endif
