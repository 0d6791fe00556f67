/* Numbers, strings and arrays in shared memory, with or without a lock. */
#ifndef FB_MP_VALUE_H
#define FB_MP_VALUE_H

#include "harness/mp/sync/sync.h"

#include <stddef.h>

/* An array in shared memory; a value is an array of one item. Read and write it through items, as
 * an array of the C type it was made for: ((int *)array->items)[3]. */
struct fb_mp_array {
    void *items;
    size_t count, item_size;
    struct fb_mp_lock *lock; /* recursive; NULL: none */
};

/* Makes an array of count zeroed items of item_size bytes each. 0 and *ret_array, or a negative
 * errno: -EINVAL count or item_size is 0, -EOVERFLOW their product is too large, -ENOMEM or
 * -ENOSPC. */
int fb_mp_array_make(size_t count, size_t item_size, bool locked, struct fb_mp_array **ret_array);
/* NULL is accepted. */
void fb_mp_array_free(struct fb_mp_array *array);

/* Makes an array or a value of a C type: FB_MP_ARRAY(double, 100, true, &array). */
#define FB_MP_ARRAY(type, count, locked, ret_array)                                                \
    fb_mp_array_make(count, sizeof(type), locked, ret_array)
#define FB_MP_VALUE(type, locked, ret_array) fb_mp_array_make(1, sizeof(type), locked, ret_array)

/* The item at an index, as an lvalue of that type. */
#define FB_MP_ITEM(array, type, index) (((type *)(array)->items)[index])

/* Copies text into an array of char, truncated to fit and always terminated. 0, or -EINVAL: an item
 * is not one byte. */
int fb_mp_array_set_text(struct fb_mp_array *array, const char *text);

#endif
