/* The protocol between a manager's server and its clients: frames of a length (4 bytes) and a
 * MessagePack array. */
#ifndef FB_MP_WIRE_H
#define FB_MP_WIRE_H

#include "harness/mp/manager/object.h"

#include <msgpack/sbuffer.h>

#define WIRE_HEADER 4             /* bytes of the length */
#define WIRE_FRAME_MAX (1u << 30) /* bytes */

enum wire_op {
    /* Arguments: the kind, and the first value or capacity. The answer is the new object's id. */
    WIRE_MAKE,
    /* For objects of any kind. */
    WIRE_REFER,
    WIRE_UNREFER,
    /* For one kind each: see the tables of operations in store*.c. */
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
    /* Sent after a get on the same connection, without an answer: the item was received, or not. */
    WIRE_QUEUE_TAKEN,
    WIRE_QUEUE_NOT_TAKEN,
    WIRE_QUEUE_SIZE,
    WIRE_LOCK_ACQUIRE,
    WIRE_LOCK_RELEASE,
    WIRE_OPS
};

enum wire_kind { WIRE_LIST, WIRE_DICT, WIRE_VALUE, WIRE_QUEUE, WIRE_LOCK, WIRE_KINDS };

#define WIRE_ARGUMENTS_MAX 2 /* of an operation */

/* A request is [op, id, timeout_ns, thread, argument…]; an answer is [result, value]. The first
 * frame of a connection contains the key, as raw bytes, and is answered like a request. If the key
 * is wrong, the server reads nothing else and closes the connection. */
struct wire_request {
    enum wire_op op;
    uint64_t id;
    int64_t timeout_ns;
    int64_t thread; /* the id of the calling thread */
    struct fb_mp_object argument[WIRE_ARGUMENTS_MAX];
    size_t arguments;
};

/* Append a frame. 0; -ENOMEM; -EMSGSIZE: a value is too large; -ELOOP: it is nested too deep.
 * Nothing is appended on errors. */
int wire_pack_request(msgpack_sbuffer *buffer, const struct wire_request *request);
int wire_pack_answer(msgpack_sbuffer *buffer, int result, const struct fb_mp_object *value);
int wire_pack_key(msgpack_sbuffer *buffer, const void *key, size_t size);

/* The size of the frame at the beginning of bytes, its header included; 0: it is incomplete;
 * -EPROTO: it is too large. */
int64_t wire_frame(const char *bytes, size_t size);

/* Read a frame's body. 0, and the caller frees what was read; -EPROTO or -ENOMEM. */
int wire_read_request(const char *body, size_t size, struct wire_request *ret_request);
int wire_read_answer(const char *body, size_t size, int *ret_result,
                     struct fb_mp_object *ret_value);

void wire_request_free(struct wire_request *request);

#endif
