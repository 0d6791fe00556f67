/* How much memory a forked child has of its own, after reading and after writing. */
#include "demos/lesson/lesson.h"

#include "harness/mp/sync/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BYTES ((size_t)32 << 20)
#define PAGE 4096

static unsigned char *memory;

/* Of this process alone, in MiB. */
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
    struct fb_mp_array *told;
    lesson_need(FB_MP_ARRAY(double, 2, false, &told), "make an array");
    memory = malloc(BYTES);
    lesson_need(memory ? 0 : -ENOMEM, "take memory");
    memset(memory, 1, BYTES);
    if (lesson_is_broken()) { /* no child: then there is nobody to share with */
        read_and_write(&told, sizeof told);
    } else {
        lesson_start(read_and_write, &told, sizeof told);
        lesson_join_all();
    }
    const double *mib = told->items;
    lesson_bars("MiB of its own", 2,
                (const char *const[]){ "a child that has read 32 MiB", "... and written to them" },
                mib);
    lesson_fact(mib[0] < 16, "a forked child that only reads shares its parent's memory");
    lesson_fact(mib[1] > 30, "of what it writes to, it gets a copy");
    free(memory);
    fb_mp_array_free(told);
}

int main(int argc, char **argv)
{
    static const struct lesson lesson = {
        .name = "copy_on_write",
        .title = "Copy on write",
        .rows = "M13",
        .question = "A process with 32 MiB of data forks a child, which reads all of it. How "
                    "much memory does the child take for itself?",
        .choices = { "another 32 MiB", "hardly any", "half of it" },
        .answer = 'b',
        .explains = "Fork copies the tables of pages, not the pages: parent and child have the "
                    "same ones, marked read-only. The first who writes to a page gets a copy of "
                    "that page, and only of "
                    "that. So many workers can read a big table that was loaded before the "
                    "fork, at the price of one. (In Python even reading writes: every object "
                    "counts its references. Large arrays and bytes are safe.)",
        .next = "Write to every tenth page only. Watch Pss in /proc/PID/smaps_rollup: there "
                "shared pages are divided among those who share them.",
        .breaks = "there is no child: the program reads and writes its own memory.",
        .run = run,
    };
    return lesson_main(argc, argv, &lesson, NULL);
}
