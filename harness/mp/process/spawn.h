/* Spawning: a fresh image of this program that is told what to do. */
#ifndef FB_MP_SPAWN_H
#define FB_MP_SPAWN_H

#include "harness/mp/process/process.h"

/* Starts the image: 0 and *ret_pid, or a negative errno with *error. name: of the process. */
int fb_mp_spawn_start(const struct fb_mp_process_options *options, const char *name, pid_t *ret_pid,
                      struct fb_error *error);

/* This process's environment with a NAME=VALUE more: an array to be freed, whose strings are not;
 * or NULL. */
char **fb_mp_spawn_environment(const char *setting);

#endif
