#include "harness/mp/process/spawn.h"

#include "harness/mp/process/spawn_record.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

extern char **environ;

/* Duplicates fd to a number above all those that a spawned process with fds descriptors gets, so
 * that dup2 overwrites none of them. Returns the duplicate, or a negative errno. */
static int move_up(int fd, size_t fds)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)fds);
    /* EINVAL: RLIMIT_NOFILE is below the number asked for. */
    return moved >= 0 ? moved : errno == EINVAL ? -EMFILE : -errno;
}

static int write_record(int fd, const struct record *record, const void *argument)
{
    const struct {
        const void *bytes;
        size_t size;
    } parts[] = { { record, sizeof *record }, { argument, record->size } };
    for (int i = 0; i < 2; i++)
        for (size_t done = 0; done < parts[i].size;) {
            ssize_t wrote = write(fd, (const char *)parts[i].bytes + done, parts[i].size - done);
            if (wrote < 0 && errno != EINTR)
                return -errno;
            done += wrote > 0 ? (size_t)wrote : 0;
        }
    return 0;
}

/* Writes the record to a memfd. Returns its descriptor, or a negative errno. */
static int make_record(const struct fb_mp_process_options *options, const char *task,
                       const char *name)
{
    struct record record;
    memset(&record, 0, sizeof record); /* its padding too, which is written as well */
    record.magic = MAGIC;
    record.parent = getpid();
    record.heap = fb_mp_heap_place();
    record.fds = options->fds;
    record.size = options->size;
    record.has_heap = record.heap.fd >= 0;
    snprintf(record.task, sizeof record.task, "%s", task);
    snprintf(record.name, sizeof record.name, "%s", name);
    int low = memfd_create("fb-mp-record", MFD_CLOEXEC);
    if (low < 0)
        return -errno;
    int fd = move_up(low, options->fds);
    close(low);
    int result = fd < 0 ? fd : write_record(fd, &record, options->argument);
    if (result == 0)
        return fd;
    if (fd >= 0)
        close(fd);
    return result;
}

char **fb_mp_spawn_environment(const char *setting)
{
    size_t count = 0, used = 0, name = strcspn(setting, "=") + 1;
    while (environ && environ[count])
        count++;
    char **list = calloc(count + 2, sizeof *list);
    if (!list)
        return NULL;
    list[used++] = (char *)setting;
    for (size_t i = 0; i < count; i++)
        if (strncmp(environ[i], setting, name) != 0)
            list[used++] = environ[i];
    return list;
}

/* What a spawned process gets, duplicated by move_up. */
struct given {
    int record, heap, fd[FB_MP_FDS];
    size_t fds;
};

static void drop(struct given *given)
{
    if (given->record >= 0)
        close(given->record);
    if (given->heap >= 0)
        close(given->heap);
    for (size_t i = 0; i < given->fds; i++)
        close(given->fd[i]);
}

static int gather(const struct fb_mp_process_options *options, const char *task, const char *name,
                  struct given *given)
{
    int heap = fb_mp_heap_place().fd;
    *given = (struct given){ .record = make_record(options, task, name), .heap = -1 };
    if (given->record < 0)
        return given->record;
    if (heap >= 0 && (given->heap = move_up(heap, options->fds)) < 0)
        return given->heap;
    for (; given->fds < options->fds; given->fds++) {
        int fd = move_up(options->fd[given->fds], options->fds);
        if (fd < 0)
            return fd;
        given->fd[given->fds] = fd;
    }
    return 0;
}

/* The spawned process gets these descriptors and stdio's, and no others. */
static int add_actions(const struct given *given, posix_spawn_file_actions_t *actions)
{
    int code = posix_spawn_file_actions_adddup2(actions, given->record, RECORD_FD);
    if (code == 0 && given->heap >= 0)
        code = posix_spawn_file_actions_adddup2(actions, given->heap, HEAP_FD);
    else if (code == 0)
        code = posix_spawn_file_actions_adddup2(actions, given->record, HEAP_FD);
    for (size_t i = 0; i < given->fds && code == 0; i++)
        code = posix_spawn_file_actions_adddup2(actions, given->fd[i], FIRST_FD + (int)i);
    if (code == 0)
        code = posix_spawn_file_actions_addclosefrom_np(actions, FIRST_FD + (int)given->fds);
    return code;
}

static int spawn(const struct given *given, const char *name, char **environment, pid_t *ret_pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none;
    char *arguments[] = { program_invocation_name, "--fb-mp", (char *)name, NULL };
    sigemptyset(&none);
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
    int code = add_actions(given, &actions);
    if (code == 0)
        code =
            posix_spawn(ret_pid, "/proc/self/exe", &actions, &attributes, arguments, environment);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return -code;
}

int fb_mp_spawn_start(const struct fb_mp_process_options *options, const char *name, pid_t *ret_pid,
                      struct fb_error *error)
{
    const char *task;
    struct given given;
    if (getenv(VARIABLE))
        return fb_error_set(error, -EDEADLK,
                            "a spawned program wants to spawn before its main came to fb_mp_main: "
                            "call that first");
    int result = fb_mp_registry_name(options->run, &task);
    if (result < 0)
        return fb_error_set(error, result,
                            result == -ENOSYS
                                ? "can't spawn: main has to begin with fb_mp_main"
                                : "can't spawn: the function is not in fb_mp_main's table");
    if (strlen(task) >= FB_MP_NAME)
        return fb_error_set(error, -ENAMETOOLONG, "can't spawn: the task's name is too long: %s",
                            task);
    char **environment = fb_mp_spawn_environment(VARIABLE "=1");
    result = gather(options, task, name, &given);
    if (result == 0)
        result = environment ? spawn(&given, name, environment, ret_pid) : -ENOMEM;
    drop(&given);
    free(environment);
    return result < 0 ? fb_error_set(error, result, "can't spawn: %s", strerror(-result)) : 0;
}
