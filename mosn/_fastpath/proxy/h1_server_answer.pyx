"""Answers to an HTTP/1.1 client: framing, keep-alive, the end of an exchange (DownstreamOps)."""

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.http1 cimport (
    H1_BODY_CHUNKED, H1_BODY_LENGTH, H1_BODY_NONE, H1_BODY_TUNNEL, H1_BODY_UNTIL_CLOSE, h1_chunk_head,
    h1_write_response, h1_write_trailers,
)
from mosn._fastpath.engine.conn cimport (
    conn_abort, conn_close, conn_close_flushed, conn_close_gently, conn_flush_soon, conn_pause, conn_resume,
    conn_shutdown, conn_write, conn_write_large,
)
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, Conn
from mosn._fastpath.head cimport (
    HF_CLOSE, HF_HTTP10, H_CONNECTION, H_CONTENT_LENGTH, H_TRANSFER_ENCODING, H_UPGRADE, M_HEAD, Head,
    head_add_known, head_remove,
)
from mosn._fastpath.memory cimport buf_len
from mosn._fastpath.proxy.h1_server_life cimport h1_server_next, h1_server_too_old
from mosn._fastpath.proxy.request cimport request_prepare, response_prepare
from mosn._fastpath.proxy.runtime cimport (
    SERVER_CLOSING, SERVER_TUNNEL, S_CLOSE, S_CONNECT, S_REQUEST_ENDED, S_RESPONSE_ENDED, S_TUNNEL, DownstreamOps,
    H1Server, HttpManager, Proxy, Stream,
)
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    HT_CX_DRAIN_CLOSE, HT_CX_MAX_DURATION_REACHED, HT_CX_MAX_REQUESTS_REACHED, HT_CX_TX_BYTES,
)


cdef void frame_response(H1Server *server, Stream *stream, Head *head, bint end) noexcept nogil:
    # How the client will know where the body ends (RFC 9112 section 6.3).
    cdef bint bodiless = stream.request.method_id == M_HEAD or head.status == 204 or head.status == 304
    if head.status == 101 or (stream.flags & S_CONNECT and 200 <= head.status < 300):
        server.response_body = H1_BODY_TUNNEL
        head_remove(head, H_CONTENT_LENGTH)
    elif bodiless:
        server.response_body = H1_BODY_NONE
        if head.status not in (204, 304) and head.content_length < 0 and not stream.request.flags & HF_HTTP10:
            head_add_known(head, H_TRANSFER_ENCODING, "chunked", 7)     # as GET would be answered
    elif head.content_length >= 0:
        server.response_body = H1_BODY_LENGTH
    elif end:
        server.response_body = H1_BODY_NONE
        head_add_known(head, H_CONTENT_LENGTH, "0", 1)
    elif stream.request.flags & HF_HTTP10:
        server.response_body = H1_BODY_UNTIL_CLOSE
        server.closing = True
    else:
        server.response_body = H1_BODY_CHUNKED
        head_add_known(head, H_TRANSFER_ENCODING, "chunked", 7)


cdef void decide_close(H1Server *server, Stream *stream) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Proxy *proxy = server.proxy
    if stream.flags & S_CLOSE or stream.request.flags & HF_CLOSE or not stream.flags & S_REQUEST_ENDED:
        server.closing = True
    elif manager.max_requests and server.requests >= manager.max_requests:
        count(proxy.region, manager.stats + HT_CX_MAX_REQUESTS_REACHED, 1)
        server.closing = True
    elif h1_server_too_old(server):
        count(proxy.region, manager.stats + HT_CX_MAX_DURATION_REACHED, 1)
        server.closing = True
    elif server.draining or proxy.draining or server.listener.removed:
        count(proxy.region, manager.stats + HT_CX_DRAIN_CLOSE, 1)
        server.closing = True


cdef void send_head(Stream *stream, Head *head, bint end) noexcept nogil:
    cdef H1Server *server = <H1Server *>stream.down
    cdef uint32_t before = buf_len(&server.conn.outbuf)
    if server.conn.flags & C_DEAD:
        return
    decide_close(server, stream)
    frame_response(server, stream, head, end)
    if server.response_body == H1_BODY_TUNNEL and head.status == 101:
        head_add_known(head, H_CONNECTION, "upgrade", 7)
        if head.upgrade.n:
            head_add_known(head, H_UPGRADE, head.upgrade.p, head.upgrade.n)
    elif server.closing and server.response_body != H1_BODY_TUNNEL:
        head_add_known(head, H_CONNECTION, "close", 5)
    elif stream.request.flags & HF_HTTP10:
        head_add_known(head, H_CONNECTION, "keep-alive", 10)
    if h1_write_response(head, stream.request.flags & HF_HTTP10, stream.manager.proper_case, &server.conn.engine.pool,
                         &server.conn.outbuf) < 0:
        conn_close(&server.conn)
        return
    sent(server, stream, buf_len(&server.conn.outbuf) - before)
    conn_flush_soon(&server.conn)


cdef inline void sent(H1Server *server, Stream *stream, uint64_t n) noexcept nogil:
    stream.info.wire_sent += n
    count(server.proxy.region, server.stats + HT_CX_TX_BYTES, n)


cdef void send_1xx(Stream *stream, Head *head) noexcept nogil:
    cdef H1Server *server = <H1Server *>stream.down
    if stream.request.flags & HF_HTTP10 or server.conn.flags & C_DEAD:
        return
    h1_write_response(head, False, stream.manager.proper_case, &server.conn.engine.pool, &server.conn.outbuf)
    conn_flush_soon(&server.conn)


cdef void send_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef H1Server *server = <H1Server *>stream.down
    cdef char line[24]
    cdef uint32_t line_len
    if server.conn.flags & C_DEAD:
        return
    if n and server.response_body != H1_BODY_NONE:
        if server.response_body == H1_BODY_CHUNKED:
            line_len = h1_chunk_head(line, n)
            conn_write(&server.conn, line, line_len)
            conn_write_large(&server.conn, p, n)
            conn_write(&server.conn, "\r\n", 2)
            n += line_len + 2
        else:
            conn_write_large(&server.conn, p, n)
        sent(server, stream, n)
    if end:
        end_body(server)


cdef void end_body(H1Server *server) noexcept nogil:
    if server.response_body == H1_BODY_CHUNKED:
        conn_write(&server.conn, "0\r\n\r\n", 5)
    elif server.response_body == H1_BODY_TUNNEL:
        conn_shutdown(&server.conn)


cdef void send_trailers(Stream *stream, Head *trailers) noexcept nogil:
    cdef H1Server *server = <H1Server *>stream.down
    if server.conn.flags & C_DEAD:
        return
    if server.response_body == H1_BODY_CHUNKED:
        conn_write(&server.conn, "0\r\n", 3)
        h1_write_trailers(trailers, stream.manager.proper_case, &server.conn.engine.pool, &server.conn.outbuf)
        conn_flush_soon(&server.conn)
    else:
        end_body(server)


cdef void abort(Stream *stream) noexcept nogil:
    # An unfinished body must not look finished: what was sent goes out, then the connection ends.
    cdef H1Server *server = <H1Server *>stream.down
    server.closing = True
    server.state = SERVER_CLOSING


cdef void pause(Stream *stream) noexcept nogil:
    conn_pause(&(<H1Server *>stream.down).conn)


cdef void resume(Stream *stream) noexcept nogil:
    conn_resume(&(<H1Server *>stream.down).conn)


cdef void tunnel(Stream *stream) noexcept nogil:
    cdef H1Server *server = <H1Server *>stream.down
    server.state = SERVER_TUNNEL
    stream.body.kind = H1_BODY_TUNNEL
    conn_resume(&server.conn)


cdef bint above_high(Stream *stream) noexcept nogil:
    return ((<H1Server *>stream.down).conn.flags & C_HIGH) != 0


cdef Conn *splice_target(Stream *stream) noexcept nogil:
    cdef H1Server *server = <H1Server *>stream.down
    if server.response_body != H1_BODY_LENGTH or server.conn.flags & C_DEAD or server.conn.tls != NULL:
        return NULL
    return &server.conn


cdef void finished(Stream *stream) noexcept nogil:
    cdef H1Server *server = <H1Server *>stream.down
    cdef Conn *conn = &server.conn
    server.stream = NULL
    if conn.flags & C_DEAD:
        return
    if not stream.flags & S_RESPONSE_ENDED:
        if server.response_body == H1_BODY_UNTIL_CLOSE:
            conn_abort(conn)            # a plain close would look like the body's end
        else:
            conn_close_flushed(conn)
    elif server.closing or not stream.flags & S_REQUEST_ENDED or stream.flags & S_TUNNEL:
        server.state = SERVER_CLOSING
        conn_close_gently(conn, stream.manager.delayed_close_ms)
    else:
        h1_server_next(server)


cdef DownstreamOps OPS
OPS.prepare = request_prepare
OPS.respond = response_prepare
OPS.send_1xx = send_1xx
OPS.send_head = send_head
OPS.send_data = send_data
OPS.send_trailers = send_trailers
OPS.abort = abort
OPS.pause = pause
OPS.resume = resume
OPS.tunnel = tunnel
OPS.finished = finished
OPS.above_high = above_high
OPS.splice_target = splice_target


cdef const DownstreamOps *h1_server_answer_ops() noexcept nogil:
    return &OPS
