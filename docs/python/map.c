/* with Pool(4) as pool:                    map: results in the order of the items.
 *     print(pool.map(square, range(10)))
 */
#include "harness/mp/pool/map.h"

#include <stdio.h>
#include <string.h>

static int square(struct fb_mp_call *call)
{
    int number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

int main(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    struct fb_error error;
    int number[10], result[10];
    for (int i = 0; i < 10; i++)
        number[i] = i;
    if (fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 4 }, &pool, &error) < 0 ||
        fb_mp_map(pool, square, number, 10, sizeof *number, result, sizeof *result, NULL, &error) <
            0) {
        fprintf(stderr, "%s\n", error.text);
        return 1;
    }
    for (int i = 0; i < 10; i++)
        printf("%d%s", result[i], i < 9 ? " " : "\n");
    return result[9] != 81;
}
