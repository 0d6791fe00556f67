/* A queue and what its processes need to know, for tests of queues. */
#ifndef TEST_QUEUE_FIXTURE_H
#define TEST_QUEUE_FIXTURE_H

#include "tests/mp/process_fixture.h"
#include "tests/support/support.h"

#include "harness/mp/channel/queue.h"

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)

/* In shared memory, so that spawned ones find it too. */
struct queue_page {
    struct fb_mp_queue *queue;
    _Atomic uint32_t ready, go;
    _Atomic uint64_t count, sum;
};

extern struct queue_page *queue_page;

void queue_page_make(size_t capacity);
/* Fails the test if anything of the heap is left then. */
void desk_drop(void);

/* Starts a process, which calls desk_find with its argument first. */
struct fb_mp_process *desk_start(fb_mp_run run, enum fb_mp_method method);
void desk_find(const void *argument);

/* ---- messages ---- */

/* Bytes of which each size has its own. */
void fill(unsigned char *bytes, size_t size);
bool is_filled(const unsigned char *bytes, size_t size);

int desk_put(uint64_t number, int64_t timeout_ns);
/* Gets this number, and nothing else. */
void desk_expect(uint64_t number);
/* What a get that looks once says. */
int desk_look(void);

#endif
