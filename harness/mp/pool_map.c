/* map and starmap: a future for each chunk of items. */
#include "heap.h"
#include "map.h"
#include "pool_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct fb_mp_map {
    struct fb_mp_pool *pool;
    struct pool_bound *bound;
    void *results; /* the caller's, if they have to be copied there */
    size_t count;
    struct fb_mp_future **chunk; /* [chunks] */
    size_t chunks;
};

static const struct fb_mp_map_options usual;

/* ---- items and results ---- */

/* Where workers find the items: there, or in a copy. */
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

/* Zeroed, as failed ones are to be. */
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

/* ---- chunks ---- */

static size_t choose_chunk(struct fb_mp_pool *pool, size_t count, size_t wanted)
{
    pthread_mutex_lock(&pool->mutex);
    size_t parts = 4 * (size_t)pool->workers;
    pthread_mutex_unlock(&pool->mutex);
    size_t chunk = wanted ? wanted : count / parts + (count % parts != 0);
    return chunk ? chunk : 1;
}

static int submit_chunks(struct fb_mp_map *map, fb_mp_function function, size_t chunk,
                         const struct fb_mp_map_options *options)
{
    struct fb_mp_pool *pool = map->pool;
    size_t count = map->count;
    size_t chunks = count / chunk + (count % chunk != 0);
    int result = 0;
    map->chunk = calloc(chunks ? chunks : 1, sizeof(struct fb_mp_future *));
    if (!map->chunk)
        return -ENOMEM;
    for (; map->chunks < chunks && result == 0; map->chunks += result == 0) {
        uint64_t first = map->chunks * chunk;
        uint64_t range[2] = { first, count - first < chunk ? count : first + chunk };
        const struct pool_order order = { .function = function,
                                          .argument = range,
                                          .size = sizeof range,
                                          .bound = map->bound,
                                          .limit_ns = options->limit_ns,
                                          .grace_ns = options->grace_ns };
        pthread_mutex_lock(&pool->mutex);
        map->bound->references++;
        pthread_mutex_unlock(&pool->mutex);
        result = pool_submit(pool, &order, &map->chunk[map->chunks]);
    }
    return result;
}

int fb_mp_map_async(struct fb_mp_pool *pool, fb_mp_function function, const void *items,
                    size_t count, size_t item_size, void *results, size_t result_size,
                    const struct fb_mp_map_options *options, struct fb_mp_map **ret_map)
{
    const struct fb_mp_map_options *chosen = options ? options : &usual;
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
        result = submit_chunks(map, known, choose_chunk(pool, count, chosen->chunk), chosen);
    if (result < 0)
        fb_mp_map_free(map);
    else
        *ret_map = map;
    return result;
}

/* ---- its end ---- */

int fb_mp_map_wait(struct fb_mp_map *map, int64_t timeout_ns)
{
    return map->chunks == 0 ? 0
                            : fb_mp_futures_wait(map->chunk, map->chunks, FB_MP_ALL_DONE,
                                                 timeout_ns, NULL, NULL);
}

/* What the first one failed with. */
static int first_error(const struct fb_mp_map *map, struct fb_error *error)
{
    for (size_t i = 0; i < map->chunks; i++) {
        struct fb_mp_future *future = map->chunk[i];
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
    for (size_t i = 0; i < map->chunks; i++) {
        fb_mp_future_cancel(map->chunk[i], false);
        fb_mp_future_free(map->chunk[i]);
    }
    pthread_mutex_lock(&map->pool->mutex);
    pool_bound_release(map->bound);
    pool_release(map->pool);
    free(map->chunk);
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
