#include "harness/mp/manager/wire.h"

#include <errno.h>
#include <msgpack.h>
#include <stdlib.h>

/* ---- writing ---- */

static int pack(msgpack_packer *packer, const struct fb_mp_object *object, int depth);

static int pack_parts(msgpack_packer *packer, const struct fb_mp_object *object, int depth)
{
    if (depth == FB_MP_DEPTH)
        return -ELOOP;
    if (object->count > WIRE_FRAME_MAX)
        return -EMSGSIZE;
    int code = object->type == FB_MP_LIST ? msgpack_pack_array(packer, object->count)
                                          : msgpack_pack_map(packer, object->count);
    int result = code ? -ENOMEM : 0;
    size_t parts = fb_mp_object_parts(object);
    for (size_t i = 0; i < parts && result == 0; i++)
        result = pack(packer, &object->items[i], depth + 1);
    return result;
}

static int pack(msgpack_packer *packer, const struct fb_mp_object *object, int depth)
{
    int code = 0;
    switch (object->type) {
    case FB_MP_NIL:
        code = msgpack_pack_nil(packer);
        break;
    case FB_MP_BOOL:
        code = object->boolean ? msgpack_pack_true(packer) : msgpack_pack_false(packer);
        break;
    case FB_MP_INTEGER:
        code = msgpack_pack_int64(packer, object->integer);
        break;
    case FB_MP_DOUBLE:
        code = msgpack_pack_double(packer, object->real);
        break;
    case FB_MP_STRING:
    case FB_MP_BYTES:
        if (object->size > WIRE_FRAME_MAX)
            return -EMSGSIZE;
        code = object->type == FB_MP_STRING
                   ? msgpack_pack_str_with_body(packer, object->bytes, object->size)
                   : msgpack_pack_bin_with_body(packer, object->bytes, object->size);
        break;
    case FB_MP_LIST:
    case FB_MP_DICT:
        return pack_parts(packer, object, depth);
    default:
        return -EINVAL;
    }
    return code ? -ENOMEM : 0;
}

/* Begins a frame. Returns its offset in the buffer. */
static size_t begin(msgpack_sbuffer *buffer, msgpack_packer *packer, int *ret_result)
{
    static const char head[WIRE_HEADER];
    size_t start = buffer->size;
    msgpack_packer_init(packer, buffer, msgpack_sbuffer_write);
    *ret_result = msgpack_sbuffer_write(buffer, head, sizeof head) ? -ENOMEM : 0;
    return start;
}

/* Writes the frame's length, or removes the frame if result is an error. */
static int end(msgpack_sbuffer *buffer, size_t start, int result)
{
    size_t body = buffer->size - start - WIRE_HEADER;
    if (result == 0 && body > WIRE_FRAME_MAX)
        result = -EMSGSIZE;
    uint32_t length = (uint32_t)body;
    if (result == 0)
        memcpy(buffer->data + start, &length, sizeof length);
    else
        buffer->size = start;
    return result;
}

int wire_pack_request(msgpack_sbuffer *buffer, const struct wire_request *request)
{
    msgpack_packer packer;
    int result;
    size_t start = begin(buffer, &packer, &result);
    if (result == 0 &&
        (msgpack_pack_array(&packer, 4 + request->arguments) ||
         msgpack_pack_int(&packer, (int)request->op) || msgpack_pack_uint64(&packer, request->id) ||
         msgpack_pack_int64(&packer, request->timeout_ns) ||
         msgpack_pack_int64(&packer, request->thread)))
        result = -ENOMEM;
    for (size_t i = 0; i < request->arguments && result == 0; i++)
        result = pack(&packer, &request->argument[i], 0);
    return end(buffer, start, result);
}

int wire_pack_answer(msgpack_sbuffer *buffer, int code, const struct fb_mp_object *value)
{
    msgpack_packer packer;
    int result;
    size_t start = begin(buffer, &packer, &result);
    if (result == 0 && (msgpack_pack_array(&packer, 2) || msgpack_pack_int(&packer, code)))
        result = -ENOMEM;
    if (result == 0)
        /* -2: copy and items nest a stored value in up to two lists. */
        result = pack(&packer, value, -2);
    return end(buffer, start, result);
}

int wire_pack_key(msgpack_sbuffer *buffer, const void *key, size_t size)
{
    msgpack_packer packer;
    int result;
    size_t start = begin(buffer, &packer, &result);
    if (result == 0 && msgpack_sbuffer_write(buffer, key, size))
        result = -ENOMEM;
    return end(buffer, start, result);
}

/* ---- reading ---- */

int64_t wire_frame(const char *bytes, size_t size)
{
    uint32_t length;
    if (size < WIRE_HEADER)
        return 0;
    memcpy(&length, bytes, sizeof length);
    if (length > WIRE_FRAME_MAX)
        return -EPROTO;
    return size - WIRE_HEADER < length ? 0 : (int64_t)length + WIRE_HEADER;
}

static int read_object(const msgpack_object *from, struct fb_mp_object *ret_object);

static int read_bytes(enum fb_mp_type type, const char *bytes, size_t size,
                      struct fb_mp_object *ret_object)
{
    const struct fb_mp_object there = { .type = type, .bytes = (char *)bytes, .size = size };
    return fb_mp_object_copy(&there, ret_object);
}

static int read_parts(const msgpack_object *from, struct fb_mp_object *ret_object)
{
    bool list = from->type == MSGPACK_OBJECT_ARRAY;
    struct fb_mp_object object = { .type = list ? FB_MP_LIST : FB_MP_DICT };
    object.count = list ? from->via.array.size : from->via.map.size;
    size_t parts = fb_mp_object_parts(&object);
    object.items = calloc(parts ? parts : 1, sizeof *object.items);
    if (!object.items)
        return -ENOMEM;
    int result = 0;
    for (size_t i = 0; i < parts && result == 0; i++) {
        const msgpack_object_kv *pair = list ? NULL : &from->via.map.ptr[i / 2];
        const msgpack_object *part = list    ? &from->via.array.ptr[i]
                                     : i % 2 ? &pair->val
                                             : &pair->key;
        result = read_object(part, &object.items[i]);
    }
    if (result < 0)
        fb_mp_object_free(&object);
    else
        *ret_object = object;
    return result;
}

static int read_object(const msgpack_object *from, struct fb_mp_object *ret_object)
{
    switch (from->type) {
    case MSGPACK_OBJECT_NIL:
        *ret_object = fb_mp_nil();
        return 0;
    case MSGPACK_OBJECT_BOOLEAN:
        *ret_object = fb_mp_bool(from->via.boolean);
        return 0;
    case MSGPACK_OBJECT_POSITIVE_INTEGER:
        if (from->via.u64 > INT64_MAX)
            return -EPROTO;
        *ret_object = fb_mp_integer((int64_t)from->via.u64);
        return 0;
    case MSGPACK_OBJECT_NEGATIVE_INTEGER:
        *ret_object = fb_mp_integer(from->via.i64);
        return 0;
    case MSGPACK_OBJECT_FLOAT32:
    case MSGPACK_OBJECT_FLOAT64:
        *ret_object = fb_mp_double(from->via.f64);
        return 0;
    case MSGPACK_OBJECT_STR:
        return read_bytes(FB_MP_STRING, from->via.str.ptr, from->via.str.size, ret_object);
    case MSGPACK_OBJECT_BIN:
        return read_bytes(FB_MP_BYTES, from->via.bin.ptr, from->via.bin.size, ret_object);
    case MSGPACK_OBJECT_ARRAY:
    case MSGPACK_OBJECT_MAP:
        return read_parts(from, ret_object);
    default:
        return -EPROTO;
    }
}

/* Reads a big-endian number of that many bytes. */
static uint64_t read_length(const unsigned char *at, unsigned bytes)
{
    uint64_t length = 0;
    for (unsigned i = 0; i < bytes; i++)
        length = length << 8 | at[i];
    return length;
}

/* What follows the type byte, by MessagePack's specification: length_bytes of a length, then that
 * many units of unit_bytes bytes and unit_items items each. known: a type that this protocol uses. */
struct form {
    unsigned char known, length_bytes, unit_bytes, unit_items;
};

static const struct form forms[0xe0 - 0xc0] = {
    [0x00] = { 1, 0, 0, 0 }, [0x02] = { 1, 0, 0, 0 }, [0x03] = { 1, 0, 0, 0 }, /* nil, bools */
    [0x04] = { 1, 1, 1, 0 }, [0x05] = { 1, 2, 1, 0 }, [0x06] = { 1, 4, 1, 0 }, /* bytes */
    [0x0a] = { 1, 0, 4, 0 }, [0x0b] = { 1, 0, 8, 0 },                          /* floats */
    [0x0c] = { 1, 0, 1, 0 }, [0x0d] = { 1, 0, 2, 0 }, [0x0e] = { 1, 0, 4, 0 }, /* integers */
    [0x0f] = { 1, 0, 8, 0 }, [0x10] = { 1, 0, 1, 0 }, [0x11] = { 1, 0, 2, 0 },
    [0x12] = { 1, 0, 4, 0 }, [0x13] = { 1, 0, 8, 0 }, [0x19] = { 1, 1, 1, 0 },
    [0x1a] = { 1, 2, 1, 0 }, [0x1b] = { 1, 4, 1, 0 }, /* strings */
    [0x1c] = { 1, 2, 0, 1 }, [0x1d] = { 1, 4, 0, 1 }, /* arrays */
    [0x1e] = { 1, 2, 0, 2 }, [0x1f] = { 1, 4, 0, 2 }, /* maps */
};

/* The form of a type. *ret_units: the length if the type byte contains it, otherwise 1. */
static struct form find_form(unsigned char type, uint64_t *ret_units)
{
    *ret_units = type < 0xa0 ? type & 0x0f : type & 0x1f;
    if (type >= 0x80 && type < 0xc0)
        return type < 0x90   ? (struct form){ 1, 0, 0, 2 }
               : type < 0xa0 ? (struct form){ 1, 0, 0, 1 }
                             : (struct form){ 1, 0, 1, 0 };
    *ret_units = 1;
    return type < 0x80 || type >= 0xe0 ? (struct form){ 1, 0, 0, 0 } : forms[type - 0xc0];
}

/* Whether the body is exactly one complete item. Checked first, because msgpack allocates memory for
 * a length before it checks how many bytes are available. */
static bool is_whole(const char *body, size_t size)
{
    const unsigned char *at = (const unsigned char *)body, *end = at + size;
    uint64_t items = 1;
    for (; items > 0; items--) {
        uint64_t units = 0;
        struct form form = at < end ? find_form(*at, &units) : (struct form){ 0 };
        if (!form.known || (size_t)(end - at - 1) < form.length_bytes)
            return false;
        if (form.length_bytes)
            units = read_length(at + 1, form.length_bytes);
        at += 1 + form.length_bytes;
        if (units * form.unit_bytes > (size_t)(end - at))
            return false;
        at += units * form.unit_bytes;
        items += units * form.unit_items;
        if (items > (size_t)(end - at) + 1) /* each takes at least a byte */
            return false;
    }
    return at == end;
}

/* Unpacks a frame's array of least to most items. unpacked must be destroyed in any case. */
static int unpack(msgpack_unpacked *unpacked, const char *body, size_t size, size_t least,
                  size_t most)
{
    size_t end = 0;
    msgpack_unpacked_init(unpacked);
    if (!is_whole(body, size))
        return -EPROTO;
    msgpack_unpack_return code = msgpack_unpack_next(unpacked, body, size, &end);
    if (code == MSGPACK_UNPACK_NOMEM_ERROR)
        return -ENOMEM;
    if (code != MSGPACK_UNPACK_SUCCESS || end != size ||
        unpacked->data.type != MSGPACK_OBJECT_ARRAY || unpacked->data.via.array.size < least ||
        unpacked->data.via.array.size > most)
        return -EPROTO;
    return 0;
}

/* Reads an integer from least to most. False: it is not one. */
static bool read_integer(const msgpack_object *item, int64_t least, int64_t most,
                         int64_t *ret_value)
{
    struct fb_mp_object object;
    if ((item->type != MSGPACK_OBJECT_POSITIVE_INTEGER &&
         item->type != MSGPACK_OBJECT_NEGATIVE_INTEGER) ||
        read_object(item, &object) < 0 || object.integer < least || object.integer > most)
        return false;
    *ret_value = object.integer;
    return true;
}

void wire_request_free(struct wire_request *request)
{
    for (size_t i = 0; i < request->arguments; i++)
        fb_mp_object_free(&request->argument[i]);
    request->arguments = 0;
}

int wire_read_request(const char *body, size_t size, struct wire_request *ret_request)
{
    msgpack_unpacked unpacked;
    struct wire_request request = { 0 };
    int64_t op = 0, id = 0;
    int result = unpack(&unpacked, body, size, 4, 4 + WIRE_ARGUMENTS_MAX);
    if (result == 0) {
        const msgpack_object *item = unpacked.data.via.array.ptr;
        if (!read_integer(&item[0], 0, WIRE_OPS - 1, &op) ||
            !read_integer(&item[1], 0, INT64_MAX, &id) ||
            !read_integer(&item[2], INT64_MIN, INT64_MAX, &request.timeout_ns) ||
            !read_integer(&item[3], 0, INT64_MAX, &request.thread))
            result = -EPROTO;
        for (size_t i = 4; i < unpacked.data.via.array.size && result == 0; i++)
            if ((result = read_object(&item[i], &request.argument[i - 4])) == 0)
                request.arguments++;
    }
    msgpack_unpacked_destroy(&unpacked);
    request.op = (enum wire_op)op;
    request.id = (uint64_t)id;
    if (result < 0)
        wire_request_free(&request);
    else
        *ret_request = request;
    return result;
}

int wire_read_answer(const char *body, size_t size, int *ret_result, struct fb_mp_object *ret_value)
{
    msgpack_unpacked unpacked;
    int64_t code = 0;
    int result = unpack(&unpacked, body, size, 2, 2);
    if (result == 0 && !read_integer(&unpacked.data.via.array.ptr[0], INT32_MIN, 0, &code))
        result = -EPROTO;
    if (result == 0)
        result = read_object(&unpacked.data.via.array.ptr[1], ret_value);
    msgpack_unpacked_destroy(&unpacked);
    if (result == 0)
        *ret_result = (int)code;
    return result;
}
