/* harness/mp/manager/object.c: the order of values, and copies. */
#include "tests/support/support.h"

#include "tests/mp/manager/random_objects.h"

#include <math.h>

#define ROUNDS 10000

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void the_order_is_total(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct fb_mp_object object[3];
        for (int k = 0; k < 3; k++)
            object[k] = objects_random(2);
        int ab = fb_mp_object_compare(&object[0], &object[1]);
        int bc = fb_mp_object_compare(&object[1], &object[2]);
        int ac = fb_mp_object_compare(&object[0], &object[2]);
        assert_int_equal(sign(fb_mp_object_compare(&object[1], &object[0])), -sign(ab));
        if (sign(ab) == sign(bc) || bc == 0)
            assert_int_equal(sign(ac), sign(ab));
        else if (ab == 0)
            assert_int_equal(sign(ac), sign(bc));
        for (int k = 0; k < 3; k++) {
            assert_int_equal(fb_mp_object_compare(&object[k], &object[k]), 0);
            fb_mp_object_free(&object[k]);
        }
    }
}

/* Each value is less than the next one. */
static void the_order_is_by_value(void **state)
{
    (void)state;
    const struct fb_mp_object one = fb_mp_integer(1), two = fb_mp_integer(2);
    const struct fb_mp_object both[] = { one, two }, same[] = { one, one };
    const struct fb_mp_object order[] = {
        fb_mp_nil(),
        fb_mp_bool(false),
        fb_mp_bool(true),
        fb_mp_integer(INT64_MIN),
        fb_mp_integer(-1),
        fb_mp_integer(0),
        fb_mp_integer(INT64_MAX),
        fb_mp_double(NAN),
        fb_mp_double(-INFINITY),
        fb_mp_double(0),
        fb_mp_double(INFINITY),
        fb_mp_string(""),
        fb_mp_string("a"),
        fb_mp_string("aa"),
        fb_mp_string("b"),
        fb_mp_string("\xff"),
        fb_mp_bytes(NULL, 0),
        fb_mp_bytes("\0", 1),
        fb_mp_bytes("\0a", 2),
        fb_mp_bytes("a", 1),
        fb_mp_list(NULL, 0),
        fb_mp_list(&one, 1),
        fb_mp_list(same, 2),
        fb_mp_list(both, 2),
        fb_mp_list(&two, 1),
        fb_mp_dict(NULL, 0),
        fb_mp_dict(same, 1),
        fb_mp_dict(both, 1),
    };
    size_t count = sizeof order / sizeof *order;
    for (size_t a = 0; a < count; a++)
        for (size_t b = 0; b < count; b++)
            assert_int_equal(sign(fb_mp_object_compare(&order[a], &order[b])), (a > b) - (a < b));
    assert_int_equal(
        fb_mp_object_compare(&(struct fb_mp_object){ .type = FB_MP_DOUBLE },
                             &(struct fb_mp_object){ .type = FB_MP_DOUBLE, .real = -0.0 }),
        0);
}

static void a_copy_is_independent(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct fb_mp_object copy, object = objects_random(3), expected = object;
        assert_int_equal(fb_mp_object_copy(&object, &copy), 0);
        assert_true(objects_same(&object, &copy));
        if (copy.type == FB_MP_STRING || copy.type == FB_MP_BYTES) {
            assert_ptr_not_equal(copy.bytes, object.bytes);
            assert_int_equal(copy.bytes[copy.size], '\0');
        }
        assert_memory_equal(&object, &expected, sizeof object);
        fb_mp_object_free(&object);
        assert_int_equal(object.type, FB_MP_NIL);
        assert_true(objects_same(&copy, &copy)); /* the copy is still complete */
        fb_mp_object_free(&copy);
        fb_mp_object_free(&copy);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_total),
        cmocka_unit_test(the_order_is_by_value),
        cmocka_unit_test(a_copy_is_independent),
    };
    return RUN_TESTS(tests);
}
