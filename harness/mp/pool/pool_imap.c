/* imap: chunks are submitted as they are needed, and their results are returned one by one. */
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/future_internal.h"
#include "harness/mp/pool/pool_tasks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A chunk that was submitted. */
struct part {
    struct pool_bound *bound;    /* NULL: this part is free */
    struct fb_mp_future *future; /* NULL: the pool did not accept it; refused is the error */
    int refused;
    size_t first, count; /* of its items */
};

struct fb_mp_imap {
    struct fb_mp_pool *pool;
    fb_mp_function function;
    fb_mp_source source;
    void *context;
    size_t item_size, result_size, chunk;
    struct fb_mp_imap_options options;
    void *bound;          /* a copy */
    size_t items;         /* read from the source so far */
    int end;              /* 1: the source may have more items; else what it returned last */
    struct part *current; /* whose results are being returned; NULL: none */
    size_t taken;         /* results of it that were returned */
    size_t next;          /* ordered: the first item of the next part */
    size_t ahead;
    struct part part[];
};

/* ---- submitting ---- */

static void drop_bound(struct fb_mp_imap *imap, struct pool_bound *bound)
{
    pthread_mutex_lock(&imap->pool->mutex);
    pool_bound_release(bound);
    pthread_mutex_unlock(&imap->pool->mutex);
}

/* Allocates memory for a chunk: the items followed by the code of each item, and the results. */
static int make_bound(const struct fb_mp_imap *imap, struct pool_bound **ret_bound)
{
    const struct fb_mp_map_options *map = &imap->options.map;
    size_t bytes, all, codes;
    if (__builtin_mul_overflow(imap->chunk, imap->item_size, &bytes) ||
        __builtin_mul_overflow(imap->chunk, imap->result_size, &all))
        return -EOVERFLOW;
    codes = (bytes + 7) / 8 * 8;
    struct pool_bound *bound;
    int result = pool_bound_make(imap->bound, map->bound_size, &bound);
    if (result < 0)
        return result;
    result = fb_mp_alloc(codes + imap->chunk * sizeof(int32_t), &bound->own_items);
    if (result == 0 && imap->result_size)
        result = fb_mp_alloc(all, &bound->own_results);
    if (result < 0) {
        fb_mp_free(bound->own_items);
        fb_mp_free(bound);
        return result;
    }
    bound->is_map = true;
    bound->chunk = imap->chunk;
    bound->whole = map->whole;
    bound->items = bound->own_items;
    bound->results = bound->own_results;
    bound->codes = (int32_t *)((char *)bound->own_items + codes);
    bound->item_size = imap->item_size;
    bound->result_size = imap->result_size;
    *ret_bound = bound;
    return 0;
}

/* Reads up to a chunk of items from the source. Returns how many. */
static size_t pull(struct fb_mp_imap *imap, struct pool_bound *bound)
{
    size_t count = 0;
    while (count < imap->chunk && imap->end > 0) {
        imap->end = imap->source(imap->context, (char *)bound->own_items + count * imap->item_size);
        count += imap->end > 0;
    }
    return count;
}

static bool accepts_no_more(struct fb_mp_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    bool none = pool->shut_down || pool->broken.code;
    pthread_mutex_unlock(&pool->mutex);
    return none;
}

/* Submits the next chunk, if the source has more items. 0 or a negative errno. */
static int submit_part(struct fb_mp_imap *imap, struct part *part)
{
    struct pool_bound *bound;
    int result = make_bound(imap, &bound);
    if (result < 0)
        return result;
    size_t count = pull(imap, bound);
    uint64_t range[2] = { 0, count };
    if (count == 0) {
        drop_bound(imap, bound);
        return 0;
    }
    const struct pool_request request = { .function = imap->function,
                                          .argument = range,
                                          .size = sizeof range,
                                          .bound = bound,
                                          .limit_ns = imap->options.map.limit_ns,
                                          .grace_ns = imap->options.map.grace_ns };
    bound->first = imap->items;
    bound->references++; /* for the future; no other thread has it yet */
    part->refused = pool_submit(imap->pool, &request, &part->future);
    if (part->refused < 0 && accepts_no_more(imap->pool)) /* else only these items fail */
        imap->end = 0;
    part->bound = bound;
    part->first = imap->items;
    part->count = count;
    imap->items += count;
    return 0;
}

static int submit_parts(struct fb_mp_imap *imap)
{
    int result = 0;
    for (size_t i = 0; i < imap->ahead && imap->end > 0 && result == 0; i++)
        if (!imap->part[i].bound)
            result = submit_part(imap, &imap->part[i]);
    return result;
}

int fb_mp_imap(struct fb_mp_pool *pool, fb_mp_function function, fb_mp_source source, void *context,
               size_t item_size, size_t result_size, const struct fb_mp_imap_options *options,
               struct fb_mp_imap **ret_imap)
{
    static const struct fb_mp_imap_options defaults = { 0 };
    const struct fb_mp_imap_options *chosen = options ? options : &defaults;
    fb_mp_function known;
    int result = pool_find_function(pool, function, &known);
    if (result < 0 || !source || item_size == 0)
        return -EINVAL;
    pthread_mutex_lock(&pool->mutex);
    size_t ahead = chosen->ahead ? chosen->ahead : 4 * (size_t)pool->workers;
    pthread_mutex_unlock(&pool->mutex);
    struct fb_mp_imap *imap = calloc(1, sizeof *imap + ahead * sizeof *imap->part);
    void *bound = malloc(chosen->map.bound_size ? chosen->map.bound_size : 1);
    if (!imap || !bound) {
        free(imap);
        free(bound);
        return -ENOMEM;
    }
    if (chosen->map.bound_size)
        memcpy(bound, chosen->map.bound, chosen->map.bound_size);
    pthread_mutex_lock(&pool->mutex);
    pool->references++;
    pthread_mutex_unlock(&pool->mutex);
    *imap = (struct fb_mp_imap){ .pool = pool,
                                 .function = known,
                                 .source = source,
                                 .context = context,
                                 .item_size = item_size,
                                 .result_size = result_size,
                                 .chunk = chosen->map.chunk ? chosen->map.chunk : 1,
                                 .options = *chosen,
                                 .bound = bound,
                                 .end = 1,
                                 .ahead = ahead };
    result = submit_parts(imap);
    if (result < 0)
        fb_mp_imap_free(imap);
    else
        *ret_imap = imap;
    return result;
}

/* ---- results ---- */

static void drop_part(struct fb_mp_imap *imap, struct part *part)
{
    if (!part->bound)
        return;
    if (part->future)
        fb_mp_future_cancel(part->future, false);
    fb_mp_future_free(part->future);
    drop_bound(imap, part->bound);
    *part = (struct part){ 0 };
}

/* Parts that the pool did not accept count as done after all others. */
static uint64_t serial_of(const struct part *part)
{
    return part->future ? part->future->serial : UINT64_MAX;
}

/* The part whose results are returned next. Unordered: NULL if no part is done. */
static struct part *choose(struct fb_mp_imap *imap)
{
    struct part *chosen = NULL;
    for (size_t i = 0; i < imap->ahead; i++) {
        struct part *part = &imap->part[i];
        if (!part->bound)
            continue;
        if (!imap->options.unordered && part->first == imap->next)
            return part;
        uint64_t serial = serial_of(part);
        if (imap->options.unordered && serial && (!chosen || serial < serial_of(chosen)))
            chosen = part;
    }
    return chosen;
}

/* Waits until the next part is done. 0, with *ret_part NULL if there are no parts, or -EAGAIN. */
static int wait_for_part(struct fb_mp_imap *imap, int64_t timeout_ns, struct part **ret_part)
{
    struct fb_mp_pool *pool = imap->pool;
    int64_t deadline = fb_mp_deadline(timeout_ns);
    bool any = false, waits = true;
    for (size_t i = 0; i < imap->ahead; i++)
        any |= imap->part[i].bound != NULL;
    *ret_part = NULL;
    if (!any)
        return 0;
    pthread_mutex_lock(&pool->mutex);
    pool_collect(pool);
    struct part *part = choose(imap);
    while (waits && (!part || !serial_of(part))) {
        waits = pool_wait(pool, deadline);
        part = choose(imap);
    }
    bool done = part && serial_of(part);
    pthread_mutex_unlock(&pool->mutex);
    *ret_part = part;
    return done ? 0 : -EAGAIN;
}

/* The error of item i of the part. */
static int item_error(const struct part *part, size_t i, struct fb_error *error)
{
    const struct fb_mp_future *future = part->future;
    int code = !future                  ? part->refused
               : future->has_item_codes ? part->bound->codes[i]
                                        : future->error.code;
    if (code == 0 || !error)
        return code;
    if (future && (!future->has_item_codes || future->index == i))
        *error = future->error;
    else
        fb_error_set(error, code, "%s", strerror(-code));
    return code;
}

int fb_mp_imap_next(struct fb_mp_imap *imap, int64_t timeout_ns, const void **ret_result,
                    size_t *ret_index, struct fb_error *error)
{
    if (imap->current && imap->taken == imap->current->count) {
        imap->next = imap->current->first + imap->current->count;
        drop_part(imap, imap->current);
        imap->current = NULL;
    }
    if (!imap->current) {
        int result = submit_parts(imap);
        if (result == 0)
            result = wait_for_part(imap, timeout_ns, &imap->current);
        if (result < 0) {
            imap->current = NULL;
            return error ? fb_error_set(error, result, "no result: %s", strerror(-result)) : result;
        }
        imap->taken = 0;
    }
    if (!imap->current) {
        int end = imap->end;
        imap->end = 0;
        return end < 0 ? end : -ENODATA;
    }
    size_t i = imap->taken++;
    if (ret_index)
        *ret_index = imap->current->first + i;
    if (ret_result)
        *ret_result = imap->current->bound->results + i * imap->result_size;
    return item_error(imap->current, i, error);
}

void fb_mp_imap_free(struct fb_mp_imap *imap)
{
    if (!imap)
        return;
    for (size_t i = 0; i < imap->ahead; i++)
        drop_part(imap, &imap->part[i]);
    free(imap->bound);
    pthread_mutex_lock(&imap->pool->mutex);
    pool_release(imap->pool);
    free(imap);
}
