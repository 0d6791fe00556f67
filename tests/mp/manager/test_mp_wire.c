/* harness/mp/manager/wire.c: values are encoded and decoded without change, and invalid frames are refused. */
#include "tests/support/support.h"

#include "tests/mp/manager/random_objects.h"

#include "harness/mp/manager/wire.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#define BIG ((size_t)1 << 20)
#define ROUNDS 10000

/* ---- encoding and decoding ---- */

/* `inner`, nested in depth lists, or in dicts with the key 1; levels is their memory. */
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

/* Encodes and decodes the value as an answer and as both arguments of a request. */
static void check_round_trip(const struct fb_mp_object *object)
{
    msgpack_sbuffer buffer;
    struct fb_mp_object back;
    struct wire_request read, request = { .op = WIRE_LIST_SET,
                                          .id = INT64_MAX,
                                          .timeout_ns = (int64_t)objects_bits(),
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
    assert_int_equal(wire_read_answer(buffer.data + WIRE_HEADER, first - WIRE_HEADER, &code, &back),
                     0);
    assert_int_equal(code, -ENOENT);
    assert_true(objects_same(&back, object));
    if (back.type == FB_MP_STRING || back.type == FB_MP_BYTES)
        assert_int_equal(back.bytes[back.size], '\0');
    fb_mp_object_free(&back);
    size_t second = buffer.size - first;
    assert_int_equal(wire_frame(buffer.data + first, second), second);
    assert_int_equal(
        wire_read_request(buffer.data + first + WIRE_HEADER, second - WIRE_HEADER, &read), 0);
    assert_int_equal(read.op, request.op);
    assert_true(read.id == request.id && read.timeout_ns == request.timeout_ns);
    assert_int_equal(read.thread, 7);
    assert_int_equal(read.arguments, 2);
    assert_true(objects_same(&read.argument[0], object) && objects_same(&read.argument[1], object));
    wire_request_free(&read);
    msgpack_sbuffer_destroy(&buffer);
}

static void every_type_is_preserved(void **state)
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
        check_round_trip(&(struct fb_mp_object){ .type = FB_MP_INTEGER, .integer = integers[i] });
    for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
        check_round_trip(&(struct fb_mp_object){ .type = FB_MP_DOUBLE, .real = reals[i] });
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        check_round_trip(&others[i]);
    struct fb_mp_object text = fb_mp_bytes(big, BIG); /* a string may contain '\0', too */
    text.type = FB_MP_STRING;
    check_round_trip(&text);
}

static void random_values_are_preserved(void **state)
{
    (void)state;
    for (int i = 0; i < ROUNDS; i++) {
        struct fb_mp_object object = objects_random(4);
        check_round_trip(&object);
        fb_mp_object_free(&object);
    }
}

/* An answer may be nested two levels deeper than a stored value: the items of a dict. */
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
        check_round_trip(&object);
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
        assert_int_equal(wire_read_answer(buffer.data + before + WIRE_HEADER,
                                          buffer.size - before - WIRE_HEADER, &code, &back),
                         0);
        assert_true(objects_same(&back, &object));
        fb_mp_object_free(&back);
    }
    msgpack_sbuffer_destroy(&buffer);
}

/* ---- invalid frames ---- */

/* A value from a damaged frame can be copied, encoded and decoded like any other. */
static void check_value(struct fb_mp_object *object)
{
    struct fb_mp_object copy, back;
    msgpack_sbuffer buffer;
    int code;
    assert_int_equal(fb_mp_object_copy(object, &copy), 0);
    assert_true(objects_same(object, &copy));
    msgpack_sbuffer_init(&buffer);
    int result = wire_pack_answer(&buffer, 0, &copy);
    if (result == 0) {
        assert_int_equal(
            wire_read_answer(buffer.data + WIRE_HEADER, buffer.size - WIRE_HEADER, &code, &back),
            0);
        assert_true(objects_same(&back, object));
        fb_mp_object_free(&back);
    } else
        assert_int_equal(result, -ELOOP); /* the damage nested it too deep */
    msgpack_sbuffer_destroy(&buffer);
    fb_mp_object_free(&copy);
    fb_mp_object_free(object);
}

/* Reads a body as a request and as an answer, from memory of exactly its size. Returns whether one succeeded. */
static bool read_all(const char *bytes, size_t size)
{
    char *body = malloc(size ? size : 1);
    struct wire_request request;
    struct fb_mp_object object;
    int code = 1, result[2];
    assert_non_null(body);
    memcpy(body, bytes, size);
    if ((result[0] = wire_read_request(body, size, &request)) == 0) {
        assert_true(request.op < WIRE_OPS && request.arguments <= WIRE_ARGUMENTS_MAX);
        for (size_t i = 0; i < request.arguments; i++)
            check_value(&request.argument[i]); /* leaves nil */
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

/* Writes a random request or answer. Returns the size of its body. */
static size_t random_frame(msgpack_sbuffer *buffer)
{
    struct wire_request request = { .op = (enum wire_op)objects_below(WIRE_OPS),
                                    .id = objects_below(SIZE_MAX / 4),
                                    .timeout_ns = (int64_t)objects_below(3) - 1,
                                    .thread = 1000,
                                    .arguments = objects_below(WIRE_ARGUMENTS_MAX + 1) };
    struct fb_mp_object answer = objects_random(3);
    for (size_t i = 0; i < request.arguments; i++)
        request.argument[i] = objects_random(2);
    msgpack_sbuffer_clear(buffer);
    int result = 0;
    if (objects_below(3) == 0)
        result = wire_pack_answer(buffer, -(int)objects_below(3), &answer);
    else
        result = wire_pack_request(buffer, &request);
    assert_int_equal(result, 0);
    wire_request_free(&request);
    fb_mp_object_free(&answer);
    return buffer->size - WIRE_HEADER;
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
        assert_true(read_all(buffer.data + WIRE_HEADER, size));
        for (size_t cut = 0; cut < size; cut++) {
            assert_false(read_all(buffer.data + WIRE_HEADER, cut));
            assert_int_equal(wire_frame(buffer.data, WIRE_HEADER + cut), 0);
        }
        msgpack_sbuffer_write(&buffer, "\xc0", 1); /* one byte too many */
        assert_false(read_all(buffer.data + WIRE_HEADER, size + 1));
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
        for (size_t flips = 1 + objects_below(4); flips > 0; flips--)
            buffer.data[WIRE_HEADER + objects_below(size < 64 ? size : 64)] ^=
                (char)(1u << objects_below(8));
        read += read_all(buffer.data + WIRE_HEADER, size);
    }
    msgpack_sbuffer_destroy(&buffer);
    assert_true(read > 0 && read < 2 * ROUNDS);
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    char bytes[64];
    for (int i = 0; i < 10 * ROUNDS; i++) {
        size_t size = objects_below(sizeof bytes + 1);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (char)objects_below(256);
        if (size && i % 2)
            bytes[0] = (char)(0x91 + objects_below(6)); /* an array, like every frame */
        read_all(bytes, size);
    }
    for (uint64_t length = 1; length <= UINT32_MAX; length *= 3) {
        uint32_t head = (uint32_t)length;
        assert_int_equal(wire_frame((const char *)&head, sizeof head),
                         length > WIRE_FRAME_MAX ? -EPROTO : 0);
    }
    memset(bytes, (char)0x91, sizeof bytes); /* nested too deep */
    assert_false(read_all(bytes, sizeof bytes));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_is_preserved),   cmocka_unit_test(random_values_are_preserved),
        cmocka_unit_test(depth_is_limited),          cmocka_unit_test(truncated_frames_are_refused),
        cmocka_unit_test(damaged_frames_do_no_harm), cmocka_unit_test(random_bytes_do_no_harm),
    };
    return RUN_TESTS(tests);
}
