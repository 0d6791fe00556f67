/* The machine that results were measured on, without its host name. */
#ifndef FB_MACHINE_H
#define FB_MACHINE_H

#include "base/cpus.h"
#include "harness/worker/topology.h"

#include <jansson.h>

struct fb_machine {
    char cpu[128];   /* the CPU's model */
    char kernel[96]; /* "Linux 6.1.0" */
    char utc[24];    /* now: "2026-01-31T12:34:56Z" */
    char stamp[20];  /* the same for a file's name: "20260131T123456Z" */
    unsigned long memory_mib;
    struct fb_cpus cpus;
    struct fb_topology topology; /* threads 0: it can't be read */
};

void fb_machine_read(struct fb_machine *ret_machine);
json_t *fb_machine_json(const struct fb_machine *machine);

#endif
