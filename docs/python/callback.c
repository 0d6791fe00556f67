/* result = pool.apply_async(square, (7,), callback=keep, error_callback=complain)
 * result.wait(10)                          A callback, and a result with a timeout.
 * print(result.get(timeout=10))
 */
#include "harness/mp/pool/pool.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

static _Atomic int kept;

static int square(struct fb_mp_call *call)
{
    int number;
    memcpy(&number, call->argument, sizeof number);
    number *= number;
    return fb_mp_return(call, &number, sizeof number);
}

/* Called after success and after failure; the result says which. */
static void keep(struct fb_mp_future *future, void *context)
{
    const void *number;
    struct fb_error error;
    (void)context;
    if (fb_mp_future_result(future, 0, &number, NULL, &error) == 0)
        atomic_store(&kept, *(const int *)number);
    else
        fprintf(stderr, "%s\n", error.text);
}

int main(void)
{
    struct fb_mp_pool *pool;
    struct fb_mp_future *future;
    struct fb_error error;
    const void *result;
    const int number = 7;
    if (fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &error) < 0 ||
        fb_mp_submit(pool, square, &number, sizeof number, NULL, &future) < 0 ||
        fb_mp_future_call(future, keep, NULL) < 0 ||
        fb_mp_future_result(future, 10 * FB_MP_SECOND, &result, NULL, &error) < 0)
        return 1;
    printf("%d\n", *(const int *)result);
    fb_mp_future_free(future);
    fb_mp_pool_shutdown(pool, false);
    fb_mp_pool_join(pool, FB_MP_FOREVER);
    fb_mp_pool_close(pool); /* returns after all callbacks have been called */
    return atomic_load(&kept) != 49;
}
