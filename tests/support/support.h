/* Used by every test program: leak checks, arenas, jobs, limits. */
#ifndef TEST_SUPPORT_H
#define TEST_SUPPORT_H

/* cmocka.h needs these before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness/harness.h"

#include <stdbool.h>

/* The exit code of a test program that can't run on this machine. */
#define EXIT_SKIP 77

/* A count that is smaller under a sanitizer, where everything takes ten times as long. */
#if defined __SANITIZE_ADDRESS__ || defined __SANITIZE_THREAD__
#define AS_MANY_AS(plain, sanitized) (sanitized)
#else
#define AS_MANY_AS(plain, sanitized) (plain)
#endif

/* More workers than any machine of ours has CPUs. */
#define MANY_WORKERS AS_MANY_AS(200u, 40u)

/* A limit that only a hang reaches, on any machine. */
#define LIMIT_MS 60000u
#define LIMIT_NS (LIMIT_MS * INT64_C(1000000))

/* ---- leaks ---- */

/* Open descriptors of this process, except the runtime heap's, which stays open. */
unsigned descriptors_open(void);

/* Whether more descriptors are open than `before`, or a child process is left, running or zombie; text
 * says which. Stops the fork server. */
bool leaks_found(unsigned before, char *text, size_t size);

/* Group set-up and teardown: a group of tests that leaves something behind fails. */
int group_begin(void **state);
int group_end(void **state);
/* cmocka prints that a group's teardown failed, but doesn't count it as a failure. */
int group_result(int failed);
#define RUN_TESTS(tests) group_result(cmocka_run_group_tests(tests, group_begin, group_end))

/* ---- memory ---- */

/* A test's arena, between its set-up and its teardown. */
extern struct fb_arena *arena;
int open_arena(void **state);
int close_arena(void **state);
#define WITH_ARENA(test) cmocka_unit_test_setup_teardown(test, open_arena, close_arena)

/* ---- jobs ---- */

/* A kernel with its parameters, its input, and room for its results in an arena. */
struct task {
    const struct fb_kernel *kernel;
    struct fb_params params;
    struct fb_input *input;
    struct fb_job job; /* chunk 0, static */
};

/* assignments end with NULL. Fails the test if one of them is refused. */
void task_open(struct task *task, struct fb_arena *arena, const struct fb_kernel *kernel,
               const char *const *assignments);
void task_close(struct task *task);

/* Zeroes the results, so that a job that does nothing doesn't pass with the results of the job before it. */
void task_forget(struct task *task);

/* Runs the task under `single`. Uses a few bytes of the arena. */
void task_run_single(struct task *task, struct fb_arena *arena);

uint64_t task_digest(const struct task *task);
/* The kernel's check of the results: 0 or a negative errno. */
int task_check(const struct task *task, struct fb_error *error);

/* Makes a file in memory. Returns its descriptor, which the caller closes; ret_path is its path for this
 * process and its children. Fails the test if it can't be made. */
int memory_file(const void *bytes, size_t size, char *ret_path, size_t room);

/* The kernel or harness of that name. Fails the test if there is none. */
const struct fb_kernel *kernel_named(const char *name);
const struct fb_harness *harness_named(const char *name);

/* Whether the harness sends chunks to its workers and copies results back. Then any free worker gets the next
 * chunk, with the static schedule too, and a worker without a chunk reports nothing. */
bool harness_sends(const struct fb_harness *harness);

/* Opens a pool. Fails the test if it can't be opened. */
struct fb_pool *pool_open(const struct fb_harness *harness, struct fb_arena *arena,
                          unsigned workers);

/* ---- waiting ---- */

/* CLOCK_MONOTONIC in ms; only for limits. */
uint64_t clock_ms(void);

/* Yields the CPU until *word is at least value. Returns false after LIMIT_MS. */
bool wait_for(const _Atomic uint32_t *word, uint32_t value);

#endif
