/* with Manager() as manager:               A list in a server process.
 *     items = manager.list()
 *     Process(target=append, args=(items,)).start()
 */
#include "harness/mp/manager/manager.h"

#include <stdio.h>

static struct fb_mp_proxy *items;

static int append(const void *argument, size_t size)
{
    (void)argument, (void)size;
    return fb_mp_list_append(items, fb_mp_integer(42)) < 0;
}

int main(void)
{
    struct fb_mp_manager *manager;
    struct fb_mp_process *process;
    struct fb_mp_object value = fb_mp_nil();
    struct fb_error error;
    if (fb_mp_manager_start(FB_MP_FORK, &manager, &error) < 0 ||
        fb_mp_list_make(manager, &items) < 0 ||
        fb_mp_process_start(&(struct fb_mp_process_options){ .run = append }, &process, &error) <
            0 ||
        fb_mp_process_join(process, FB_MP_FOREVER) < 0 || fb_mp_list_get(items, -1, &value) < 0)
        return 1;
    printf("%lld\n", (long long)value.integer);
    fb_mp_process_close(process);
    fb_mp_proxy_close(items);
    fb_mp_manager_close(manager);
    return value.integer != 42;
}
