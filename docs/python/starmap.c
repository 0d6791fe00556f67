/* pool.starmap(add, zip(first, second))    starmap: several arguments.
 * pool.map(partial(scale, 3), first)       partial: some arguments are bound.
 */
#include "harness/mp/pool/map.h"

#include <stdio.h>
#include <string.h>

static int add(struct fb_mp_call *call)
{
    int number[2];
    memcpy(number, call->argument, sizeof number);
    number[0] += number[1];
    return fb_mp_return(call, number, sizeof *number);
}

static int scale(struct fb_mp_call *call)
{
    int number = *(const int *)call->bound * *(const int *)call->argument;
    return fb_mp_return(call, &number, sizeof number);
}

int main(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    const int first[] = { 1, 2, 3 }, second[] = { 10, 20, 30 }, factor = 3;
    const struct fb_mp_column columns[] = { { first, sizeof *first }, { second, sizeof *second } };
    const struct fb_mp_map_options partial = { .bound = &factor, .bound_size = sizeof factor };
    int sum[3], product[3];
    if (fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error) < 0 ||
        fb_mp_starmap(pool, add, columns, 2, 3, sum, sizeof *sum, NULL, &error) < 0 ||
        fb_mp_map(pool, scale, first, 3, sizeof *first, product, sizeof *product, &partial,
                  &error) < 0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    printf("%d %d %d, %d %d %d\n", sum[0], sum[1], sum[2], product[0], product[1], product[2]);
    return sum[2] != 33 || product[2] != 9;
}
