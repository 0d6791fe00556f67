#include "harness/mp/core/identity.h"

#include "harness/mp/core/fork_safe.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
FB_MP_FORK_SAFE(mutex);

static struct fb_mp_identity self;
static _Atomic bool known; /* self is this process's */

static void forget(void)
{
    atomic_store(&known, false);
}

__attribute__((constructor)) static void watch_forks(void)
{
    pthread_atfork(NULL, NULL, forget);
}

/* Reads a process's state and start time, fields 3 and 22 of /proc/PID/stat; the name in field 2
 * may contain blanks and brackets. False if there is no such process. A process whose first thread
 * has ended while others run (field 20) has the state of a zombie, but isn't one. */
static bool read_stat(pid_t pid, char *ret_state, uint64_t *ret_start)
{
    char path[32], line[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t size = read(fd, line, sizeof line - 1);
    close(fd);
    if (size <= 0)
        return false;
    line[size] = '\0';
    const char *field = strrchr(line, ')');
    unsigned long long start;
    long threads;
    if (!field || sscanf(field + 2,
                         "%c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %ld "
                         "%*s %llu",
                         ret_state, &threads, &start) != 3)
        return false;
    if (*ret_state == 'Z' && threads > 1)
        *ret_state = 'S';
    *ret_start = start;
    return true;
}

struct fb_mp_identity fb_mp_identity_of(pid_t pid)
{
    struct fb_mp_identity identity = { .pid = pid };
    char state;
    read_stat(pid, &state, &identity.start);
    return identity;
}

struct fb_mp_identity fb_mp_identity_self(void)
{
    if (atomic_load_explicit(&known, memory_order_acquire))
        return self;
    pthread_mutex_lock(&mutex);
    if (!atomic_load(&known)) {
        self = fb_mp_identity_of(getpid());
        atomic_store(&known, self.start != 0);
    }
    struct fb_mp_identity found = self;
    pthread_mutex_unlock(&mutex);
    return found;
}

bool fb_mp_identity_is_alive(const struct fb_mp_identity *identity)
{
    char state;
    uint64_t start;
    if (identity->pid <= 0 || (kill(identity->pid, 0) < 0 && errno == ESRCH))
        return false;
    if (!read_stat(identity->pid, &state, &start)) /* it has just ended, or no file can be opened */
        return kill(identity->pid, 0) == 0 || errno != ESRCH;
    return (identity->start == 0 || start == identity->start) && state != 'Z' && state != 'X';
}
