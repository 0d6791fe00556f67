/* Who a process is, beyond its number, which is given again after its end. */
#ifndef FB_MP_IDENTITY_H
#define FB_MP_IDENTITY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct fb_mp_identity {
    pid_t pid;
    uint64_t start; /* in clock ticks since boot, as /proc/PID/stat says it; 0: not known */
};

/* The calling process's; read once. */
struct fb_mp_identity fb_mp_identity_self(void);

/* That of the process which has the number now; start 0 if there is none. */
struct fb_mp_identity fb_mp_identity_of(pid_t pid);

/* Whether it still runs: one that has ended but was not waited for does not. One of which nothing
 * more can be found out than that there is a process of that number, is taken to. */
bool fb_mp_identity_is_alive(const struct fb_mp_identity *identity);

#endif
