"""Answers to an HTTP/2 client (see h2_server_answer.pxd).

A request body that the upstream does not take yet stays in Stream.line; the client gets no more room until it is
passed on, so the stream's window bounds it.
"""

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.h2_send cimport (
    h2_consumed, h2_consumed_here, h2_send_data, h2_send_response, h2_send_trailers,
)
from mosn._fastpath.codec.h2_streams cimport h2_detach, h2_reset
from mosn._fastpath.codec.h2_types cimport (
    H2_INTERNAL_ERROR, H2_NO_ERROR, H2S_END_QUEUED, H2S_REMOTE_END, H2Stream,
)
from mosn._fastpath.engine.types cimport C_HIGH, Conn
from mosn._fastpath.head cimport H_CONTENT_LENGTH, M_HEAD, Head, head_remove
from mosn._fastpath.memory cimport Buf, buf_append, buf_len, buf_release
from mosn._fastpath.proxy.h2_server_life cimport h2_server_after, h2_server_wrote
from mosn._fastpath.proxy.h2_server_types cimport H2Server
from mosn._fastpath.proxy.request cimport request_prepare, response_prepare
from mosn._fastpath.proxy.runtime cimport (
    S_CONNECT, S_DONE, S_DOWN_PAUSED, S_RESPONSE_ENDED, DownstreamOps, Stream,
)
from mosn._fastpath.proxy.stream cimport stream_request_data, stream_request_trailers, stream_takes_data
from mosn._fastpath.shm.segment cimport count, gauge
from mosn._fastpath.shm.stats cimport H2G_STREAMS_ACTIVE, HT_CX_TX_BYTES

cdef enum:
    ENDS = 1
    ENDS_WITH_TRAILERS = 2


cdef inline H2Server *server_of(const Stream *stream) noexcept nogil:
    return <H2Server *>stream.down


cdef inline H2Stream *h2_of(const Stream *stream) noexcept nogil:
    return <H2Stream *>stream.down_stream


cdef void wrote(Stream *stream, uint32_t before) noexcept nogil:
    cdef H2Server *server = server_of(stream)
    cdef uint32_t now = buf_len(&server.conn.outbuf)
    if now > before:
        stream.info.wire_sent += now - before
        count(server.proxy.region, server.stats + HT_CX_TX_BYTES, now - before)
    h2_server_wrote(server)


# -- stream -> client

cdef void send_1xx(Stream *stream, Head *head) noexcept nogil:
    cdef uint32_t before = buf_len(&server_of(stream).conn.outbuf)
    if stream.down_stream != NULL and head.status != 101:
        h2_send_response(&server_of(stream).h2, h2_of(stream), head, False)
        wrote(stream, before)


cdef void send_head(Stream *stream, Head *head, bint end) noexcept nogil:
    cdef uint32_t before = buf_len(&server_of(stream).conn.outbuf)
    if stream.down_stream == NULL:
        return
    if stream.flags & S_CONNECT and 200 <= head.status < 300:
        head_remove(head, H_CONTENT_LENGTH)
    h2_send_response(&server_of(stream).h2, h2_of(stream), head, end)
    wrote(stream, before)


cdef void send_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef uint32_t before = buf_len(&server_of(stream).conn.outbuf)
    if stream.down_stream == NULL:
        return
    if stream.request.method_id == M_HEAD:
        n = 0
    if n or end:
        h2_send_data(&server_of(stream).h2, h2_of(stream), p, n, end)
        wrote(stream, before)


cdef void send_trailers(Stream *stream, Head *trailers) noexcept nogil:
    cdef uint32_t before = buf_len(&server_of(stream).conn.outbuf)
    if stream.down_stream != NULL:
        h2_send_trailers(&server_of(stream).h2, h2_of(stream), trailers)
        wrote(stream, before)


cdef void nothing(Stream *stream) noexcept nogil:
    # pause: what comes is kept, and no room is given back.  abort: `finished` sees that the answer is not complete.
    pass


cdef bint above_high(Stream *stream) noexcept nogil:
    cdef H2Server *server = server_of(stream)
    if server.conn.flags & C_HIGH:
        return True
    return stream.down_stream != NULL and buf_len(&h2_of(stream).queue) >= server.conn.high_water


cdef Conn *splice_target(Stream *stream) noexcept nogil:
    return NULL


cdef void finished(Stream *stream) noexcept nogil:
    cdef H2Server *server = server_of(stream)
    cdef H2Stream *h2_stream = h2_of(stream)
    unlink(server, stream)
    h2_consumed_here(&server.h2, buf_len(&stream.line))
    if h2_stream != NULL:
        stream.down_stream = NULL
        if not stream.flags & S_RESPONSE_ENDED:
            h2_reset(&server.h2, h2_stream, H2_INTERNAL_ERROR)
        elif not h2_stream.flags & (H2S_REMOTE_END | H2S_END_QUEUED):
            h2_reset(&server.h2, h2_stream, H2_NO_ERROR)       # RFC 9113 8.1: the rest is not needed
        h2_detach(&server.h2, h2_stream)
    h2_server_wrote(server)
    h2_server_after(server)


cdef void unlink(H2Server *server, Stream *stream) noexcept nogil:
    if stream.younger != NULL:
        stream.younger.older = stream.older
    else:
        server.streams = stream.older
    if stream.older != NULL:
        stream.older.younger = stream.younger
    server.in_flight -= 1
    gauge(server.proxy.region, server.proxy.h2_gauges + H2G_STREAMS_ACTIVE, -1)


# -- the request's body

cdef void keep(Stream *stream, const char *p, size_t n, int then) noexcept nogil:
    cdef H2Server *server = server_of(stream)
    stream.flags |= S_DOWN_PAUSED
    if buf_append(&server.conn.engine.pool, &stream.line, p, n) < 0:
        h2_reset(&server.h2, h2_of(stream), H2_INTERNAL_ERROR)
        return
    if then:
        stream.down_end = <unsigned char>then


cdef void h2_server_body(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef H2Server *server = server_of(stream)
    cdef H2Stream *h2_stream = h2_of(stream)
    if stream.line.data != NULL or not stream_takes_data(stream):
        keep(stream, p, n, ENDS if end else 0)
        return
    stream_request_data(stream, p, n, end)
    h2_consumed(&server.h2, h2_stream, <uint32_t>n)


cdef void h2_server_trailers(Stream *stream) noexcept nogil:
    if stream.line.data != NULL or not stream_takes_data(stream):
        keep(stream, NULL, 0, ENDS_WITH_TRAILERS)
        return
    end_request(stream, ENDS_WITH_TRAILERS)


cdef void end_request(Stream *stream, int how) noexcept nogil:
    if how == ENDS_WITH_TRAILERS and stream.request_trailers.count:
        stream_request_trailers(stream)
    else:
        stream_request_data(stream, NULL, 0, True)


cdef void resume(Stream *stream) noexcept nogil:
    # The upstream takes bytes (again): those that were kept, and then more from the client.
    cdef H2Server *server = server_of(stream)
    cdef H2Stream *h2_stream = h2_of(stream)
    cdef Buf kept = stream.line
    cdef uint32_t n = buf_len(&kept)
    cdef int how = stream.down_end
    if h2_stream == NULL or (n == 0 and how == 0):
        return
    stream.line.data = NULL
    stream.line.start = stream.line.end = stream.line.capacity = 0
    stream.down_end = 0
    if n:
        stream_request_data(stream, kept.data + kept.start, n, how == ENDS)
    if not stream.flags & S_DONE and (n == 0 or how == ENDS_WITH_TRAILERS) and how:
        end_request(stream, how)
    buf_release(&server.conn.engine.pool, &kept)
    h2_consumed(&server.h2, h2_stream, n)
    h2_server_wrote(server)


cdef DownstreamOps OPS
OPS.prepare = request_prepare
OPS.respond = response_prepare
OPS.send_1xx = send_1xx
OPS.send_head = send_head
OPS.send_data = send_data
OPS.send_trailers = send_trailers
OPS.abort = nothing
OPS.pause = nothing
OPS.resume = resume
OPS.tunnel = resume
OPS.finished = finished
OPS.above_high = above_high
OPS.splice_target = splice_target


cdef const DownstreamOps *h2_server_answer_ops() noexcept nogil:
    return &OPS
