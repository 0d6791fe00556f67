#include "harness/mp/process/registry.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct fb_mp_task *tasks;       /* the program's; NULL until fb_mp_main is called */
static const struct fb_mp_task *own_task[5]; /* the runtime's; ends with a NULL */

void fb_mp_registry_set(const struct fb_mp_task *table)
{
    tasks = table;
}

void fb_mp_registry_add(const struct fb_mp_task *task)
{
    size_t count = 0;
    while (own_task[count])
        count++;
    if (count + 1 == sizeof own_task / sizeof *own_task)
        abort(); /* the array is too short for the runtime's tasks */
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

int fb_mp_registry_index_of_run(fb_mp_run run, uintptr_t *ret_index)
{
    for (*ret_index = 0; tasks && tasks[*ret_index].name; ++*ret_index)
        if (tasks[*ret_index].run == run)
            return 0;
    return tasks ? -ENOENT : -ENOSYS;
}

int fb_mp_registry_index_of_function(fb_mp_function function, uintptr_t *ret_index)
{
    for (*ret_index = 0; tasks && tasks[*ret_index].name; ++*ret_index)
        if (tasks[*ret_index].function == function)
            return 0;
    return tasks ? -ENOENT : -ENOSYS;
}

const struct fb_mp_task *fb_mp_registry_at(uintptr_t index)
{
    return &tasks[index];
}
