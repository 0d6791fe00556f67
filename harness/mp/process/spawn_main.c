/* fb_mp_main: the beginning of every program that spawns, and of its spawned processes. */
#include "harness/mp/process/child.h"
#include "harness/mp/process/registry.h"
#include "harness/mp/process/spawn_record.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

static _Noreturn void give_up(const char *why)
{
    fprintf(stderr, "a spawned process can't begin: %s\n", why);
    _exit(127);
}

/* Maps the record; it stays mapped, as it holds the argument. */
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

/* Maps the heap at the address it has in the parent. If libraries occupy that, executes the program
 * again, as their addresses are random in each execution. */
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
    fb_mp_registry_set(table);
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
