#include "harness/mp/manager/manager_stream.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_LEAST 4096 /* free bytes in the buffer before each read */
#define KEPT 65536      /* bytes; larger buffers are freed when they are empty */

int stream_open(struct stream *stream, struct stream_set *set, int fd)
{
    struct epoll_event event = { .events = EPOLLIN, .data.ptr = stream };
    *stream = (struct stream){ .set = set, .fd = fd };
    msgpack_sbuffer_init(&stream->out);
    if (epoll_ctl(set->epoll, EPOLL_CTL_ADD, fd, &event) == 0)
        return 0;
    int code = errno;
    close(fd);
    return -code;
}

void stream_close(struct stream *stream)
{
    close(stream->fd);
    msgpack_sbuffer_destroy(&stream->out);
    free(stream->in);
}

void stream_break(struct stream *stream)
{
    stream->broken = stream->set->broken = true;
}

/* ---- in ---- */

/* Makes room for a read, after the bytes that are not processed yet. */
static bool make_room(struct stream *stream)
{
    stream->in_size -= stream->in_done;
    if (stream->in_done && stream->in_size)
        memmove(stream->in, stream->in + stream->in_done, stream->in_size);
    stream->in_done = 0;
    if (stream->in_room - stream->in_size >= READ_LEAST)
        return true;
    size_t room = 2 * stream->in_room + READ_LEAST;
    char *in = room > 2 * (size_t)WIRE_FRAME_MAX ? NULL : realloc(stream->in, room);
    if (!in)
        return false;
    stream->in = in;
    stream->in_room = room;
    return true;
}

void stream_receive(struct stream *stream)
{
    if (!make_room(stream)) {
        stream_break(stream);
        return;
    }
    ssize_t got = recv(stream->fd, stream->in + stream->in_size, stream->in_room - stream->in_size,
                       MSG_DONTWAIT);
    if (got > 0)
        stream->in_size += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        stream_break(stream);
}

/* So that one large frame does not occupy memory as long as the connection exists. */
static void shrink_in(struct stream *stream)
{
    if (stream->in_done < stream->in_size || stream->in_room <= KEPT)
        return;
    free(stream->in);
    stream->in = NULL;
    stream->in_size = stream->in_done = stream->in_room = 0;
}

bool stream_next(struct stream *stream, const char **ret_body, size_t *ret_size)
{
    int64_t size = 0;
    if (!stream->broken && stream->in_size > stream->in_done)
        size = wire_frame(stream->in + stream->in_done, stream->in_size - stream->in_done);
    if (size < 0)
        stream_break(stream);
    if (size <= 0) {
        shrink_in(stream);
        return false;
    }
    *ret_body = stream->in + stream->in_done + WIRE_HEADER;
    *ret_size = (size_t)size - WIRE_HEADER;
    stream->in_done += (size_t)size;
    return true;
}

/* ---- out ---- */

static void watch(struct stream *stream)
{
    bool pending = stream->sent < stream->out.size;
    struct epoll_event event = { .events = EPOLLIN | (pending ? EPOLLOUT : 0), .data.ptr = stream };
    epoll_ctl(stream->set->epoll, EPOLL_CTL_MOD, stream->fd, &event);
}

/* Returns whether everything is sent. */
static bool send_pending(struct stream *stream)
{
    msgpack_sbuffer *out = &stream->out;
    while (stream->sent < out->size) {
        ssize_t sent = send(stream->fd, out->data + stream->sent, out->size - stream->sent,
                            MSG_NOSIGNAL | MSG_DONTWAIT);
        if (sent < 0 && errno == EAGAIN)
            return false;
        if (sent < 0 && errno != EINTR) {
            stream_break(stream);
            return false;
        }
        stream->sent += sent > 0 ? (size_t)sent : 0;
    }
    stream->sent = 0;
    if (out->alloc > KEPT) {
        msgpack_sbuffer_destroy(out);
        msgpack_sbuffer_init(out);
    } else
        msgpack_sbuffer_clear(out);
    return true;
}

bool stream_answer(struct stream *stream, int result, const struct fb_mp_object *value)
{
    const struct fb_mp_object nothing = fb_mp_nil();
    int packed = wire_pack_answer(&stream->out, result, result < 0 ? &nothing : value);
    if (packed < 0 && wire_pack_answer(&stream->out, packed, &nothing) < 0)
        stream_break(stream); /* no memory even for the error */
    if (!send_pending(stream) && !stream->broken)
        watch(stream);
    return packed == 0;
}

void stream_flush(struct stream *stream)
{
    send_pending(stream);
    if (!stream->broken)
        watch(stream);
}
