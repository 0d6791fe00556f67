/* Many items through a pool: map, starmap, imap. Items and results are arrays of equal members. */
#ifndef FB_MP_MAP_H
#define FB_MP_MAP_H

#include "harness/mp/pool/pool.h"

struct fb_mp_map_options {
    const void *bound; /* bound_size bytes, copied, that each call gets beside its item */
    size_t bound_size;
    size_t chunk; /* items that a worker takes at once (while many are left, it may take up to 64
                     such chunks); 0: count / (4 · workers), rounded up */
    bool whole;   /* a call gets all items of its chunk: call->count of them */
    int64_t limit_ns, grace_ns; /* of a chunk, as of a task */
};

/* Calls function for each of count items, which have item_size bytes each, and puts what it returns,
 * result_size bytes each, at its place in results. What lies in shared memory (heap.h) is used
 * there; anything else is copied. items may be NULL, where the number of an item says all
 * (call->index), and results, where there are none. options may be NULL.
 * 0, or what the first item that failed did so with, after all of them, and *error; other results
 * are there all the same, and those that failed are zeroes. Further errors are those of
 * fb_mp_submit. */
int fb_mp_map(struct fb_mp_pool *pool, fb_mp_function function, const void *items, size_t count,
              size_t item_size, void *results, size_t result_size,
              const struct fb_mp_map_options *options, struct fb_error *error);

/* ---- in the background ---- */

struct fb_mp_map;

/* The same, but returns at once; results are written by fb_mp_map_result, or if they are in shared
 * memory by the workers. 0 and *ret_map (end with fb_mp_map_free), or a negative errno. */
int fb_mp_map_async(struct fb_mp_pool *pool, fb_mp_function function, const void *items,
                    size_t count, size_t item_size, void *results, size_t result_size,
                    const struct fb_mp_map_options *options, struct fb_mp_map **ret_map);

/* 0, or -ETIMEDOUT. */
int fb_mp_map_wait(struct fb_mp_map *map, int64_t timeout_ns);

/* Waits, then as fb_mp_map; -ETIMEDOUT also when the time is over: then wait says so as well. */
int fb_mp_map_result(struct fb_mp_map *map, int64_t timeout_ns, struct fb_error *error);

/* Cancels what was not begun, and forgets the rest: items and results that are in shared memory are
 * in use until that has ended too. NULL is accepted. */
void fb_mp_map_free(struct fb_mp_map *map);

/* ---- several arguments ---- */

/* A column of arguments: count members of size bytes. */
struct fb_mp_column {
    const void *items;
    size_t size;
};

/* As map, with items that are made of a member of each column, one behind the other (without room
 * between them: so give members of falling alignment, or copy them out). */
int fb_mp_starmap(struct fb_mp_pool *pool, fb_mp_function function,
                  const struct fb_mp_column *columns, size_t column_count, size_t count,
                  void *results, size_t result_size, const struct fb_mp_map_options *options,
                  struct fb_error *error);

/* ---- one by one ---- */

struct fb_mp_imap;

struct fb_mp_imap_options {
    struct fb_mp_map_options map; /* chunk 0: 1 */
    bool unordered;               /* results come as they are done */
    size_t ahead; /* chunks that are handed over and not yet taken; 0: 4 · workers */
};

/* Writes the next item, item_size bytes, to item. 1, 0: that was all, or a negative errno. Called by
 * fb_mp_imap and fb_mp_imap_next, on their thread, no earlier than is needed. */
typedef int (*fb_mp_source)(void *context, void *item);

/* Calls function for each item that the source has; results have result_size bytes. 0 and *ret_imap
 * (end with fb_mp_imap_free), or a negative errno. options may be NULL. */
int fb_mp_imap(struct fb_mp_pool *pool, fb_mp_function function, fb_mp_source source, void *context,
               size_t item_size, size_t result_size, const struct fb_mp_imap_options *options,
               struct fb_mp_imap **ret_imap);

/* The next result: 0, *ret_result (until the next call) and *ret_index, of its item; either may be
 * NULL. -ENODATA: that was all; -EAGAIN: the time is over; or what the item failed with, and *error:
 * the next call goes on with the next one. */
int fb_mp_imap_next(struct fb_mp_imap *imap, int64_t timeout_ns, const void **ret_result,
                    size_t *ret_index, struct fb_error *error);

void fb_mp_imap_free(struct fb_mp_imap *imap);

#endif
