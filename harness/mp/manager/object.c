#include "harness/mp/manager/object.h"

#include <errno.h>
#include <stdlib.h>

size_t fb_mp_object_parts(const struct fb_mp_object *object)
{
    return object->type == FB_MP_LIST   ? object->count
           : object->type == FB_MP_DICT ? 2 * object->count
                                        : 0;
}

static bool has_bytes(const struct fb_mp_object *object)
{
    return object->type == FB_MP_STRING || object->type == FB_MP_BYTES;
}

void fb_mp_object_free(struct fb_mp_object *object)
{
    size_t parts = fb_mp_object_parts(object);
    for (size_t i = 0; i < parts; i++)
        fb_mp_object_free(&object->items[i]);
    if (object->type == FB_MP_LIST || object->type == FB_MP_DICT)
        free(object->items);
    else if (has_bytes(object))
        free(object->bytes);
    *object = fb_mp_nil();
}

static int copy_parts(const struct fb_mp_object *object, struct fb_mp_object *copy)
{
    size_t parts = fb_mp_object_parts(object);
    copy->items = calloc(parts ? parts : 1, sizeof *copy->items);
    for (size_t i = 0; i < parts && copy->items; i++)
        if (fb_mp_object_copy(&object->items[i], &copy->items[i]) < 0) {
            fb_mp_object_free(copy); /* items that are not copied yet are nil */
            return -ENOMEM;
        }
    return copy->items ? 0 : -ENOMEM;
}

int fb_mp_object_copy(const struct fb_mp_object *object, struct fb_mp_object *ret_copy)
{
    struct fb_mp_object copy = *object;
    if (has_bytes(object)) {
        copy.bytes = malloc(object->size + 1);
        if (!copy.bytes)
            return -ENOMEM;
        if (object->size)
            memcpy(copy.bytes, object->bytes, object->size);
        copy.bytes[object->size] = '\0';
    } else if (object->type == FB_MP_LIST || object->type == FB_MP_DICT) {
        int result = copy_parts(object, &copy);
        if (result < 0)
            return result;
    }
    *ret_copy = copy;
    return 0;
}

static int order(bool less, bool more)
{
    return less ? -1 : more;
}

static int compare_real(double a, double b)
{
    if (a != a || b != b)
        return order(b == b, a == a); /* NaN comes first */
    return order(a<b, a> b);
}

static int compare_bytes(const struct fb_mp_object *a, const struct fb_mp_object *b)
{
    size_t size = a->size < b->size ? a->size : b->size;
    int result = size ? memcmp(a->bytes, b->bytes, size) : 0;
    return result ? result : order(a->size<b->size, a->size> b->size);
}

static int compare_parts(const struct fb_mp_object *a, const struct fb_mp_object *b)
{
    size_t parts = fb_mp_object_parts(a->count < b->count ? a : b);
    for (size_t i = 0; i < parts; i++) {
        int result = fb_mp_object_compare(&a->items[i], &b->items[i]);
        if (result)
            return result;
    }
    return order(a->count<b->count, a->count> b->count);
}

int fb_mp_object_compare(const struct fb_mp_object *a, const struct fb_mp_object *b)
{
    if (a->type != b->type)
        return order(a->type < b->type, true);
    switch (a->type) {
    case FB_MP_NIL:
        return 0;
    case FB_MP_BOOL:
        return a->boolean - b->boolean;
    case FB_MP_INTEGER:
        return order(a->integer<b->integer, a->integer> b->integer);
    case FB_MP_DOUBLE:
        return compare_real(a->real, b->real);
    case FB_MP_STRING:
    case FB_MP_BYTES:
        return compare_bytes(a, b);
    default:
        return compare_parts(a, b);
    }
}
