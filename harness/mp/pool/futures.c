/* Waiting for several futures. Each future has a link to the completion that waits for it; the
 * link is added to the list of the completion when the future becomes done (future_state.c). */
#include "harness/mp/pool/future_internal.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <stdlib.h>

static int by_serial(const void *one, const void *other)
{
    const struct pool_link *a = *(struct pool_link *const *)one,
                           *b = *(struct pool_link *const *)other;
    uint64_t first = a->completion->future[a->index]->serial,
             second = b->completion->future[b->index]->serial;
    return first < second ? -1 : first > second;
}

/* Adds the futures that are done already to the list, in the order in which they became done, and
 * links the others. With the mutex held. */
static int link_all(struct fb_mp_completion *all)
{
    struct pool_link **done = calloc(all->count, sizeof(struct pool_link *));
    size_t count = 0;
    if (!done)
        return -ENOMEM;
    for (size_t i = 0; i < all->count; i++) {
        struct pool_link *link = &all->link[i];
        struct fb_mp_future *future = all->future[i];
        *link = (struct pool_link){ .completion = all, .index = i };
        if (future->serial) {
            done[count++] = link;
            continue;
        }
        link->next = future->link;
        future->link = link;
    }
    qsort(done, count, sizeof(struct pool_link *), by_serial);
    for (size_t i = 0; i < count; i++)
        pool_link_done(done[i]);
    free(done);
    return 0;
}

int fb_mp_as_completed(struct fb_mp_future *const *future, size_t count, int64_t timeout_ns,
                       struct fb_mp_completion **ret_completion)
{
    for (size_t i = 1; i < count; i++)
        if (future[i]->pool != future[0]->pool)
            return -EINVAL;
    struct fb_mp_completion *all = calloc(1, sizeof *all + count * sizeof *all->link);
    if (!all)
        return -ENOMEM;
    all->future = future;
    all->count = count;
    all->deadline = fb_mp_deadline(timeout_ns);
    int result = 0;
    if (count > 0) {
        all->pool = future[0]->pool;
        pthread_mutex_lock(&all->pool->mutex);
        pool_collect(all->pool);
        result = link_all(all);
        pthread_mutex_unlock(&all->pool->mutex);
    }
    if (result < 0)
        free(all);
    else
        *ret_completion = all;
    return result;
}

int fb_mp_completion_next(struct fb_mp_completion *all, size_t *ret_index, struct fb_error *error)
{
    bool waits = true;
    if (all->taken == all->count)
        return -ENOENT;
    pthread_mutex_lock(&all->pool->mutex);
    if (!all->first)
        pool_collect(all->pool);
    while (!all->first && waits)
        waits = pool_wait(all->pool, all->deadline);
    struct pool_link *link = all->first;
    if (link && !(all->first = link->later))
        all->last = NULL;
    size_t unfinished = all->count - all->done;
    pthread_mutex_unlock(&all->pool->mutex);
    if (!link)
        return error ? fb_error_set(error, -ETIMEDOUT, "%zu of %zu tasks are unfinished",
                                    unfinished, all->count)
                     : -ETIMEDOUT;
    all->taken++;
    *ret_index = link->index;
    return 0;
}

void fb_mp_completion_free(struct fb_mp_completion *all)
{
    if (!all)
        return;
    if (all->pool)
        pthread_mutex_lock(&all->pool->mutex);
    for (size_t i = 0; i < all->count; i++)
        for (struct pool_link **link = &all->future[i]->link; *link; link = &(*link)->next)
            if (*link == &all->link[i]) {
                *link = all->link[i].next;
                break;
            }
    if (all->pool)
        pthread_mutex_unlock(&all->pool->mutex);
    free(all);
}

static bool is_over(const struct fb_mp_completion *all, enum fb_mp_wait_for until)
{
    if (all->done == all->count)
        return true;
    return (until == FB_MP_FIRST_DONE && all->done > 0) ||
           (until == FB_MP_FIRST_ERROR && all->failed);
}

int fb_mp_futures_wait(struct fb_mp_future *const *future, size_t count, enum fb_mp_wait_for until,
                       int64_t timeout_ns, bool *ret_done, size_t *ret_count)
{
    struct fb_mp_completion *all;
    int result = fb_mp_as_completed(future, count, timeout_ns, &all);
    if (result < 0)
        return result;
    if (count > 0)
        pthread_mutex_lock(&all->pool->mutex);
    while (!is_over(all, until) && pool_wait(all->pool, all->deadline))
        ;
    result = is_over(all, until) ? 0 : -ETIMEDOUT;
    for (size_t i = 0; i < count && ret_done; i++)
        ret_done[i] = future[i]->serial != 0;
    if (ret_count)
        *ret_count = all->done;
    if (count > 0)
        pthread_mutex_unlock(&all->pool->mutex);
    fb_mp_completion_free(all);
    return result;
}
