/* The server's end of a connection: receives frames and sends answers, without blocking. */
#ifndef FB_MP_MANAGER_STREAM_H
#define FB_MP_MANAGER_STREAM_H

#include "harness/mp/manager/wire.h"

#include <stdbool.h>

/* State that all streams of a server share. */
struct stream_set {
    int epoll;   /* data.ptr of its events is the stream */
    bool broken; /* at least one stream is broken */
};

struct stream {
    struct stream_set *set;
    int fd;
    char *in; /* received bytes: [in_size], of which the first in_done have been processed */
    size_t in_size, in_done, in_room;
    msgpack_sbuffer out;
    size_t sent; /* bytes of out */
    bool broken; /* unusable; the server will close it */
};

/* Takes ownership of fd, even on failure. 0 or a negative errno. */
int stream_open(struct stream *stream, struct stream_set *set, int fd);
void stream_close(struct stream *stream);

void stream_break(struct stream *stream);

/* Reads the bytes that are available; breaks the stream at end of file. */
void stream_receive(struct stream *stream);

/* The body of the next complete frame, valid until the next call. False: there is none. */
bool stream_next(struct stream *stream, const char **ret_body, size_t *ret_size);

/* Sends an answer: as much as possible now, the rest from stream_flush. False: the answer could not
 * be encoded; the error was sent instead, or, without memory even for that, the stream is broken. */
bool stream_answer(struct stream *stream, int result, const struct fb_mp_object *value);

/* The socket is writable again: sends more of the pending answers. */
void stream_flush(struct stream *stream);

#endif
