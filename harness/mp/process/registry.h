/* The table of tasks: the functions that spawned processes and workers can run, by name. */
#ifndef FB_MP_REGISTRY_H
#define FB_MP_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

/* What a process runs. argument: its own copy of the size bytes that fb_mp_process_start was given.
 * The low 8 bits of the return value become the exit code. */
typedef int (*fb_mp_run)(const void *argument, size_t size);

/* What a worker of a pool calls (harness/mp/pool/task.h). Returns 0, or a negative errno: the task
 * then fails with it, and with the text of call->error if the function has set that. */
struct fb_mp_call;
typedef int (*fb_mp_function)(struct fb_mp_call *call);

/* An entry of the table. Either function may be NULL. */
struct fb_mp_task {
    const char *name;
    fb_mp_run run;
    fb_mp_function function;
};

/* Entries named after their function. */
#define FB_MP_RUN(what)                                                                            \
    {                                                                                              \
        .name = #what, .run = (what)                                                               \
    }
#define FB_MP_FUNCTION(what)                                                                       \
    {                                                                                              \
        .name = #what, .function = (what)                                                          \
    }

/* Must be the first call in main of a program that spawns. tasks: the table, which ends with { 0 }
 * and lives as long as the program. In a spawned process it runs the requested task and exits, so
 * nothing before it should have an effect outside the process; otherwise it returns at once. */
void fb_mp_main(int argc, char **argv, const struct fb_mp_task *tasks);

/* ---- for the runtime itself ---- */

/* Sets the program's table. */
void fb_mp_registry_set(const struct fb_mp_task *table);

/* Adds a task of the runtime, which every program can spawn. It must live as long as the program. */
void fb_mp_registry_add(const struct fb_mp_task *task);

/* Finds the name of run. 0 and *ret_name, -ENOSYS: there is no table, as fb_mp_main was not called,
 * or -ENOENT: run is not in it. */
int fb_mp_registry_name(fb_mp_run run, const char **ret_name);

/* The task of that name, or NULL. */
fb_mp_run fb_mp_registry_find(const char *name);

/* The index of a function in the program's table, which is the same in each of its processes. 0 and
 * *ret_index, or as above. */
int fb_mp_registry_index_of_run(fb_mp_run run, uintptr_t *ret_index);
int fb_mp_registry_index_of_function(fb_mp_function function, uintptr_t *ret_index);

/* The task at that index. */
const struct fb_mp_task *fb_mp_registry_at(uintptr_t index);

#endif
