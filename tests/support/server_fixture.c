#include "tests/support/support.h"

#include "tests/support/server_fixture.h"

#include "tests/support/fork_child.h"

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>

struct fb_arena *serving_arena;
struct fb_server serving;

int serving_begin(void **state)
{
    (void)state;
    struct fb_error error;
    if (fb_server_start(&serving, &error) < 0) {
        print_error("%s\n", error.text);
        return -1;
    }
    return fb_arena_open(&serving_arena);
}

int serving_end(void **state)
{
    (void)state;
    fb_arena_close(serving_arena);
    fb_server_end(&serving);
    return 0;
}

void serving_task(struct task *task, const char *count, const char *bytes, const char *latency_us)
{
    char text[4][100];
    snprintf(text[0], sizeof text[0], "url=%s", serving.url);
    snprintf(text[1], sizeof text[1], "count=%s", count);
    snprintf(text[2], sizeof text[2], "bytes=%s", bytes);
    snprintf(text[3], sizeof text[3], "latency_us=%s", latency_us);
    task_open(task, serving_arena, kernel_named("download"),
              (const char *const[]){ text[0], text[1], text[2], text[3], NULL });
}

/* Each connection has a thread, besides the main thread and the one that accepts. */
static unsigned connections_now(void)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/%d/task", (int)serving.child.pid);
    DIR *folder = opendir(path);
    unsigned threads = 0;
    if (!folder)
        return 0;
    for (struct dirent *entry; (entry = readdir(folder));)
        threads += entry->d_name[0] != '.';
    closedir(folder);
    return threads > 2 ? threads - 2 : 0;
}

static int kill_at(void *context)
{
    const unsigned *connections = context;
    for (uint64_t limit = clock_ms() + LIMIT_MS; clock_ms() < limit; sched_yield())
        if (connections_now() >= *connections)
            return kill(serving.child.pid, SIGKILL);
    kill(serving.child.pid, SIGKILL);
    return 1;
}

pid_t serving_kill_at(unsigned connections)
{
    return forked_run(kill_at, &connections);
}
