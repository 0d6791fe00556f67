/* Replaces harness/mp/core/identity.c where a process is killed at every instruction: reading /proc
 * takes thousands of instructions and changes nothing that others see. Equivalent as long as no
 * process id is used twice and every dead process has been waited for. */
#include "harness/mp/core/identity.h"

#include <signal.h>
#include <unistd.h>

struct fb_mp_identity fb_mp_identity_self(void)
{
    return (struct fb_mp_identity){ .pid = getpid(), .start = 1 };
}

bool fb_mp_identity_is_alive(const struct fb_mp_identity *identity)
{
    return identity->pid > 0 && kill(identity->pid, 0) == 0;
}
