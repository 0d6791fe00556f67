/* def numbers():                           imap: items are read as they are needed.
 *     yield from range(1, 101)
 *
 * for value in pool.imap(square, numbers(), chunksize=10):
 *     total += value
 */
#include "harness/mp/pool/map.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int square(struct fb_mp_call *call)
{
    int number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

static int next_number(void *context, void *item)
{
    int *next = context;
    if (*next > 100)
        return 0;
    memcpy(item, next, sizeof *next);
    ++*next;
    return 1;
}

int main(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    const struct fb_mp_imap_options options = { .map.chunk = 10 };
    struct fb_mp_imap *imap;
    struct fb_error error;
    const void *value;
    int next = 1, total = 0, result;
    if (fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error) < 0 ||
        fb_mp_imap(pool, square, next_number, &next, sizeof next, sizeof(int), &options, &imap) < 0)
        return 1;
    while ((result = fb_mp_imap_next(imap, FB_MP_FOREVER, &value, NULL, &error)) == 0)
        total += *(const int *)value;
    fb_mp_imap_free(imap);
    printf("%d\n", total);
    return result != -ENODATA || total != 338350;
}
