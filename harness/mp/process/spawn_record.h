/* What a spawned image finds: the record of its task, and descriptors. */
#ifndef FB_MP_SPAWN_RECORD_H
#define FB_MP_SPAWN_RECORD_H

#include "harness/mp/core/heap.h"
#include "harness/mp/core/self.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The descriptors that an image finds: the record, and the heap's file if there is a heap. */
#define RECORD_FD 3
#define HEAP_FD 4
#define FIRST_FD 5 /* from here on those that it was to be given */
#define MAGIC 0x66626d70
#define VARIABLE "FB_MP_SPAWNED"
#define TRIES_MOST 16

struct record {
    _Alignas(64) uint32_t magic;
    pid_t parent;
    bool has_heap;
    struct fb_mp_heap_place heap;
    char task[FB_MP_NAME], name[FB_MP_NAME];
    size_t fds;
    size_t size; /* bytes of the argument, which follow */
};

#endif
