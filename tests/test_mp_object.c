/* harness/mp/object.c, wire.c: values, whole and as they travel; and what is read from frames that
 * nobody would send. */
#include "support.h"

#include "harness/mp/wire.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define BIG ((size_t)1 << 20)
#define ROUNDS 10000

static unsigned short seed[3] = { 1, 2, 3 };

static size_t below(size_t limit)
{
    return (size_t)nrand48(seed) % limit;
}

static uint64_t bits64(void)
{
    return (uint64_t)nrand48(seed) << 33 ^ (uint64_t)nrand48(seed) << 16 ^ (uint64_t)nrand48(seed);
}

/* ---- values ---- */

static struct fb_mp_object random_bytes(void)
{
    struct fb_mp_object object = { .type = below(2) ? FB_MP_STRING : FB_MP_BYTES,
                                   .size = below(40) == 0 ? below(70000) : below(40) };
    object.bytes = malloc(object.size + 1);
    assert_non_null(object.bytes);
    for (size_t i = 0; i < object.size; i++)
        object.bytes[i] = (char)below(4); /* so that some are equal, and many contain '\0' */
    object.bytes[object.size] = '\0';
    return object;
}

static struct fb_mp_object random_number(void)
{
    static const double special[] = { 0.0, -0.0, INFINITY, -INFINITY, NAN, 1.5 };
    switch (below(6)) {
    case 0:
        return fb_mp_nil();
    case 1:
        return fb_mp_bool(below(2));
    case 2:
        return fb_mp_integer((int64_t)below(7) - 3);
    case 3: /* of any length in the frame */
        return fb_mp_integer((int64_t)bits64() >> below(64));
    case 4:
        return fb_mp_double(special[below(6)]);
    default:
        return fb_mp_double(ldexp((double)bits64(), (int)below(200) - 100));
    }
}

static struct fb_mp_object random_object(int depth)
{
    size_t what = below(depth > 0 ? 4 : 2);
    if (what < 2)
        return what ? random_bytes() : random_number();
    struct fb_mp_object object = { .type = what == 2 ? FB_MP_LIST : FB_MP_DICT, .count = below(6) };
    size_t parts = fb_mp_object_parts(&object);
    object.items = calloc(parts + 1, sizeof *object.items);
    assert_non_null(object.items);
    for (size_t i = 0; i < parts; i++)
        object.items[i] = random_object(depth - 1);
    return object;
}

/* `inner` in so many lists, or dicts whose key is 1; they are the levels'. */
static struct fb_mp_object nested(enum fb_mp_type type, int depth, struct fb_mp_object inner,
                                  struct fb_mp_object levels[][2])
{
    for (int i = 0; i < depth; i++) {
        levels[i][0] = type == FB_MP_LIST ? inner : fb_mp_integer(1);
        levels[i][1] = inner;
        inner = type == FB_MP_LIST ? fb_mp_list(levels[i], 1) : fb_mp_dict(levels[i], 1);
    }
    return inner;
}

/* Whether they are the same, where compare takes 0.0 and -0.0 to be equal. */
static bool is_same(const struct fb_mp_object *a, const struct fb_mp_object *b)
{
    if (fb_mp_object_compare(a, b) != 0 || fb_mp_object_compare(b, a) != 0 || a->type != b->type)
        return false;
    if (a->type == FB_MP_DOUBLE && !isnan(a->real) && signbit(a->real) != signbit(b->real))
        return false;
    size_t parts = fb_mp_object_parts(a);
    for (size_t i = 0; i < parts; i++)
        if (!is_same(&a->items[i], &b->items[i]))
            return false;
    return true;
}

static int sign(int number)
{
    return (number > 0) - (number < 0);
}

static void the_order_is_one(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct fb_mp_object object[3];
        for (int k = 0; k < 3; k++)
            object[k] = random_object(2);
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

/* Each is less than those after it. */
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

static void a_copy_is_its_own(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct fb_mp_object copy, object = random_object(3), expected = object;
        assert_int_equal(fb_mp_object_copy(&object, &copy), 0);
        assert_true(is_same(&object, &copy));
        if (copy.type == FB_MP_STRING || copy.type == FB_MP_BYTES) {
            assert_ptr_not_equal(copy.bytes, object.bytes);
            assert_int_equal(copy.bytes[copy.size], '\0');
        }
        assert_memory_equal(&object, &expected, sizeof object);
        fb_mp_object_free(&object);
        assert_int_equal(object.type, FB_MP_NIL);
        assert_true(is_same(&copy, &copy)); /* all of it is still there */
        fb_mp_object_free(&copy);
        fb_mp_object_free(&copy);
    }
}

/* ---- there and back ---- */

/* As an answer and as both arguments of a request. */
static void travel(const struct fb_mp_object *object)
{
    msgpack_sbuffer buffer;
    struct fb_mp_object back;
    struct wire_request read, request = { .op = WIRE_LIST_SET,
                                          .id = INT64_MAX,
                                          .timeout_ns = (int64_t)bits64(),
                                          .thread = 7,
                                          .argument = { *object, *object },
                                          .arguments = 2 };
    int code = 1;
    msgpack_sbuffer_init(&buffer);
    assert_int_equal(wire_pack_answer(&buffer, -ENOENT, object), 0);
    size_t first = buffer.size;
    assert_int_equal(wire_pack_request(&buffer, &request), 0);
    assert_int_equal(wire_frame(buffer.data, buffer.size), first);
    assert_int_equal(wire_frame(buffer.data, first), first);
    assert_int_equal(wire_frame(buffer.data, first - 1), 0);
    assert_int_equal(wire_read_answer(buffer.data + WIRE_HEAD, first - WIRE_HEAD, &code, &back), 0);
    assert_int_equal(code, -ENOENT);
    assert_true(is_same(&back, object));
    if (back.type == FB_MP_STRING || back.type == FB_MP_BYTES)
        assert_int_equal(back.bytes[back.size], '\0');
    fb_mp_object_free(&back);
    size_t second = buffer.size - first;
    assert_int_equal(wire_frame(buffer.data + first, second), second);
    assert_int_equal(wire_read_request(buffer.data + first + WIRE_HEAD, second - WIRE_HEAD, &read),
                     0);
    assert_int_equal(read.op, request.op);
    assert_true(read.id == request.id && read.timeout_ns == request.timeout_ns);
    assert_int_equal(read.thread, 7);
    assert_int_equal(read.arguments, 2);
    assert_true(is_same(&read.argument[0], object) && is_same(&read.argument[1], object));
    wire_request_free(&read);
    msgpack_sbuffer_destroy(&buffer);
}

static void every_kind_travels(void **state)
{
    (void)state;
    static char big[BIG];
    static struct fb_mp_object many[10000];
    const int64_t integers[] = { INT64_MIN, INT32_MIN, -32769, -129, -33, -32,   -1,
                                 0,         1,         127,    128,  255, 65536, (int64_t)1 << 32,
                                 INT64_MAX };
    const double reals[] = { 0.0, -0.0, 0.1, INFINITY, -INFINITY, NAN, 5e-324, 1.7e308 };
    const struct fb_mp_object others[] = { fb_mp_nil(),
                                           fb_mp_bool(true),
                                           fb_mp_bool(false),
                                           fb_mp_string(""),
                                           fb_mp_bytes(NULL, 0),
                                           fb_mp_string("h\xc3\xa9"),
                                           fb_mp_string("\xff\xfe"),
                                           fb_mp_bytes("a\0b", 3),
                                           fb_mp_bytes(big, BIG),
                                           fb_mp_list(NULL, 0),
                                           fb_mp_dict(NULL, 0),
                                           fb_mp_list(many, 10000),
                                           fb_mp_dict(many, 5000) };
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)(i % 251);
    for (int i = 0; i < 10000; i++)
        many[i] = fb_mp_integer(i);
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        travel(&(struct fb_mp_object){ .type = FB_MP_INTEGER, .integer = integers[i] });
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        travel(&(struct fb_mp_object){ .type = FB_MP_DOUBLE, .real = reals[i] });
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        travel(&others[i]);
    struct fb_mp_object text = fb_mp_bytes(big, BIG); /* a string may contain '\0' too */
    text.type = FB_MP_STRING;
    travel(&text);
}

static void random_values_travel(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct fb_mp_object object = random_object(4);
        travel(&object);
        fb_mp_object_free(&object);
    }
}

/* Whoever gets a list of dict items gets two lists more than were put. */
static void depth_is_limited(void **state)
{
    (void)state;
    struct fb_mp_object levels[FB_MP_DEPTH + 3][2];
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    for (enum fb_mp_type type = FB_MP_LIST; type <= FB_MP_DICT; type++) {
        struct wire_request request = { .arguments = 1 };
        struct fb_mp_object back, object = nested(type, FB_MP_DEPTH, fb_mp_nil(), levels);
        int code;
        travel(&object);
        request.argument[0] = nested(type, FB_MP_DEPTH + 1, fb_mp_nil(), levels);
        assert_int_equal(wire_pack_key(&buffer, "before", 6), 0);
        size_t before = buffer.size;
        assert_int_equal(wire_pack_request(&buffer, &request), -ELOOP);
        assert_int_equal(buffer.size, before);
        object = nested(type, FB_MP_DEPTH + 3, fb_mp_nil(), levels);
        assert_int_equal(wire_pack_answer(&buffer, 0, &object), -ELOOP);
        assert_int_equal(buffer.size, before);
        object = nested(type, FB_MP_DEPTH + 2, fb_mp_nil(), levels);
        assert_int_equal(wire_pack_answer(&buffer, 0, &object), 0);
        assert_int_equal(wire_read_answer(buffer.data + before + WIRE_HEAD,
                                          buffer.size - before - WIRE_HEAD, &code, &back),
                         0);
        assert_true(is_same(&back, &object));
        fb_mp_object_free(&back);
    }
    msgpack_sbuffer_destroy(&buffer);
}

/* ---- damage ---- */

/* What was read is a value like any other. */
static void check_value(struct fb_mp_object *object)
{
    struct fb_mp_object copy, back;
    msgpack_sbuffer buffer;
    int code;
    assert_int_equal(fb_mp_object_copy(object, &copy), 0);
    assert_true(is_same(object, &copy));
    msgpack_sbuffer_init(&buffer);
    int result = wire_pack_answer(&buffer, 0, &copy);
    if (result == 0) {
        assert_int_equal(
            wire_read_answer(buffer.data + WIRE_HEAD, buffer.size - WIRE_HEAD, &code, &back), 0);
        assert_true(is_same(&back, object));
        fb_mp_object_free(&back);
    } else
        assert_int_equal(result, -ELOOP); /* damage made it deep */
    msgpack_sbuffer_destroy(&buffer);
    fb_mp_object_free(&copy);
    fb_mp_object_free(object);
}

/* Reads it in both ways, from memory with nothing after it. Whether one of them worked. */
static bool read_all(const char *bytes, size_t size)
{
    char *body = malloc(size ? size : 1);
    struct wire_request request;
    struct fb_mp_object object;
    int code = 1, result[2];
    assert_non_null(body);
    memcpy(body, bytes, size);
    if ((result[0] = wire_read_request(body, size, &request)) == 0) {
        assert_true(request.op < WIRE_OPS && request.arguments <= WIRE_ARGUMENTS);
        for (size_t i = 0; i < request.arguments; i++)
            check_value(&request.argument[i]); /* which leaves nil */
        wire_request_free(&request);
    }
    if ((result[1] = wire_read_answer(body, size, &code, &object)) == 0) {
        assert_true(code <= 0);
        check_value(&object);
    }
    for (int i = 0; i < 2; i++)
        assert_true(result[i] == 0 || result[i] == -EPROTO || result[i] == -ENOMEM);
    free(body);
    return result[0] == 0 || result[1] == 0;
}

/* A frame of one of the kinds. Its body's size. */
static size_t random_frame(msgpack_sbuffer *buffer)
{
    struct wire_request request = { .op = (enum wire_op)below(WIRE_OPS),
                                    .id = below(SIZE_MAX / 4),
                                    .timeout_ns = (int64_t)below(3) - 1,
                                    .thread = 1000,
                                    .arguments = below(WIRE_ARGUMENTS + 1) };
    struct fb_mp_object answer = random_object(3);
    for (size_t i = 0; i < request.arguments; i++)
        request.argument[i] = random_object(2);
    msgpack_sbuffer_clear(buffer);
    int result = 0;
    if (below(3) == 0)
        result = wire_pack_answer(buffer, -(int)below(3), &answer);
    else
        result = wire_pack_request(buffer, &request);
    assert_int_equal(result, 0);
    wire_request_free(&request);
    fb_mp_object_free(&answer);
    return buffer->size - WIRE_HEAD;
}

static void truncated_frames_are_refused(void **state)
{
    (void)state;
    msgpack_sbuffer buffer;
    msgpack_sbuffer_init(&buffer);
    for (int i = 0; i < 300; i++) {
        size_t size = random_frame(&buffer);
        if (size > 5000)
            continue;
        assert_true(read_all(buffer.data + WIRE_HEAD, size));
        for (size_t cut = 0; cut < size; cut++) {
            assert_false(read_all(buffer.data + WIRE_HEAD, cut));
            assert_int_equal(wire_frame(buffer.data, WIRE_HEAD + cut), 0);
        }
        msgpack_sbuffer_write(&buffer, "\xc0", 1); /* one byte too many is as wrong */
        assert_false(read_all(buffer.data + WIRE_HEAD, size + 1));
    }
    msgpack_sbuffer_destroy(&buffer);
}

static void damaged_frames_do_no_harm(void **state)
{
    (void)state;
    msgpack_sbuffer buffer;
    unsigned read = 0;
    msgpack_sbuffer_init(&buffer);
    for (int i = 0; i < 2 * ROUNDS; i++) {
        size_t size = random_frame(&buffer);
        for (size_t flips = 1 + below(4); flips > 0; flips--)
            buffer.data[WIRE_HEAD + below(size < 64 ? size : 64)] ^= (char)(1u << below(8));
        read += read_all(buffer.data + WIRE_HEAD, size);
    }
    msgpack_sbuffer_destroy(&buffer);
    assert_true(read > 0 && read < 2 * ROUNDS);
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    char bytes[64];
    for (int i = 0; i < 10 * ROUNDS; i++) {
        size_t size = below(sizeof bytes + 1);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (char)below(256);
        if (size && i % 2)
            bytes[0] = (char)(0x91 + below(6)); /* an array, as a frame has to be */
        read_all(bytes, size);
    }
    for (uint64_t length = 1; length <= UINT32_MAX; length *= 3) {
        uint32_t head = (uint32_t)length;
        assert_int_equal(wire_frame((const char *)&head, sizeof head),
                         length > WIRE_MOST ? -EPROTO : 0);
    }
    memset(bytes, (char)0x91, sizeof bytes); /* deeper than any value may be */
    assert_false(read_all(bytes, sizeof bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_order_is_one),
        cmocka_unit_test(the_order_is_by_value),
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(every_kind_travels),
        cmocka_unit_test(random_values_travel),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(truncated_frames_are_refused),
        cmocka_unit_test(damaged_frames_do_no_harm),
        cmocka_unit_test(random_bytes_do_no_harm),
    };
    return RUN_TESTS(tests);
}
