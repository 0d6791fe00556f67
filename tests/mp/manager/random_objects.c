#include "tests/support/support.h"

#include "tests/mp/manager/random_objects.h"

#include <math.h>
#include <stdlib.h>

static unsigned short seed[3] = { 1, 2, 3 };

size_t objects_below(size_t limit)
{
    return (size_t)nrand48(seed) % limit;
}

uint64_t objects_bits(void)
{
    return (uint64_t)nrand48(seed) << 33 ^ (uint64_t)nrand48(seed) << 16 ^ (uint64_t)nrand48(seed);
}

static struct fb_mp_object random_bytes(void)
{
    struct fb_mp_object object = { .type = objects_below(2) ? FB_MP_STRING : FB_MP_BYTES,
                                   .size = objects_below(40) == 0 ? objects_below(70000)
                                                                  : objects_below(40) };
    object.bytes = malloc(object.size + 1);
    assert_non_null(object.bytes);
    for (size_t i = 0; i < object.size; i++)
        object.bytes[i] =
            (char)objects_below(4); /* so that some are equal, and many contain '\0' */
    object.bytes[object.size] = '\0';
    return object;
}

static struct fb_mp_object random_number(void)
{
    static const double special[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, 1.5 };
    switch (objects_below(6)) {
    case 0:
        return fb_mp_nil();
    case 1:
        return fb_mp_bool(objects_below(2));
    case 2:
        return fb_mp_integer((int64_t)objects_below(7) - 3);
    case 3: /* of any length in the frame */
        return fb_mp_integer((int64_t)objects_bits() >> objects_below(64));
    case 4:
        return fb_mp_double(special[objects_below(6)]);
    default:
        return fb_mp_double(ldexp((double)objects_bits(), (int)objects_below(200) - 100));
    }
}

struct fb_mp_object objects_random(int depth)
{
    size_t what = objects_below(depth > 0 ? 4 : 2);
    if (what < 2)
        return what ? random_bytes() : random_number();
    struct fb_mp_object object = { .type = what == 2 ? FB_MP_LIST : FB_MP_DICT,
                                   .count = objects_below(6) };
    size_t parts = fb_mp_object_parts(&object);
    object.items = calloc(parts + 1, sizeof *object.items);
    assert_non_null(object.items);
    for (size_t i = 0; i < parts; i++)
        object.items[i] = objects_random(depth - 1);
    return object;
}

bool objects_same(const struct fb_mp_object *a, const struct fb_mp_object *b)
{
    if (fb_mp_object_compare(a, b) != 0 || fb_mp_object_compare(b, a) != 0 || a->type != b->type)
        return false;
    if (a->type == FB_MP_DOUBLE && !isnan(a->real) && signbit(a->real) != signbit(b->real))
        return false;
    size_t parts = fb_mp_object_parts(a);
    for (size_t i = 0; i < parts; i++)
        if (!objects_same(&a->items[i], &b->items[i]))
            return false;
    return true;
}
