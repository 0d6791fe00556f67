/* Pools in processes of their own, in which calls to the C library fail (injected.h). */
#ifndef TEST_FAILING_POOL_H
#define TEST_FAILING_POOL_H

#include "harness/mp/pool/map.h"

#include <stdatomic.h>
#include <stdint.h>

#define LIMIT (LIMIT_MS * FB_MP_MILLISECOND)

extern struct failing_pool_page {
    _Atomic uint32_t begun, ended, gate, failed; /* failed: calls */
} * failing_pool_page;                           /* in shared memory */

/* For main: makes the shared page. */
void starved_begin(void);

/* Runs it in a process of its own, with &what, which must return 0 before LIMIT_MS passed. */
void trial_run(int (*body)(void *context), unsigned what);
/* In that process, first and last: nothing must be left behind in between. */
void trial_begin(void);
void trial_end(void);

void disarm(void);

/* Takes all blocks of that size that the heap can give without growing. */
void **fill_heap(size_t size);
void empty_heap(void **filled);

struct fb_mp_pool *opened(unsigned workers);
struct fb_mp_future *handed_in(struct fb_mp_pool *pool, fb_mp_function function);

/* Frees it. It brings what echo_argument does: 0; or what it failed with, of which there must be a text. */
int outcome(struct fb_mp_future *future);

/* ---- what workers do ---- */

int echo_argument(struct fb_mp_call *call);
/* Waits until the gate is open. */
int hold(struct fb_mp_call *call);
void open_gate(void);

#endif
