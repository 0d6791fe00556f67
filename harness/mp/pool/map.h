/* map, starmap and imap: one function for many items. Items and results are arrays whose
 * elements all have one size. */
#ifndef FB_MP_MAP_H
#define FB_MP_MAP_H

#include "harness/mp/pool/pool.h"

struct fb_mp_map_options {
    const void *bound; /* bound_size bytes, copied: call->bound of each call */
    size_t bound_size;
    size_t chunk; /* items that a worker claims together (while many are left, up to 64 chunks at
                     once); 0: count / (4 · workers), rounded up */
    bool whole;   /* one call for all items of a chunk: call->count of them */
    int64_t limit_ns, grace_ns; /* for a chunk, as for a task */
};

/* Calls function for each of count items of item_size bytes, and stores each result, of
 * result_size bytes, at the item's index in results. Arrays in shared memory (heap.h) are used
 * in place; others are copied. items may be NULL if call->index is all that the function needs,
 * results if it has none, and options may be NULL.
 * 0, or the error of the first item that failed, with *error, after all items were run: the
 * results of the failed items are zeroes, the others are valid. Further errors are those of
 * fb_mp_submit. */
int fb_mp_map(struct fb_mp_pool *pool, fb_mp_function function, const void *items, size_t count,
              size_t item_size, void *results, size_t result_size,
              const struct fb_mp_map_options *options, struct fb_error *error);

/* ---- in the background ---- */

struct fb_mp_map;

/* The same without waiting. Results in shared memory are written by the workers, others by
 * fb_mp_map_result. 0 and *ret_map (free it with fb_mp_map_free), or a negative errno. */
int fb_mp_map_async(struct fb_mp_pool *pool, fb_mp_function function, const void *items,
                    size_t count, size_t item_size, void *results, size_t result_size,
                    const struct fb_mp_map_options *options, struct fb_mp_map **ret_map);

/* Waits until all items are done. 0, or -ETIMEDOUT. */
int fb_mp_map_wait(struct fb_mp_map *map, int64_t timeout_ns);

/* Waits, then returns what fb_mp_map does. -ETIMEDOUT may also mean that timeout_ns has passed:
 * then fb_mp_map_wait returns it too. */
int fb_mp_map_result(struct fb_mp_map *map, int64_t timeout_ns, struct fb_error *error);

/* Cancels the tasks that have not begun and frees the map. Running tasks go on: items and
 * results in shared memory are in use until those have ended too. NULL is accepted. */
void fb_mp_map_free(struct fb_mp_map *map);

/* ---- several arguments ---- */

/* A column of arguments: count elements of size bytes. */
struct fb_mp_column {
    const void *items;
    size_t size;
};

/* Like fb_mp_map, with items that consist of one element of each column, without padding. So
 * order the columns by decreasing alignment, or let the function copy the elements. */
int fb_mp_starmap(struct fb_mp_pool *pool, fb_mp_function function,
                  const struct fb_mp_column *columns, size_t column_count, size_t count,
                  void *results, size_t result_size, const struct fb_mp_map_options *options,
                  struct fb_error *error);

/* ---- results one by one ---- */

struct fb_mp_imap;

struct fb_mp_imap_options {
    struct fb_mp_map_options map; /* chunk 0: 1 */
    bool unordered;               /* results come in the order in which they are done */
    size_t ahead; /* chunks that may be submitted before their results are read; 0: 4 · workers */
};

/* Writes the next item, item_size bytes, to item. Returns 1, 0 if there are no more, or a
 * negative errno. Called by fb_mp_imap and fb_mp_imap_next, on the caller's thread, when items
 * are needed. */
typedef int (*fb_mp_source)(void *context, void *item);

/* Calls function for each item of the source; results have result_size bytes. options may be
 * NULL. 0 and *ret_imap (free it with fb_mp_imap_free), or a negative errno. */
int fb_mp_imap(struct fb_mp_pool *pool, fb_mp_function function, fb_mp_source source, void *context,
               size_t item_size, size_t result_size, const struct fb_mp_imap_options *options,
               struct fb_mp_imap **ret_imap);

/* Waits for the next result. 0 with *ret_result (valid until the next call) and the item's
 * *ret_index; both may be NULL. -ENODATA: there are no more; -EAGAIN: timeout_ns has passed; or
 * the error of the item, with *error: the next call returns the next result. */
int fb_mp_imap_next(struct fb_mp_imap *imap, int64_t timeout_ns, const void **ret_result,
                    size_t *ret_index, struct fb_error *error);

void fb_mp_imap_free(struct fb_mp_imap *imap);

#endif
