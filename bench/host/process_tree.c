#include "bench/host/process_tree.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Called for each thread, or for each process, with its folder in /proc. */
typedef void (*visit)(const char *folder, void *context);

struct walk {
    visit thread, process;
    void *context;
    bool complete; /* false: the kernel does not list children */
};

static void walk_process(struct walk *walk, long pid);

/* The processes that this thread created. */
static void walk_children(struct walk *walk, const char *thread)
{
    char path[96];
    long pid;
    snprintf(path, sizeof path, "%s/children", thread);
    FILE *file = fopen(path, "re");
    if (!file) {
        walk->complete &= access(thread, F_OK) < 0; /* still complete if the thread has ended */
        return;
    }
    while (fscanf(file, "%ld", &pid) == 1)
        walk_process(walk, pid);
    fclose(file);
}

static void walk_process(struct walk *walk, long pid)
{
    char folder[48], thread[80];
    struct dirent *entry;
    snprintf(folder, sizeof folder, "/proc/%ld", pid);
    if (walk->process)
        walk->process(folder, walk->context);
    snprintf(folder, sizeof folder, "/proc/%ld/task", pid);
    DIR *threads = opendir(folder);
    while (threads && (entry = readdir(threads))) {
        if (entry->d_name[0] == '.')
            continue;
        snprintf(thread, sizeof thread, "%s/%.20s", folder, entry->d_name);
        if (walk->thread)
            walk->thread(thread, walk->context);
        walk_children(walk, thread);
    }
    if (threads)
        closedir(threads);
}

/* ---- threads ---- */

/* The first two numbers of schedstat are the CPU time and the time on a run queue. */
static void read_schedule(const char *thread, struct fb_process_tree *sum)
{
    char path[112];
    long long cpu, waiting;
    snprintf(path, sizeof path, "%s/schedstat", thread);
    FILE *file = fopen(path, "re");
    if (file && fscanf(file, "%lld %lld", &cpu, &waiting) == 2) {
        sum->cpu_ns.value += cpu;
        sum->waiting_ns.value += waiting;
    } else if (access(thread, F_OK) == 0) {
        sum->cpu_ns = sum->waiting_ns = fb_optional_missing("no schedstat in /proc");
    }
    if (file)
        fclose(file);
}

static void read_switches(const char *thread, struct fb_process_tree *sum)
{
    char path[112], line[256];
    long long count = -1;
    snprintf(path, sizeof path, "%s/status", thread);
    FILE *file = fopen(path, "re");
    while (file && count < 0 && fgets(line, sizeof line, file))
        sscanf(line, "nonvoluntary_ctxt_switches: %lld", &count);
    if (count >= 0)
        sum->involuntary_switches.value += count;
    else if (access(thread, F_OK) == 0)
        sum->involuntary_switches = fb_optional_missing("not in /proc/PID/status");
    if (file)
        fclose(file);
}

static void visit_thread(const char *folder, void *context)
{
    struct fb_process_tree *sum = context;
    if (sum->cpu_ns.known)
        read_schedule(folder, sum);
    if (sum->involuntary_switches.known)
        read_switches(folder, sum);
}

#define NO_CHILDREN "the kernel was built without CONFIG_PROC_CHILDREN"

void fb_process_tree_read(struct fb_process_tree *ret_tree)
{
    struct walk walk = { .thread = visit_thread, .context = ret_tree, .complete = true };
    ret_tree->cpu_ns = ret_tree->waiting_ns = fb_optional_of(0);
    ret_tree->involuntary_switches = fb_optional_of(0);
    walk_process(&walk, getpid());
    if (!walk.complete) {
        ret_tree->cpu_ns = ret_tree->waiting_ns = fb_optional_missing(NO_CHILDREN);
        ret_tree->involuntary_switches = ret_tree->cpu_ns;
    }
}

/* ---- memory ---- */

static void visit_process(const char *folder, void *context)
{
    struct fb_memory *sum = context;
    char path[64], line[128];
    long long kib;
    snprintf(path, sizeof path, "%s/smaps_rollup", folder);
    FILE *file = fopen(path, "re");
    if (!file) {
        int code = errno;
        /* ESRCH: it is a zombie, which has no memory. */
        if (code != ESRCH && access(folder, F_OK) == 0 && sum->pss_bytes.known)
            sum->pss_bytes = sum->uss_bytes =
                fb_optional_missing("/proc/PID/smaps_rollup: %s", strerror(code));
        return;
    }
    while (fgets(line, sizeof line, file)) {
        if (sscanf(line, "Pss: %lld kB", &kib) == 1) {
            sum->processes.value++;
            sum->pss_bytes.value += kib * 1024;
        }
        if (sscanf(line, "Private_Clean: %lld kB", &kib) == 1 ||
            sscanf(line, "Private_Dirty: %lld kB", &kib) == 1)
            sum->uss_bytes.value += kib * 1024;
    }
    fclose(file);
}

void fb_memory_read(struct fb_memory *ret_memory)
{
    struct walk walk = { .process = visit_process, .context = ret_memory, .complete = true };
    ret_memory->processes = ret_memory->pss_bytes = ret_memory->uss_bytes = fb_optional_of(0);
    walk_process(&walk, getpid());
    if (!walk.complete)
        ret_memory->processes = ret_memory->pss_bytes = ret_memory->uss_bytes =
            fb_optional_missing(NO_CHILDREN);
}
