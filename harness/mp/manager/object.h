/* Values that processes exchange: nil, numbers, text, bytes, and lists and dicts of them. */
#ifndef FB_MP_OBJECT_H
#define FB_MP_OBJECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum fb_mp_type {
    FB_MP_NIL,
    FB_MP_BOOL,
    FB_MP_INTEGER,
    FB_MP_DOUBLE,
    FB_MP_STRING,
    FB_MP_BYTES,
    FB_MP_LIST,
    FB_MP_DICT
};

#define FB_MP_DEPTH 24 /* the deepest nesting of lists and dicts */

struct fb_mp_object {
    enum fb_mp_type type;
    union {
        bool boolean;
        int64_t integer;
        double real;
        struct { /* a string or bytes; the runtime returns them with a '\0' after them */
            char *bytes;
            size_t size;
        };
        struct { /* a list's items; in a dict count pairs: a key, its value, the next key, … */
            struct fb_mp_object *items;
            size_t count;
        };
    };
};

/* Values to pass: they point to the caller's memory and must not be freed. */

static inline struct fb_mp_object fb_mp_nil(void)
{
    return (struct fb_mp_object){ .type = FB_MP_NIL };
}

static inline struct fb_mp_object fb_mp_bool(bool value)
{
    return (struct fb_mp_object){ .type = FB_MP_BOOL, .boolean = value };
}

static inline struct fb_mp_object fb_mp_integer(int64_t value)
{
    return (struct fb_mp_object){ .type = FB_MP_INTEGER, .integer = value };
}

static inline struct fb_mp_object fb_mp_double(double value)
{
    return (struct fb_mp_object){ .type = FB_MP_DOUBLE, .real = value };
}

static inline struct fb_mp_object fb_mp_string(const char *text)
{
    return (
        struct fb_mp_object){ .type = FB_MP_STRING, .bytes = (char *)text, .size = strlen(text) };
}

static inline struct fb_mp_object fb_mp_bytes(const void *bytes, size_t size)
{
    return (struct fb_mp_object){ .type = FB_MP_BYTES, .bytes = (char *)bytes, .size = size };
}

static inline struct fb_mp_object fb_mp_list(const struct fb_mp_object *items, size_t count)
{
    return (struct fb_mp_object){ .type = FB_MP_LIST,
                                  .items = (struct fb_mp_object *)items,
                                  .count = count };
}

/* items: count pairs, so 2 × count objects. */
static inline struct fb_mp_object fb_mp_dict(const struct fb_mp_object *items, size_t count)
{
    return (struct fb_mp_object){ .type = FB_MP_DICT,
                                  .items = (struct fb_mp_object *)items,
                                  .count = count };
}

/* Frees a value that the runtime returned, with everything in it; it becomes nil. */
void fb_mp_object_free(struct fb_mp_object *object);

/* A deep copy. 0 or -ENOMEM. */
int fb_mp_object_copy(const struct fb_mp_object *object, struct fb_mp_object *ret_copy);

/* An order of all values: by type, then by value; lists and dicts item by item. 0: they are equal.
 * A number is not equal to one of another type; NaN is equal to itself. */
int fb_mp_object_compare(const struct fb_mp_object *a, const struct fb_mp_object *b);

/* The number of objects in items: twice the count in a dict, 0 if it is neither list nor dict. */
size_t fb_mp_object_parts(const struct fb_mp_object *object);

#endif
