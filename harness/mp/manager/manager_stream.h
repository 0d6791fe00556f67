/* The server's end of a connection: frames that come in, answers that go out. Nothing here waits.
 */
#ifndef FB_MP_MANAGER_STREAM_H
#define FB_MP_MANAGER_STREAM_H

#include "harness/mp/manager/wire.h"

#include <stdbool.h>

/* What the streams of a server share. */
struct stream_set {
    int epoll;   /* its events name the stream */
    bool broken; /* one of them is */
};

struct stream {
    struct stream_set *set;
    int fd;
    char *in; /* what has come: [in_size], of which in_done bytes are done with */
    size_t in_size, in_done, in_room;
    msgpack_sbuffer out;
    size_t sent;
    bool broken; /* it is of no use any more, and waits for its end */
};

/* Takes over fd, also if that fails. 0 or a negative errno. */
int stream_open(struct stream *stream, struct stream_set *set, int fd);
void stream_close(struct stream *stream);

void stream_break(struct stream *stream);

/* Reads what is there now; breaks the stream at its end. */
void stream_receive(struct stream *stream);

/* The next frame that is there in whole: its body, readable until the next call. */
bool stream_next(struct stream *stream, const char **ret_body, size_t *ret_size);

/* Sends an answer, as much of it as goes now, the rest when there is room. Whether it could be said
 * at all: if not, that is the answer, and if not even that, the stream is broken. */
bool stream_answer(struct stream *stream, int result, const struct fb_mp_object *value);

/* There is room for more. */
void stream_flush(struct stream *stream);

#endif
