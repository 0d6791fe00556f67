/* A worker is killed. In Python, Pool.map never returns, and an executor stays broken
 * (BrokenProcessPool). Here the task fails with an error that says what happened, or is run again
 * (.retries), and the pool goes on. A task that takes too long is terminated (.limit_ns), which
 * Python can't do.
 */
#include "harness/mp/pool/pool.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static int crash(struct fb_mp_call *call)
{
    (void)call;
    return kill(getpid(), SIGSEGV);
}

static int sleep_long(struct fb_mp_call *call)
{
    (void)call;
    return (int)sleep(1000);
}

int main(void)
{
    FB_MP_POOL_SCOPED(pool) = NULL;
    const struct fb_mp_task_options limited = { .limit_ns = 100 * FB_MP_MILLISECOND };
    struct fb_mp_future *crashed, *late;
    struct fb_error why = { 0 }, how = { 0 };
    if (fb_mp_pool_open(&(struct fb_mp_pool_options){ .workers = 2 }, &pool, &why) < 0 ||
        fb_mp_submit(pool, crash, NULL, 0, NULL, &crashed) < 0 ||
        fb_mp_submit(pool, sleep_long, NULL, 0, &limited, &late) < 0)
        return 1;
    int first = fb_mp_future_result(crashed, FB_MP_FOREVER, NULL, NULL, &why);
    int second = fb_mp_future_result(late, FB_MP_FOREVER, NULL, NULL, &how);
    printf("%s\n%s\n", why.text, how.text);
    fb_mp_future_free(crashed);
    fb_mp_future_free(late);
    return first != -EOWNERDEAD || second != -ETIMEDOUT;
}
