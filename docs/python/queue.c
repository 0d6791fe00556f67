/* queue = Queue(maxsize=2)                 A queue with an end marker.
 * def produce():
 *     for number in (1, 2, 3): queue.put(number)
 *     queue.put(None)
 * while (number := queue.get(timeout=10)) is not None: total += number
 */
#include "harness/mp/process/process.h"
#include "harness/mp/channel/queue.h"

#include <errno.h>
#include <stdio.h>

static int produce(const void *argument, size_t size)
{
    struct fb_mp_queue *queue = *(struct fb_mp_queue *const *)argument;
    (void)size;
    for (int number = 1; number <= 3; number++)
        if (fb_mp_queue_put(queue, &number, sizeof number, FB_MP_FOREVER) < 0)
            return 1;
    return fb_mp_queue_put_end(queue, FB_MP_FOREVER) < 0;
}

int main(void)
{
    struct fb_mp_queue *queue;
    struct fb_mp_process *producer;
    struct fb_error error;
    int number, total = 0, result;
    size_t size;
    if (fb_mp_queue_make(2, &queue) < 0)
        return 1;
    const struct fb_mp_process_options options = { .run = produce,
                                                   .argument = &queue,
                                                   .size = sizeof queue };
    if (fb_mp_process_start(&options, &producer, &error) < 0)
        return 1;
    while ((result = fb_mp_queue_get(queue, &number, sizeof number, 10 * FB_MP_SECOND, &size)) == 0)
        total += number;
    fb_mp_process_join(producer, FB_MP_FOREVER);
    fb_mp_process_close(producer);
    fb_mp_queue_free(queue);
    printf("%d\n", total);
    return result != -ENODATA || total != 6;
}
