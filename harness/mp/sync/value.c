#include "harness/mp/sync/value.h"

#include "harness/mp/core/heap.h"

#include <errno.h>
#include <string.h>

int fb_mp_array_make(size_t count, size_t item_size, bool locked, struct fb_mp_array **ret_array)
{
    size_t size;
    void *memory;
    if (count == 0 || item_size == 0)
        return -EINVAL;
    if (__builtin_mul_overflow(count, item_size, &size) ||
        __builtin_add_overflow(size, FB_MP_CELL, &size))
        return -EOVERFLOW;
    int result = fb_mp_alloc(size, &memory);
    if (result < 0)
        return result;
    struct fb_mp_array *array = memory;
    array->items = (char *)memory + FB_MP_CELL;
    array->count = count;
    array->item_size = item_size;
    if (locked && (result = fb_mp_lock_make(true, &array->lock)) < 0) {
        fb_mp_free(memory);
        return result;
    }
    *ret_array = array;
    return 0;
}

void fb_mp_array_free(struct fb_mp_array *array)
{
    if (array)
        fb_mp_lock_free(array->lock);
    fb_mp_free(array);
}

int fb_mp_array_set_text(struct fb_mp_array *array, const char *text)
{
    if (array->item_size != 1)
        return -EINVAL;
    size_t length = strnlen(text, array->count - 1);
    memcpy(array->items, text, length);
    memset((char *)array->items + length, 0, array->count - length);
    return 0;
}
