#include "harness/mp/channel/tracker.h"

#include "harness/mp/process/spawn.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define VARIABLE "FB_MP_TRACKER"
#define SOCKET_FD 3
#define SWEEP_PERIOD_NS 250000000l
#define LOCK_RETRY_NS 1000000l /* the folder is normally locked for less */
#define LOCK_RETRIES 1000

/* ---- the tracker's name ---- */

/* An abstract socket address, made of the user and the folder. Only one process at a time can bind
 * it, and that one is the tracker. */
static socklen_t make_address(struct sockaddr_un *ret_address)
{
    struct stat status = { 0 };
    stat(FB_MP_TRACKER_FOLDER, &status);
    *ret_address = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int length =
        snprintf(ret_address->sun_path + 1, sizeof ret_address->sun_path - 1,
                 "fb-mp-tracker-%u-%llx", (unsigned)getuid(), (unsigned long long)status.st_dev);
    return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)length);
}

/* Returns a socket bound to the tracker's address, -EADDRINUSE if there is a tracker, or another
 * negative errno. */
static int bind_name(void)
{
    struct sockaddr_un address;
    socklen_t size = make_address(&address);
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    if (bind(fd, (struct sockaddr *)&address, size) == 0)
        return fd;
    int code = errno;
    close(fd);
    return -code;
}

/* ---- the tracker ---- */

int fb_mp_tracker_lock_folder(void)
{
    const struct timespec pause = { .tv_nsec = LOCK_RETRY_NS };
    int fd = open(FB_MP_TRACKER_FOLDER, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    /* Any process may lock the folder, even a malicious one, so the wait is limited. */
    for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0; i++) {
        int code = errno == EWOULDBLOCK ? EBUSY : errno;
        if (code == EINTR || (code == EBUSY && i < LOCK_RETRIES)) {
            nanosleep(&pause, NULL);
            continue;
        }
        close(fd);
        return -code;
    }
    return fd;
}

/* Removes a segment if no process uses it. Returns whether it is gone. With the folder locked. */
static bool remove_if_unused(int folder, const char *name)
{
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    bool unused = flock(fd, LOCK_EX | LOCK_NB) == 0;
    if (unused)
        unlinkat(folder, name, 0);
    close(fd);
    return unused;
}

size_t fb_mp_tracker_sweep(void)
{
    size_t used = 0;
    int folder = fb_mp_tracker_lock_folder();
    DIR *list = folder < 0 ? NULL : fdopendir(folder);
    if (!list) { /* unknown: as if one were in use */
        if (folder >= 0)
            close(folder);
        return 1;
    }
    for (struct dirent *entry; (entry = readdir(list));) {
        struct stat status;
        if (strncmp(entry->d_name, FB_MP_TRACKER_PREFIX, strlen(FB_MP_TRACKER_PREFIX)) != 0 ||
            fstatat(folder, entry->d_name, &status, AT_SYMLINK_NOFOLLOW) < 0 ||
            status.st_uid != getuid() || !S_ISREG(status.st_mode))
            continue;
        if (!remove_if_unused(folder, entry->d_name))
            used++;
    }
    closedir(list);
    return used;
}

static void run(void)
{
    const struct timespec pause = { .tv_nsec = SWEEP_PERIOD_NS };
    int name = SOCKET_FD;
    do {
        do
            nanosleep(&pause, NULL);
        while (fb_mp_tracker_sweep() > 0);
        /* A process that made a segment after the sweep found the tracker's name in use and started
         * no other. So sweep again once the name is free. */
        close(name);
    } while (fb_mp_tracker_sweep() > 0 && (name = bind_name()) >= 0);
}

/* Runs before main in any program that has this library. The tracker's process never comes to main.
 */
__attribute__((constructor)) static void be_tracker(void)
{
    if (!secure_getenv(VARIABLE))
        return;
    if (fork() != 0) /* the starter waits only for this process, not for the tracker */
        _exit(0);
    setsid();
    prctl(PR_SET_NAME, "fb-mp-tracker");
    if (chdir("/") == 0)
        run();
    _exit(0);
}

/* ---- starting it ---- */

static int make_actions(int name, posix_spawn_file_actions_t *actions)
{
    int code = 0;
    for (int fd = 0; fd < SOCKET_FD && code == 0; fd++)
        code = posix_spawn_file_actions_addopen(actions, fd, "/dev/null", O_RDWR, 0);
    if (code == 0)
        code = posix_spawn_file_actions_adddup2(actions, name, SOCKET_FD);
    if (code == 0)
        code = posix_spawn_file_actions_addclosefrom_np(actions, SOCKET_FD + 1);
    return code;
}

static int spawn(int name)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, usual;
    char *arguments[] = { "fb-mp-tracker", NULL };
    char **environment = fb_mp_spawn_environment(VARIABLE "=1");
    pid_t pid;
    sigemptyset(&none);
    sigfillset(&usual);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &usual);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
    int code = environment ? make_actions(name, &actions) : ENOMEM;
    if (code == 0)
        code = posix_spawn(&pid, "/proc/self/exe", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    free(environment);
    while (code == 0 && waitpid(pid, NULL, 0) < 0 && errno == EINTR)
        ;
    return -code;
}

int fb_mp_tracker_start(void)
{
    int name = bind_name();
    if (name == -EADDRINUSE)
        return 0;
    if (name < 0)
        return name;
    int high = fcntl(name, F_DUPFD_CLOEXEC, SOCKET_FD + 1), result = -errno;
    close(name);
    if (high < 0)
        return result;
    result = spawn(high);
    close(high);
    return result;
}
