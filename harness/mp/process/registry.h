/* Tasks by name: what a spawned image can be told to do. */
#ifndef FB_MP_REGISTRY_H
#define FB_MP_REGISTRY_H

#include <stddef.h>
#include <stdint.h>

/* What a process does. argument: its own copy of the bytes that start was given. What it returns
 * becomes the exit code, 0 … 255. */
typedef int (*fb_mp_run)(const void *argument, size_t size);

/* What a worker of a pool calls (harness/mp/pool/task.h). Returns 0, or a negative errno: the task
 * fails with it, and with the text of call->error if that was set. */
struct fb_mp_call;
typedef int (*fb_mp_function)(struct fb_mp_call *call);

/* What a spawned image can be told: to be a process that does run, or as a worker of a pool to call
 * function. Either may be NULL. */
struct fb_mp_task {
    const char *name;
    fb_mp_run run;
    fb_mp_function function;
};

/* Entries of a table, under the function's own name. */
#define FB_MP_RUN(what)                                                                            \
    {                                                                                              \
        .name = #what, .run = (what)                                                               \
    }
#define FB_MP_FUNCTION(what)                                                                       \
    {                                                                                              \
        .name = #what, .function = (what)                                                          \
    }

/* A program that spawns begins its main with this. tasks: a table of what can be spawned, that ends
 * with { 0 } and lives as long as the program. In a spawned image it does the task and exits, so
 * nothing before it should have an effect outside the process; otherwise it returns at once. */
void fb_mp_main(int argc, char **argv, const struct fb_mp_task *tasks);

/* ---- for the runtime itself ---- */

/* Makes table the program's. */
void fb_mp_registry_set(const struct fb_mp_task *table);

/* A task of the runtime's own, which can be spawned by every program; it lives as long as that. */
void fb_mp_registry_add(const struct fb_mp_task *task);

/* The name under which run is in the table: 0 and *ret_name, -ENOSYS when fb_mp_main was not
 * called, -ENOENT when it is not in the table. */
int fb_mp_registry_name(fb_mp_run run, const char **ret_name);

/* The task of that name, or NULL. */
fb_mp_run fb_mp_registry_find(const char *name);

/* Places in the table, which are the same in every image: 0 and *ret_place, or as above. */
int fb_mp_registry_place_of_run(fb_mp_run run, uintptr_t *ret_place);
int fb_mp_registry_place_of_function(fb_mp_function function, uintptr_t *ret_place);
/* What is there. */
const struct fb_mp_task *fb_mp_registry_at(uintptr_t place);

#endif
