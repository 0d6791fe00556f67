#include "bench/overhead/peers/forked_peer.h"

#include "base/child.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

pid_t fb_forked_peer_start(int (*body)(void *context), void *context)
{
    pid_t parent = getpid(), pid = fork();
    if (pid < 0)
        return -errno;
    if (pid != 0)
        return pid;
    fb_child_tie(parent);
    _exit(body(context) < 0);
}

int fb_forked_peer_grow_parent(size_t mib)
{
    size_t size = mib << 20;
    char *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED)
        return -errno;
    madvise(memory, size, MADV_NOHUGEPAGE);
    for (size_t i = 0; i < size; i += (size_t)sysconf(_SC_PAGESIZE))
        memory[i] = 1;
    return 0;
}

int fb_forked_peer_join(pid_t pid)
{
    int status = 1;
    if (pid < 0)
        return pid;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return status == 0 ? 0 : -EIO;
}
