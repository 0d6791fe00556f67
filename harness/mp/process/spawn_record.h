/* What a spawned process gets from the process that spawns it: a record of its task, and
 * descriptors. */
#ifndef FB_MP_SPAWN_RECORD_H
#define FB_MP_SPAWN_RECORD_H

#include "harness/mp/core/heap.h"
#include "harness/mp/core/self.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define RECORD_FD 3
#define HEAP_FD 4  /* the heap's file, if there is a heap */
#define FIRST_FD 5 /* the first of those in options->fd */
#define MAGIC 0x66626d70
#define VARIABLE "FB_MP_SPAWNED" /* set in a spawned process: how often it was executed */
#define TRIES_MOST 16

struct record {
    _Alignas(64) uint32_t magic;
    pid_t parent;
    bool has_heap;
    struct fb_mp_heap_place heap;
    char task[FB_MP_NAME], name[FB_MP_NAME];
    size_t fds;
    size_t size; /* bytes of the argument, which follows the record */
};

#endif
