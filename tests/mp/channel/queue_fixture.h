/* A queue and a shared page for its processes, for tests of queues. */
#ifndef TEST_QUEUE_FIXTURE_H
#define TEST_QUEUE_FIXTURE_H

#include "tests/mp/process_fixture.h"
#include "tests/support/support.h"

#include "harness/mp/channel/queue.h"

/* In shared memory, so that spawned processes find it too. */
struct queue_page {
    struct fb_mp_queue *queue;
    _Atomic uint32_t ready, go;
    _Atomic uint64_t count, sum;
};

extern struct queue_page *queue_page;

void queue_page_make(size_t capacity);
/* Fails the test if any memory of the heap is still allocated afterwards. */
void queue_page_free(void);

/* Starts a process. It first calls queue_page_find with its argument. */
struct fb_mp_process *start_on_page(fb_mp_run run, enum fb_mp_method method);
void queue_page_find(const void *argument);

/* ---- messages ---- */

/* Fills in bytes that differ for each size. */
void fill(unsigned char *bytes, size_t size);
bool is_filled(const unsigned char *bytes, size_t size);

int put_number(uint64_t number, int64_t timeout_ns);
/* Gets a message, which has to be this number. */
void expect_number(uint64_t number);
/* The result of a get that tries once. */
int try_get(void);

#endif
