/* What the test programs share. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

/* cmocka.h wants these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/harness.h"

#include <stdbool.h>

/* What a test program returns when it can't run on this machine. */
#define EXIT_SKIP 77

/* How many of something there are to be: fewer under a sanitizer, where each takes ten times as
 * long. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define AS_MANY_AS(plain, sanitized) (sanitized)
#else
#define AS_MANY_AS(plain, sanitized) (plain)
#endif

/* So many workers are many. */
#define MANY_WORKERS AS_MANY_AS(200u, 40u)

/* A limit that only a hang reaches, on any machine. */
#define LIMIT_MS 60000u

/* ---- leaks ---- */

/* Open descriptors of this process, without that of the runtime's heap, which it keeps. */
unsigned descriptors_open(void);

/* Whether more descriptors are open than `before`, or a child process is left, dead or alive; text
 * says what. Ends the runtime's helper. */
bool leaks_found(unsigned before, char *text, size_t size);

/* Group set-up and teardown: what a group of tests leaves behind fails it. */
int group_begin(void **state);
int group_end(void **state);
/* cmocka prints that a group's teardown failed, but does not count it. */
int group_result(int failed);
#define RUN_TESTS(tests) group_result(cmocka_run_group_tests(tests, group_begin, group_end))

/* ---- memory ---- */

/* A test's arena, between its set-up and its teardown. */
extern struct fb_arena *arena;
int open_arena(void **state);
int close_arena(void **state);
#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

/* ---- jobs ---- */

/* A kernel with its parameters, its input and room for its results in somebody's arena. */
struct task {
    const struct fb_kernel *kernel;
    struct fb_params params;
    struct fb_input *input;
    struct fb_job job; /* chunk 0, static */
};

/* assignments end with NULL. Fails the test when anything is refused. */
void task_open(struct task *task, struct fb_arena *arena, const struct fb_kernel *kernel,
               const char *const *assignments);
void task_close(struct task *task);

/* Forgets the results, so that a job which does nothing can't pass for the one before it. */
void task_forget(struct task *task);

/* Runs the task under `single`, which takes a few bytes of arena. */
void task_run_single(struct task *task, struct fb_arena *arena);

uint64_t task_digest(const struct task *task);
/* What check says of the results: 0 or a negative errno. */
int task_check(const struct task *task, struct fb_error *error);

/* A file in memory, with a path for this process and its children: its descriptor, the caller's; fails
 * the test when there can be none. */
int memory_file(const void *bytes, size_t size, char *ret_path, size_t room);

/* The kernel, or harness, of that name; fails the test where there is none. */
const struct fb_kernel *kernel_named(const char *name);
const struct fb_harness *harness_named(const char *name);

/* Whether chunks are sent to its workers and results copied back: whoever is free gets a chunk, a
 * static one too, and who gets none has nothing to report. */
bool harness_sends(const struct fb_harness *harness);

/* Opens a pool and fails the test when that is refused. */
struct fb_pool *pool_open(const struct fb_harness *harness, struct fb_arena *arena,
                          unsigned workers);

/* ---- waiting ---- */

/* CLOCK_MONOTONIC in ms, for limits only. */
uint64_t clock_ms(void);

/* Gives the CPU away until *word is at least value; false when LIMIT_MS passed. */
bool wait_for(const _Atomic uint32_t *word, uint32_t value);

#endif
