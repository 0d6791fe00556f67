/* Pools in processes in which calls to the C library fail (fault_injection.h). */
#ifndef TEST_FAILING_POOL_H
#define TEST_FAILING_POOL_H

#include "harness/mp/pool/map.h"

#include <stdatomic.h>
#include <stdint.h>

/* Shared by the processes of a test. */
extern struct failing_pool_page {
    _Atomic uint32_t begun, ended, gate; /* for hold() */
    _Atomic uint32_t failed;             /* calls that failed */
} * failing_pool_page;

/* Creates the shared page. Call it in main. */
void failing_pool_begin(void);

/* Runs body(&what) in a process of its own. It must return 0 within LIMIT_MS. */
void trial_run(int (*body)(void *context), unsigned what);
/* First and last call in that process. Between the two, nothing must be leaked. */
void trial_begin(void);
void trial_end(void);

void disarm(void);

/* Allocates all blocks of that size that fit into the heap without growing it; frees them. */
void **fill_heap(size_t size);
void empty_heap(void **filled);

struct fb_mp_pool *open_pool(unsigned workers);
struct fb_mp_future *submit_task(struct fb_mp_pool *pool, fb_mp_function function);

/* Waits for the result, checks it, and frees the future. 0: it is echo_argument's; or the task's error, which
 * must have a text. */
int task_result(struct fb_mp_future *future);

/* ---- what workers do ---- */

int echo_argument(struct fb_mp_call *call);
/* Counts begun, waits until the gate is open, counts ended. */
int hold(struct fb_mp_call *call);
void open_gate(void);

#endif
