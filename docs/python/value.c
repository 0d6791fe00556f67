/* counter = Value("i", 0)                  A value with its lock.
 * def count():
 *     for _ in range(10000):
 *         with counter.get_lock(): counter.value += 1
 */
#include "harness/mp/process/process.h"
#include "harness/mp/sync/value.h"

#include <stdio.h>

#define PROCESSES 4

static int count(const void *argument, size_t size)
{
    struct fb_mp_array *counter = *(struct fb_mp_array *const *)argument;
    (void)size;
    for (int i = 0; i < 10000; i++) {
        if (fb_mp_lock_acquire(counter->lock, FB_MP_FOREVER) < 0)
            return 1;
        ++*(int *)counter->items;
        fb_mp_lock_release(counter->lock);
    }
    return 0;
}

int main(void)
{
    struct fb_mp_process *process[PROCESSES];
    struct fb_mp_array *counter;
    struct fb_error error;
    if (FB_MP_VALUE(int, true, &counter) < 0)
        return 1;
    const struct fb_mp_process_options options = { .run = count,
                                                   .argument = &counter,
                                                   .size = sizeof counter };
    for (int i = 0; i < PROCESSES; i++)
        if (fb_mp_process_start(&options, &process[i], &error) < 0)
            return 1;
    for (int i = 0; i < PROCESSES; i++) {
        fb_mp_process_join(process[i], FB_MP_FOREVER);
        fb_mp_process_close(process[i]);
    }
    int total = *(int *)counter->items;
    fb_mp_array_free(counter);
    printf("%d\n", total);
    return total != 40000;
}
