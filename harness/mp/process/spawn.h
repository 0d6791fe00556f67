/* Spawning: starting this program anew to run one task. */
#ifndef FB_MP_SPAWN_H
#define FB_MP_SPAWN_H

#include "harness/mp/process/process.h"

/* Starts a process called name. 0 and *ret_pid, or a negative errno with *error. */
int fb_mp_spawn_start(const struct fb_mp_process_options *options, const char *name, pid_t *ret_pid,
                      struct fb_error *error);

/* This process's environment, with setting ("NAME=VALUE") in place of any other value of NAME.
 * Returns an array for the caller to free, but not its strings; NULL if there is no memory. */
char **fb_mp_spawn_environment(const char *setting);

#endif
