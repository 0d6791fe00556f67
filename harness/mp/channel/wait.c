#include "harness/mp/channel/wait.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

int fb_mp_wait(const int *fd, size_t count, int64_t timeout_ns, bool *ret_ready)
{
    struct pollfd *watched = calloc(count ? count : 1, sizeof *watched);
    int64_t deadline = fb_mp_deadline(timeout_ns);
    int ready;
    if (!watched)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++)
        watched[i] = (struct pollfd){ .fd = fd[i], .events = POLLIN };
    do {
        int64_t left = deadline - fb_mp_now();
        struct timespec limit = fb_mp_timespec(left > 0 ? left : 0);
        ready = ppoll(watched, count, &limit, NULL);
    } while (ready < 0 && errno == EINTR);
    int code = errno;
    for (size_t i = 0; i < count && ready >= 0; i++)
        ret_ready[i] = watched[i].revents != 0;
    free(watched);
    return ready < 0 ? -code : ready;
}
