/* map and starmap: each task runs one or more chunks of items. */
#include "harness/mp/core/heap.h"
#include "harness/mp/pool/map.h"
#include "harness/mp/pool/future_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BATCH_MAX 64 /* chunks in a task */

struct fb_mp_map {
    struct fb_mp_pool *pool;
    struct pool_bound *bound;
    void *results; /* the caller's array, if results must be copied there; else NULL */
    size_t count;
    struct fb_mp_future **task; /* [tasks] */
    size_t tasks, room;
};

static const struct fb_mp_map_options defaults;

/* ---- items and results ---- */

/* Workers read the items where they are, if that is shared memory; else in a copy. */
static int share_items(struct pool_bound *bound, const void *items, size_t bytes)
{
    bound->items = items;
    if (!items || bytes == 0 || fb_mp_is_shared(items, bytes))
        return 0;
    int result = fb_mp_alloc_at(bytes, &bound->own_items);
    if (result == 0)
        bound->items = memcpy(bound->own_items, items, bytes);
    return result;
}

/* The same for results. They begin as zeroes, as those of failed items must be. */
static int share_results(struct pool_bound *bound, void *results, size_t bytes, bool *ret_copied)
{
    *ret_copied = results && bytes && !fb_mp_is_shared(results, bytes);
    bound->results = results;
    if (!*ret_copied) {
        if (results && bytes)
            memset(results, 0, bytes);
        return 0;
    }
    int result = fb_mp_alloc(bytes, &bound->own_results);
    bound->results = bound->own_results;
    return result;
}

/* ---- tasks ---- */

static unsigned workers_of(struct fb_mp_pool *pool)
{
    pthread_mutex_lock(&pool->mutex);
    unsigned workers = pool->workers;
    pthread_mutex_unlock(&pool->mutex);
    return workers;
}

/* How many chunks are submitted as one task: few at the end, so that all workers finish at about
 * the same time, and never so many that a task with slow items would delay the end. */
static size_t choose_batch(size_t chunks_left, unsigned workers, bool limited)
{
    size_t batch = limited ? 1 : chunks_left / (8 * (size_t)workers);
    return batch < 1 ? 1 : batch > BATCH_MAX ? BATCH_MAX : batch;
}

static int add_task(struct fb_mp_map *map, fb_mp_function function, uint64_t first, uint64_t last,
                    const struct fb_mp_map_options *options)
{
    const uint64_t range[2] = { first, last };
    const struct pool_request request = { .function = function,
                                          .argument = range,
                                          .size = sizeof range,
                                          .bound = map->bound,
                                          .limit_ns = options->limit_ns,
                                          .grace_ns = options->grace_ns };
    if (map->tasks == map->room) {
        size_t room = map->room ? 2 * map->room : 64;
        struct fb_mp_future **larger = reallocarray(map->task, room, sizeof *larger);
        if (!larger)
            return -ENOMEM;
        map->task = larger;
        map->room = room;
    }
    pthread_mutex_lock(&map->pool->mutex);
    map->bound->references++;
    pthread_mutex_unlock(&map->pool->mutex);
    int result = pool_submit(map->pool, &request, &map->task[map->tasks]);
    map->tasks += result == 0;
    return result;
}

static int submit_tasks(struct fb_mp_map *map, fb_mp_function function,
                        const struct fb_mp_map_options *options)
{
    unsigned workers = workers_of(map->pool);
    size_t parts = 4 * (size_t)workers, count = map->count, chunk = options->chunk;
    int result = 0;
    if (!chunk)
        chunk = count / parts + (count % parts != 0);
    map->bound->chunk = chunk;
    for (size_t first = 0; first < count && result == 0;) {
        size_t left = count - first;
        size_t items = chunk * choose_batch(left / chunk, workers, options->limit_ns != 0);
        items = items < left ? items : left;
        result = add_task(map, function, first, first + items, options);
        first += items;
    }
    return result;
}

int fb_mp_map_async(struct fb_mp_pool *pool, fb_mp_function function, const void *items,
                    size_t count, size_t item_size, void *results, size_t result_size,
                    const struct fb_mp_map_options *options, struct fb_mp_map **ret_map)
{
    const struct fb_mp_map_options *chosen = options ? options : &defaults;
    size_t item_bytes = 0, result_bytes = 0;
    fb_mp_function known;
    bool copied;
    if ((items && __builtin_mul_overflow(count, item_size, &item_bytes)) ||
        (results && __builtin_mul_overflow(count, result_size, &result_bytes)))
        return -EOVERFLOW;
    int result = pool_find_function(pool, function, &known);
    if (result < 0)
        return result;
    struct fb_mp_map *map = calloc(1, sizeof *map);
    if (!map)
        return -ENOMEM;
    map->pool = pool;
    map->count = count;
    pthread_mutex_lock(&pool->mutex);
    pool->references++;
    pthread_mutex_unlock(&pool->mutex);
    result = pool_bound_make(chosen->bound, chosen->bound_size, &map->bound);
    if (result == 0) {
        map->bound->is_map = true;
        map->bound->whole = chosen->whole;
        map->bound->item_size = item_size;
        map->bound->result_size = results ? result_size : 0;
        result = share_items(map->bound, items, item_bytes);
    }
    if (result == 0 && (result = share_results(map->bound, results, result_bytes, &copied)) == 0)
        map->results = copied ? results : NULL;
    if (result == 0)
        result = submit_tasks(map, known, chosen);
    if (result == 0) {
        *ret_map = map;
        return 0;
    }
    for (size_t i = 0; i < map->tasks; i++)
        fb_mp_future_cancel(map->task[i], false);
    fb_mp_map_wait(map, FB_MP_FOREVER); /* as running tasks use the caller's memory */
    fb_mp_map_free(map);
    return result;
}

/* ---- results ---- */

/* Waits for each in turn, which needs no memory: there may be none left. */
int fb_mp_map_wait(struct fb_mp_map *map, int64_t timeout_ns)
{
    int64_t deadline = fb_mp_deadline(timeout_ns);
    for (size_t i = 0; i < map->tasks; i++) {
        int64_t left = deadline == FB_MP_FOREVER ? FB_MP_FOREVER : deadline - fb_mp_now();
        int result = fb_mp_future_wait(map->task[i], left);
        if (result < 0)
            return result;
    }
    return 0;
}

/* The error of the first item that failed, or 0. */
static int first_error(const struct fb_mp_map *map, struct fb_error *error)
{
    for (size_t i = 0; i < map->tasks; i++) {
        struct fb_mp_future *future = map->task[i];
        if (!future->error.code)
            continue;
        if (!error)
            return future->error.code;
        return fb_error_set(error, future->error.code, "item %llu: %.*s",
                            (unsigned long long)future->index, FB_ERROR_TEXT - 40,
                            future->error.text);
    }
    return 0;
}

int fb_mp_map_result(struct fb_mp_map *map, int64_t timeout_ns, struct fb_error *error)
{
    int result = fb_mp_map_wait(map, timeout_ns);
    if (result < 0)
        return error ? fb_error_set(error, result, "not all items are done") : result;
    if (map->results)
        memcpy(map->results, map->bound->results, map->count * map->bound->result_size);
    return first_error(map, error);
}

void fb_mp_map_free(struct fb_mp_map *map)
{
    if (!map)
        return;
    for (size_t i = 0; i < map->tasks; i++) {
        fb_mp_future_cancel(map->task[i], false);
        fb_mp_future_free(map->task[i]);
    }
    pthread_mutex_lock(&map->pool->mutex);
    pool_bound_release(map->bound);
    pool_release(map->pool);
    free(map->task);
    free(map);
}

int fb_mp_map(struct fb_mp_pool *pool, fb_mp_function function, const void *items, size_t count,
              size_t item_size, void *results, size_t result_size,
              const struct fb_mp_map_options *options, struct fb_error *error)
{
    struct fb_mp_map *map;
    int result = fb_mp_map_async(pool, function, items, count, item_size, results, result_size,
                                 options, &map);
    if (result < 0)
        return error ? fb_error_set(error, result, "can't hand over %zu items: %s", count,
                                    strerror(-result))
                     : result;
    result = fb_mp_map_result(map, FB_MP_FOREVER, error);
    fb_mp_map_free(map);
    return result;
}

int fb_mp_starmap(struct fb_mp_pool *pool, fb_mp_function function,
                  const struct fb_mp_column *columns, size_t column_count, size_t count,
                  void *results, size_t result_size, const struct fb_mp_map_options *options,
                  struct fb_error *error)
{
    size_t size = 0, offset = 0, bytes;
    void *items = NULL;
    for (size_t i = 0; i < column_count; i++)
        size += columns[i].size;
    int result = __builtin_mul_overflow(size, count, &bytes) ? -EOVERFLOW : 0;
    if (result == 0 && bytes > 0)
        result = fb_mp_alloc_at(bytes, &items);
    if (result < 0)
        return error ? fb_error_set(error, result, "no memory for %zu items: %s", count,
                                    strerror(-result))
                     : result;
    for (size_t i = 0; i < column_count; offset += columns[i++].size)
        for (size_t k = 0; k < count; k++)
            memcpy((char *)items + k * size + offset,
                   (const char *)columns[i].items + k * columns[i].size, columns[i].size);
    result = fb_mp_map(pool, function, items, count, size, results, result_size, options, error);
    fb_mp_free(items);
    return result;
}
