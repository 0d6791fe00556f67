/* Numbers, strings and arrays in shared memory, with a lock or raw. Freeing accepts NULL. */
#ifndef FB_MP_VALUE_H
#define FB_MP_VALUE_H

#include "harness/mp/sync/sync.h"

#include <stddef.h>

/* An array of items that lies in shared memory; a value is one with a single item. Read and write
 * through items, as the C type that it is made for: ((int *)array->items)[3]. */
struct fb_mp_array {
    void *items;
    size_t count, item_size;
    struct fb_mp_lock *lock; /* recursive; NULL: raw, nobody keeps two writers apart */
};

/* count zeroed items of item_size bytes. 0 and *ret_array, or a negative errno: -EINVAL count or
 * item_size is 0, -EOVERFLOW their product is too large, -ENOMEM or -ENOSPC. */
int fb_mp_array_make(size_t count, size_t item_size, bool locked, struct fb_mp_array **ret_array);
void fb_mp_array_free(struct fb_mp_array *array);

/* An array of that C type: FB_MP_ARRAY(double, 100, true, &array); a value: FB_MP_VALUE(int, …). */
#define FB_MP_ARRAY(type, count, locked, ret_array)                                                \
    fb_mp_array_make(count, sizeof(type), locked, ret_array)
#define FB_MP_VALUE(type, locked, ret_array) fb_mp_array_make(1, sizeof(type), locked, ret_array)

/* The item of that type at an index, as something that can be read and written. */
#define FB_MP_ITEM(array, type, index) (((type *)(array)->items)[index])

/* Writes text into an array of char, cut to fit, always terminated. 0 or -EINVAL: its items are no
 * characters. */
int fb_mp_array_set_text(struct fb_mp_array *array, const char *text);

#endif
