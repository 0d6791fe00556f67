#include "harness/mp/process/spawn.h"

#include "harness/mp/process/child.h"
#include "harness/mp/core/heap.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

/* The descriptors that an image finds: the record, and the heap's file if there is a heap. */
#define RECORD_FD 3
#define HEAP_FD 4
#define FIRST_FD 5 /* from here on those that it was to be given */
#define MAGIC 0x66626d70
#define VARIABLE "FB_MP_SPAWNED"
#define TRIES_MOST 16

extern char **environ;

struct record {
    _Alignas(64) uint32_t magic;
    pid_t parent;
    bool has_heap;
    struct fb_mp_heap_place heap;
    char task[FB_MP_NAME], name[FB_MP_NAME];
    size_t fds;
    size_t size; /* bytes of the argument, which follow */
};

static const struct fb_mp_task *tasks;
static const struct fb_mp_task *own_task[5]; /* ends with a NULL */

/* ---- the table ---- */

void fb_mp_registry_add(const struct fb_mp_task *task)
{
    size_t count = 0;
    while (own_task[count])
        count++;
    if (count + 1 == sizeof own_task / sizeof *own_task)
        abort(); /* the list is too short for those that there are */
    own_task[count] = task;
}

int fb_mp_registry_name(fb_mp_run run, const char **ret_name)
{
    if (!tasks)
        return -ENOSYS;
    for (const struct fb_mp_task *task = tasks; task->name; task++)
        if (task->run == run) {
            *ret_name = task->name;
            return 0;
        }
    for (size_t i = 0; own_task[i]; i++)
        if (own_task[i]->run == run) {
            *ret_name = own_task[i]->name;
            return 0;
        }
    return -ENOENT;
}

fb_mp_run fb_mp_registry_find(const char *name)
{
    for (const struct fb_mp_task *task = tasks; task && task->name; task++)
        if (strcmp(task->name, name) == 0)
            return task->run;
    for (size_t i = 0; own_task[i]; i++)
        if (strcmp(own_task[i]->name, name) == 0)
            return own_task[i]->run;
    return NULL;
}

int fb_mp_registry_place_of_run(fb_mp_run run, uintptr_t *ret_place)
{
    for (*ret_place = 0; tasks && tasks[*ret_place].name; ++*ret_place)
        if (tasks[*ret_place].run == run)
            return 0;
    return tasks ? -ENOENT : -ENOSYS;
}

int fb_mp_registry_place_of_function(fb_mp_function function, uintptr_t *ret_place)
{
    for (*ret_place = 0; tasks && tasks[*ret_place].name; ++*ret_place)
        if (tasks[*ret_place].function == function)
            return 0;
    return tasks ? -ENOENT : -ENOSYS;
}

const struct fb_mp_task *fb_mp_registry_at(uintptr_t place)
{
    return &tasks[place];
}

/* ---- in the image ---- */

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "a spawned process can't begin: %s\n", why);
    _exit(127);
}

/* The record, mapped for good. */
static const struct record *read_record(void)
{
    off_t size = lseek(RECORD_FD, 0, SEEK_END);
    if (size < (off_t)sizeof(struct record))
        give_up("it finds no record of what to do");
    const struct record *record = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, RECORD_FD, 0);
    if (record == MAP_FAILED || record->magic != MAGIC ||
        (size_t)size != sizeof *record + record->size)
        give_up("the record of what to do is damaged");
    return record;
}

/* Where libraries lie is drawn anew for each image: one that has the heap's place taken tries
 * another. */
static void adopt_heap(const struct record *record, char **argv)
{
    struct fb_mp_heap_place place = record->heap;
    char tries[16];
    place.fd = HEAP_FD;
    int result = fb_mp_heap_adopt(&place), number = atoi(getenv(VARIABLE));
    if (result == 0) {
        fcntl(HEAP_FD, F_SETFD, FD_CLOEXEC);
        return;
    }
    if (result != -EEXIST || number >= TRIES_MOST)
        give_up("the place of its shared memory is taken");
    snprintf(tries, sizeof tries, "%d", number + 1);
    setenv(VARIABLE, tries, 1);
    execv("/proc/self/exe", argv);
    give_up("it can't begin again");
}

void fb_mp_main(int argc, char **argv, const struct fb_mp_task *table)
{
    (void)argc;
    tasks = table;
    if (!getenv(VARIABLE))
        return;
    const struct record *record = read_record();
    if (record->has_heap)
        adopt_heap(record, argv);
    unsetenv(VARIABLE);
    close(RECORD_FD);
    int fd[FB_MP_FDS];
    for (size_t i = 0; i < record->fds; i++)
        fd[i] = FIRST_FD + (int)i;
    fb_mp_child_begin(&(struct fb_mp_self){
        .parent = record->parent, .name = record->name, .fd = fd, .fds = record->fds });
    fb_mp_run run = fb_mp_registry_find(record->task);
    if (!run)
        give_up("its task is not in the table");
    exit(run(record + 1, record->size) & 0xff);
}

/* ---- starting one ---- */

/* A second descriptor of the same, that the places of an image with so many don't collide with, or a
 * negative errno. */
static int move_up(int fd, size_t fds)
{
    int moved = fcntl(fd, F_DUPFD_CLOEXEC, FIRST_FD + (int)fds);
    /* EINVAL: the limit of descriptors is below where it is to be. */
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

/* The record as a file without a name: its descriptor or a negative errno. */
static int make_record(const struct fb_mp_process_options *options, const char *task,
                       const char *name)
{
    struct record record;
    memset(&record, 0, sizeof record); /* its padding too, which is written out */
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

/* What an image is given: descriptors out of the way of the places that they are to have. */
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

/* The image gets these, stdio's, and no others. */
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
