/* Random values, the same in each run. */
#ifndef TEST_RANDOM_OBJECTS_H
#define TEST_RANDOM_OBJECTS_H

#include "harness/mp/manager/object.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t objects_below(size_t limit);
uint64_t objects_bits(void);

/* A random value, with lists and dicts nested at most depth levels deep; free it. */
struct fb_mp_object objects_random(int depth);

/* Whether they are the same. Unlike fb_mp_object_compare, distinguishes 0.0 and -0.0. */
bool objects_same(const struct fb_mp_object *a, const struct fb_mp_object *b);

#endif
