"""HTTP/1.1 towards an upstream (see h1_client.pxd).

A connection carries one exchange at a time.  It goes back to the pool only when both directions ended cleanly: a
response that ends before its request is followed by a close, or the next exchange would be desynchronised
(RFC 9112 section 9.3).
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memset

from mosn._fastpath.codec.http1 cimport (
    H1_BODY_CHUNKED, H1_BODY_LENGTH, H1_BODY_NONE, H1_BODY_TUNNEL, H1_BODY_UNTIL_CLOSE, H1BodyDecoder, H1HeadParser,
    H1Limits, h1_body_feed, h1_chunk_head, h1_error_text, h1_head_reset, h1_parse_response, h1_response_body,
    h1_write_request, h1_write_trailers,
)
from mosn._fastpath.engine.conn cimport (
    conn_close, conn_flush_soon, conn_pause, conn_read, conn_resume, conn_shutdown, conn_timer, conn_write,
    conn_write_large,
)
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, C_PAUSED, T_TRUNCATED, Conn, ConnOps
from mosn._fastpath.head cimport (
    HF_CLOSE, HF_HTTP10, HF_KEEP_ALIVE, HF_UPGRADE, H_CONNECTION, H_CONTENT_LENGTH, H_TRANSFER_ENCODING, H_UPGRADE,
    M_CONNECT, M_GET, M_HEAD, Head, head_add_known, head_init,
)
from mosn._fastpath.memory cimport Slice, buf_len, slice_of
from mosn._fastpath.proxy.h1_client_end cimport (
    h1_client_close, h1_client_detach, h1_client_fail, h1_client_idle_left, h1_client_release,
)
from mosn._fastpath.proxy.h1_client_splice cimport h1_client_maybe_splice, h1_client_splice, h1_client_splice_on
from mosn._fastpath.proxy.runtime cimport (
    CLIENT_BUSY, CLIENT_CONNECTING, CLIENT_TUNNEL, RESET_PROTOCOL, RESET_TERMINATION, S_CONNECT, S_UPGRADE,
    H1Client, Stream, UpstreamOps,
)
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport CL_CX_CLOSE_NOTIFY, CL_CX_IDLE_TIMEOUT, CL_CX_RX_BYTES, CL_CX_TX_BYTES


cdef enum:
    HEAD_READ_BYTES = 8192      # of a response's first read: what follows a head may be spliced
    INFORMATIONAL_BYTES = 1 << 20       # of a stream's memory; 1xx heads take from it as long as they come

# What an upstream may send as a head (Envoy: max_response_headers_kb 60, 100 headers; trailers alike).
cdef H1Limits RESPONSE_LIMITS
RESPONSE_LIMITS.head_bytes = 60 * 1024
RESPONSE_LIMITS.headers = 100
RESPONSE_LIMITS.chunk_line_bytes = 4096
RESPONSE_LIMITS.trailer_bytes = 60 * 1024
RESPONSE_LIMITS.allow_http10 = True

cdef Slice NO_DETAIL = slice_of(NULL, 0)


cdef void send_head(Stream *stream, Head *head, bint end) noexcept nogil:
    cdef H1Client *client = <H1Client *>stream.up
    cdef uint32_t before = buf_len(&client.conn.outbuf)
    if stream.flags & (S_UPGRADE | S_CONNECT):
        client.request_body = H1_BODY_TUNNEL
        if stream.flags & S_UPGRADE:
            head_add_known(head, H_CONNECTION, "upgrade", 7)
            head_add_known(head, H_UPGRADE, head.upgrade.p, head.upgrade.n)
    elif end:
        client.request_body = H1_BODY_NONE
        client.request_done = True
        if head.content_length < 0 and head.method_id not in (M_GET, M_HEAD, M_CONNECT):
            head_add_known(head, H_CONTENT_LENGTH, "0", 1)
    elif head.content_length >= 0:
        client.request_body = H1_BODY_LENGTH
    else:
        client.request_body = H1_BODY_CHUNKED
        head_add_known(head, H_TRANSFER_ENCODING, "chunked", 7)
    if h1_write_request(head, client.proper_case, &client.conn.engine.pool, &client.conn.outbuf) < 0:
        conn_close(&client.conn)
        return
    sent(client, buf_len(&client.conn.outbuf) - before)
    conn_flush_soon(&client.conn)


cdef inline void sent(H1Client *client, uint64_t n) noexcept nogil:
    client.stream.info.upstream_wire_sent += n
    count(client.proxy.region, client.stats + CL_CX_TX_BYTES, n)


cdef void send_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef H1Client *client = <H1Client *>stream.up
    cdef char line[24]
    cdef uint32_t line_len
    if n:
        if client.request_body == H1_BODY_CHUNKED:
            line_len = h1_chunk_head(line, n)
            conn_write(&client.conn, line, line_len)
            conn_write_large(&client.conn, p, n)
            conn_write(&client.conn, "\r\n", 2)
            sent(client, n + line_len + 2)
        else:
            conn_write_large(&client.conn, p, n)
            sent(client, n)
    if end:
        end_request(client)


cdef void end_request(H1Client *client) noexcept nogil:
    if client.request_body == H1_BODY_CHUNKED:
        conn_write(&client.conn, "0\r\n\r\n", 5)
        sent(client, 5)
    elif client.request_body == H1_BODY_TUNNEL:
        conn_shutdown(&client.conn)
    client.request_done = True
    if client.response_done and client.state == CLIENT_TUNNEL:
        finish_tunnel(client)


cdef void send_trailers(Stream *stream, Head *trailers) noexcept nogil:
    cdef H1Client *client = <H1Client *>stream.up
    if client.request_body == H1_BODY_CHUNKED:
        conn_write(&client.conn, "0\r\n", 3)
        h1_write_trailers(trailers, client.proper_case, &client.conn.engine.pool, &client.conn.outbuf)
        client.request_done = True
    else:
        end_request(client)


cdef void cancel(Stream *stream) noexcept nogil:
    cdef H1Client *client = <H1Client *>stream.up
    stream.up = NULL
    client.stream = NULL
    h1_client_close(client)


cdef void pause(Stream *stream) noexcept nogil:
    conn_pause(&(<H1Client *>stream.up).conn)


cdef void resume(Stream *stream) noexcept nogil:
    conn_resume(&(<H1Client *>stream.up).conn)


cdef bint above_high(Stream *stream) noexcept nogil:
    return ((<H1Client *>stream.up).conn.flags & C_HIGH) != 0


cdef void on_response_head(H1Client *client, Head *head) noexcept nogil:
    cdef Stream *stream = client.stream
    cdef bint end
    if head.status < 200 and not is_switch(stream, head):
        stream.events.head_1xx(stream, head)
        return
    stream.response = head[0]
    stream.info.response = &stream.response
    client.keep = (head.flags & HF_CLOSE) == 0 and (head.flags & (HF_HTTP10 | HF_KEEP_ALIVE)) != HF_HTTP10
    if head.flags & HF_CLOSE:
        count(client.proxy.region, client.stats + CL_CX_CLOSE_NOTIFY, 1)
    h1_response_body(head, stream.request.method_id, &client.body)
    if is_switch(stream, head):
        client.state = CLIENT_TUNNEL
        client.keep = False
        client.body.kind = H1_BODY_TUNNEL
        client.body.done = False
    if client.body.kind in (H1_BODY_UNTIL_CLOSE, H1_BODY_TUNNEL):
        client.keep = False
    end = client.body.done or client.body.kind == H1_BODY_NONE
    if end:
        h1_client_detach(client)
    stream.events.head(stream, &stream.response, end)


cdef inline bint is_switch(Stream *stream, const Head *head) noexcept nogil:
    # The exchange turns into a tunnel: 101 to an upgrade that was asked for, 2xx to CONNECT.
    if head.status == 101:
        return (stream.flags & S_UPGRADE) != 0 and (head.flags & HF_UPGRADE) != 0
    return (stream.flags & S_CONNECT) != 0 and head.status >= 200 and head.status < 300


cdef int64_t feed_head(H1Client *client, char *p, size_t n) noexcept nogil:
    cdef Head head
    cdef int64_t used
    cdef Stream *stream = client.stream
    head_init(&head, &stream.arena)
    used = h1_parse_response(&client.parser, p, n, &RESPONSE_LIMITS, &head)
    if used < 0:
        h1_client_fail(client, RESET_PROTOCOL, h1_error_text(client.parser.error))
    elif used > 0:
        stream.info.upstream_wire_received += used
        h1_head_reset(&client.parser)
        if head.status == 101 and not is_switch(stream, &head):
            h1_client_fail(client, RESET_PROTOCOL, "unexpected 101")
            return -1
        if head.status < 200 and stream.arena.total > INFORMATIONAL_BYTES:
            h1_client_fail(client, RESET_PROTOCOL, "too many informational responses")
            return -1
        on_response_head(client, &head)
    return used


cdef int64_t feed_body(H1Client *client, char *p, size_t n) noexcept nogil:
    cdef Stream *stream = client.stream
    cdef Slice data
    cdef int64_t used
    cdef bint trailers
    if client.body.kind in (H1_BODY_TUNNEL, H1_BODY_UNTIL_CLOSE):
        stream.info.upstream_wire_received += n
        stream.events.data(stream, p, n, False)
        return n
    used = h1_body_feed(&client.body, p, n, &RESPONSE_LIMITS, &data, &stream.response_trailers,
                        &client.conn.engine.pool, &client.line)
    if used < 0:
        h1_client_fail(client, RESET_PROTOCOL, h1_error_text(client.body.error))
        return -1
    # Before the events: the last of them writes the access log.
    stream.info.upstream_wire_received += used
    if not client.body.done:
        if data.n:
            stream.events.data(stream, data.p, data.n, False)
        return used
    trailers = stream.response_trailers.count > 0
    if trailers and data.n:
        stream.events.data(stream, data.p, data.n, False)
        if client.stream == NULL:
            return used
    h1_client_detach(client)
    if trailers:
        stream.events.trailers(stream, &stream.response_trailers)
    else:
        stream.events.data(stream, data.p, data.n, True)
    return used


cdef size_t on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    cdef size_t done = 0
    cdef int64_t used
    count(client.proxy.region, client.stats + CL_CX_RX_BYTES, n)
    while done < n:
        if client.stream == NULL:
            # Bytes that nobody asked for: what follows cannot be trusted either.
            if not conn.flags & C_DEAD:
                h1_client_close(client)
            return n
        if client.body.kind == H1_BODY_NONE and not client.response_done and client.state == CLIENT_BUSY:
            used = feed_head(client, p + done, n - done)
        else:
            used = feed_body(client, p + done, n - done)
        if used <= 0:
            return n if used < 0 else done
        done += <size_t>used
        if conn.flags & C_DEAD or (conn.flags & C_PAUSED and client.stream != NULL):
            return done
    if client.stream == NULL:
        h1_client_release(client)
    elif client.body.kind != H1_BODY_NONE:
        h1_client_maybe_splice(client)
    return done


cdef void on_readable(Conn *conn) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    if not client.splicing:
        conn_read(conn)
    # The read may have found a head with a large body behind it.
    if client.splicing and client.stream != NULL and not conn.flags & C_DEAD:
        h1_client_splice(client)


cdef void finish_tunnel(H1Client *client) noexcept nogil:
    # Both directions have ended.
    if client.stream != NULL:
        client.stream.up = NULL
        client.stream = NULL
    h1_client_close(client)


cdef void on_eof(Conn *conn) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    cdef Stream *stream = client.stream
    client.remote_closed = True
    if stream == NULL:
        h1_client_close(client)
    elif client.state == CLIENT_TUNNEL:
        client.response_done = True
        stream.events.data(stream, NULL, 0, True)
        if client.request_done and not conn.flags & C_DEAD:
            finish_tunnel(client)
    elif client.body.kind == H1_BODY_UNTIL_CLOSE and not was_cut(conn):
        h1_client_detach(client)
        stream.events.data(stream, NULL, 0, True)
        h1_client_close(client)
    else:
        h1_client_fail(client, broken_off(client), NULL)


cdef inline bint was_cut(const Conn *conn) noexcept nogil:
    # Over TLS only a close_notify says that this was all: a FIN could be anybody's.
    return conn.tls != NULL and conn.tls.flags & T_TRUNCATED != 0


cdef int broken_off(H1Client *client) noexcept nogil:
    # An end in the middle of a message is the upstream's fault; before its first byte it is only an end.
    if client.body.kind != H1_BODY_NONE or client.parser.scanned:
        return RESET_PROTOCOL
    return RESET_TERMINATION


cdef void on_error(Conn *conn, int error) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    if client.state == CLIENT_CONNECTING:
        client.proxy.upstream_failed(client, 0, error)
    else:
        client.remote_closed = True
        h1_client_fail(client, broken_off(client), NULL)


cdef void on_connected(Conn *conn) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    client.proxy.upstream_connected(client)


cdef void on_drained(Conn *conn) noexcept nogil:
    cdef Stream *stream = (<H1Client *>conn).stream
    if stream != NULL:
        stream.events.drained(stream)


cdef void on_timer(Conn *conn) noexcept nogil:
    # Armed while connecting, or when the connection became idle first: exchanges since then only moved
    # idle_since_ms.
    cdef H1Client *client = <H1Client *>conn
    cdef long long left
    if client.state == CLIENT_CONNECTING:
        client.proxy.upstream_failed(client, 1, 0)
        return
    if client.stream != NULL:
        conn_timer(conn, client.idle_ms if client.idle_ms else 1000)
        return
    left = h1_client_idle_left(client)
    if left > 0:
        conn_timer(conn, <uint32_t>left)
    elif left == 0:
        count(client.proxy.region, client.stats + CL_CX_IDLE_TIMEOUT, 1)
        h1_client_close(client)


cdef void destroy(Conn *conn) noexcept nogil:
    free(conn)


cdef void h1_client_attach(H1Client *client, Stream *stream) noexcept nogil:
    client.stream = stream
    client.state = CLIENT_BUSY
    client.requests += 1
    client.request_done = False
    client.response_done = False
    client.keep = False
    client.request_body = H1_BODY_NONE
    memset(&client.body, 0, sizeof(H1BodyDecoder))
    memset(&client.parser, 0, sizeof(H1HeadParser))
    client.conn.read_limit = HEAD_READ_BYTES
    stream.up = client
    stream.up_ops = &OPS
    stream.upstream_was_used = client.requests > 1


cdef const UpstreamOps *h1_client_ops() noexcept nogil:
    return &OPS


cdef const ConnOps *h1_client_conn_ops() noexcept nogil:
    return &CONN_OPS


cdef UpstreamOps OPS
OPS.send_head = send_head
OPS.send_data = send_data
OPS.send_trailers = send_trailers
OPS.cancel = cancel
OPS.pause = pause
OPS.resume = resume
OPS.above_high = above_high
OPS.splice_on = h1_client_splice_on

cdef ConnOps CONN_OPS
CONN_OPS.on_data = on_data
CONN_OPS.on_readable = on_readable
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_connected = on_connected
CONN_OPS.on_drained = on_drained
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy
