#include "tests/support/support.h"

#include "harness/mp/core/heap.h"
#include "harness/mp/pool/pool.h"

#include <dirent.h>
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* ---- leaks ---- */

unsigned descriptors_open(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;
    if (!folder)
        return 0;
    while (readdir(folder))
        count++;
    closedir(folder);
    count -= 3; /* ".", ".." and the folder itself */
    return count - (fb_mp_heap_place().fd >= 0);
}

bool leaks_found(unsigned before, char *text, size_t size)
{
    fb_mp_forkserver_stop(); /* it stays for the next pool */
    unsigned now = descriptors_open();
    if (now > before) {
        snprintf(text, size, "%u descriptors are open, %u were", now, before);
        return true;
    }
    siginfo_t child = { 0 };
    /* Looks without reaping: a child that still runs is found as well as a zombie. */
    if (waitid(P_ALL, 0, &child, WEXITED | WNOHANG | WNOWAIT) == 0) {
        snprintf(text, size, "a child process is left (%s)", child.si_pid ? "a zombie" : "running");
        return true;
    }
    return false;
}

static unsigned descriptors_before;
static bool leaked;

int group_begin(void **state)
{
    (void)state;
    descriptors_before = descriptors_open();
    return 0;
}

int group_end(void **state)
{
    (void)state;
    char text[120];
    leaked = leaks_found(descriptors_before, text, sizeof text);
    if (leaked)
        print_error("leaked: %s\n", text);
    return leaked ? -1 : 0;
}

int group_result(int failed)
{
    return failed != 0 || leaked;
}

/* ---- memory ---- */

struct fb_arena *arena;

int open_arena(void **state)
{
    (void)state;
    return fb_arena_open(&arena);
}

int close_arena(void **state)
{
    (void)state;
    fb_arena_close(arena);
    return 0;
}

/* ---- jobs ---- */

void task_open(struct task *task, struct fb_arena *arena, const struct fb_kernel *kernel,
               const char *const *assignments)
{
    struct fb_error error = { 0 };
    *task = (struct task){ .kernel = kernel };
    assert_int_equal(fb_params_init(&task->params, kernel), 0);
    if (kernel->served_param) /* no server; a test that has one sets its own url */
        fb_params_set(&task->params, "url=http://127.0.0.1:1", &error);
    for (; *assignments; assignments++)
        if (fb_params_set(&task->params, *assignments, &error) < 0)
            fail_msg("%s", error.text);
    if (kernel->setup(&task->params, arena, &task->input, &error) < 0)
        fail_msg("%s", error.text);
    size_t items = kernel->items(task->input);
    task->job = (struct fb_job){
        .kernel = kernel,
        .params = &task->params,
        .input = task->input,
        .results = fb_arena_alloc(arena, items * kernel->result_size),
        .items = items,
    };
    assert_non_null(task->job.results);
}

void task_close(struct task *task)
{
    if (task->kernel->teardown)
        task->kernel->teardown(task->input);
    fb_params_clear(&task->params);
}

void task_forget(struct task *task)
{
    memset(task->job.results, 0, task->job.items * task->kernel->result_size);
}

void task_run_single(struct task *task, struct fb_arena *arena)
{
    const struct fb_harness *single = harness_named("single");
    struct fb_pool *pool = pool_open(single, arena, 1);
    struct fb_error error = { 0 };
    task_forget(task);
    int result = single->run(pool, &task->job, NULL, &error);
    single->close(pool);
    if (result < 0)
        fail_msg("%s", error.text);
}

uint64_t task_digest(const struct task *task)
{
    return task->kernel->digest(task->input, task->job.results);
}

int task_check(const struct task *task, struct fb_error *error)
{
    return task->kernel->check(task->input, task->job.results, error);
}

int memory_file(const void *bytes, size_t size, char *ret_path, size_t room)
{
    int fd = memfd_create("forkbench-test", 0);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, bytes, size), (ssize_t)size);
    snprintf(ret_path, room, "/proc/self/fd/%d", fd);
    return fd;
}

const struct fb_kernel *kernel_named(const char *name)
{
    const struct fb_kernel *kernel = fb_kernel_find(name);
    assert_non_null(kernel);
    return kernel;
}

const struct fb_harness *harness_named(const char *name)
{
    const char *variant;
    const struct fb_harness *harness = fb_harness_find(name, &variant);
    assert_non_null(harness);
    return harness;
}

bool harness_sends(const struct fb_harness *harness)
{
    return strcmp(harness->name, "forkpipe") == 0;
}

struct fb_pool *pool_open(const struct fb_harness *harness, struct fb_arena *arena,
                          unsigned workers)
{
    struct fb_setting setting = {
        .arena = arena,
        .workers = workers,
        .switch_interval_ns = 5000000,
    };
    struct fb_error error = { 0 };
    struct fb_pool *pool = NULL;
    if (harness->open(&setting, &pool, &error) < 0)
        fail_msg("%s", error.text);
    assert_non_null(pool);
    return pool;
}

/* ---- waiting ---- */

uint64_t clock_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000u + (uint64_t)now.tv_nsec / 1000000u;
}

bool wait_for(const _Atomic uint32_t *word, uint32_t value)
{
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (atomic_load(word) >= value)
            return true;
    return false;
}
