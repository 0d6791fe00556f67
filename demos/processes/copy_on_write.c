/* How much private memory a forked child has, after reading its parent's data and after writing to it. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES ((size_t)32 << 20)
#define PAGE 4096

static unsigned char *memory;

/* The private memory of this process, in MiB. */
static double own_mib(void)
{
    char line[200];
    unsigned long kib, sum = 0;
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    while (file && fgets(line, sizeof line, file))
        if (sscanf(line, "Private_Dirty: %lu", &kib) == 1 ||
            sscanf(line, "Private_Clean: %lu", &kib) == 1)
            sum += kib;
    lesson_need(file ? 0 : -ENOTSUP, "read /proc/self/smaps_rollup");
    fclose(file);
    return (double)sum / 1024;
}

static int read_and_write(const void *argument, size_t size)
{
    double *mib = (*(struct fb_mp_array *const *)argument)->items;
    unsigned sum = 0;
    (void)size;
    for (size_t i = 0; i < BYTES; i += PAGE)
        sum += memory[i];
    mib[0] = own_mib();
    for (size_t i = 0; i < BYTES; i += PAGE)
        memory[i] = (unsigned char)sum;
    mib[1] = own_mib();
    return 0;
}

static void run(void)
{
    struct fb_mp_array *shared;
    lesson_need(FB_MP_ARRAY(double, 2, false, &shared), "make an array");
    memory = malloc(BYTES);
    lesson_need(memory ? 0 : -ENOMEM, "take memory");
    memset(memory, 1, BYTES);
    if (lesson_is_broken()) { /* without a child, no memory is shared */
        read_and_write(&shared, sizeof shared);
    } else {
        lesson_start(read_and_write, &shared, sizeof shared);
        lesson_join_all();
    }
    const double *mib = shared->items;
    lesson_bars("MiB of private memory", 2,
                (const char *const[]){ "a child that has read 32 MiB", "... and written to it" },
                mib);
    lesson_fact(mib[0] < 16, "a forked child that only reads shares its parent's memory");
    lesson_fact(mib[1] > 30, "it gets its own copy of the memory that it writes to");
    free(memory);
    fb_mp_array_free(shared);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "copy_on_write",
        .title = "Copy on write",
        .rows = "M13",
        .question = "A process with 32 MiB of data forks a child, which reads all of it. How much "
                    "additional memory does the child need?",
        .choices = { "another 32 MiB", "hardly any", "16 MiB" },
        .answer = 'b',
        .explains =
            "Fork copies the page tables, not the pages: parent and child use the same pages, "
            "marked read-only. The first process that writes to a page gets a copy of that one "
            "page. So if a big table is loaded before the fork, any number of workers can read it, "
            "and it is in memory only once. (In Python, even reading writes, because every object "
            "counts its references. The contents of large arrays and bytes objects stay shared.)",
        .next = "Write to every tenth page only. Watch Pss in /proc/PID/smaps_rollup: it divides "
                "each shared page among the processes that share it.",
        .breaks = "there is no child: the program reads and writes its own memory.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
