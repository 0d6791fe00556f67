/* What a manager's server and its clients say to each other: frames of a length (4 bytes) and a
 * MessagePack array. */
#ifndef FB_MP_WIRE_H
#define FB_MP_WIRE_H

#include "harness/mp/manager/object.h"

#include <msgpack/sbuffer.h>

#define WIRE_HEAD 4          /* bytes of the length */
#define WIRE_MOST (1u << 30) /* bytes of a frame at most */

enum wire_op {
    /* Without an object: what to make; then what else is needed. Answers with its id. */
    WIRE_MAKE,
    /* Of any object. */
    WIRE_REFER,
    WIRE_UNREFER,
    /* Of the kinds, by their tables in the server. */
    WIRE_LIST_APPEND,
    WIRE_LIST_EXTEND,
    WIRE_LIST_GET,
    WIRE_LIST_SET,
    WIRE_LIST_INSERT,
    WIRE_LIST_POP,
    WIRE_LIST_REMOVE,
    WIRE_LIST_CLEAR,
    WIRE_LIST_LENGTH,
    WIRE_LIST_COPY,
    WIRE_DICT_GET,
    WIRE_DICT_SET,
    WIRE_DICT_POP,
    WIRE_DICT_CONTAINS,
    WIRE_DICT_UPDATE,
    WIRE_DICT_KEYS,
    WIRE_DICT_VALUES,
    WIRE_DICT_ITEMS,
    WIRE_DICT_CLEAR,
    WIRE_DICT_LENGTH,
    WIRE_VALUE_GET,
    WIRE_VALUE_SET,
    WIRE_QUEUE_PUT,
    WIRE_QUEUE_GET,
    /* Without an answer: what the last get on this connection brought has arrived; or has not. */
    WIRE_QUEUE_TAKEN,
    WIRE_QUEUE_NOT_TAKEN,
    WIRE_QUEUE_SIZE,
    WIRE_LOCK_ACQUIRE,
    WIRE_LOCK_RELEASE,
    WIRE_OPS
};

enum wire_kind { WIRE_LIST, WIRE_DICT, WIRE_VALUE, WIRE_QUEUE, WIRE_LOCK, WIRE_KINDS };

#define WIRE_ARGUMENTS 2 /* of an operation at most */

/* A request is [op, id, timeout_ns, thread, argument…]; an answer is [result, value]. The first
 * frame of a connection is the key, as it is: who does not know it gets nothing else read. Its
 * answer is as any other. */
struct wire_request {
    enum wire_op op;
    uint64_t id;
    int64_t timeout_ns;
    int64_t thread; /* who asks, among those of its process */
    struct fb_mp_object argument[WIRE_ARGUMENTS];
    size_t arguments;
};

/* Both append a frame. 0, -ENOMEM, -EMSGSIZE: a value is too large, or -ELOOP: nested too deep;
 * then nothing is appended. */
int wire_pack_request(msgpack_sbuffer *buffer, const struct wire_request *request);
int wire_pack_answer(msgpack_sbuffer *buffer, int result, const struct fb_mp_object *value);
int wire_pack_key(msgpack_sbuffer *buffer, const void *key, size_t size);

/* The length of the frame that begins there, its head included; 0: not all of it is there; -EPROTO.
 */
int64_t wire_frame(const char *bytes, size_t size);

/* Read a frame's body. 0, and what was read is the caller's to be freed; -EPROTO or -ENOMEM. */
int wire_read_request(const char *body, size_t size, struct wire_request *ret_request);
int wire_read_answer(const char *body, size_t size, int *ret_result,
                     struct fb_mp_object *ret_value);

void wire_request_free(struct wire_request *request);

#endif
