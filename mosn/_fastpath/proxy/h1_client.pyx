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
    conn_close, conn_flush, conn_flush_soon, conn_pause, conn_read, conn_ready_again, conn_resume, conn_shutdown,
    conn_timer, conn_write, conn_write_large,
)
from mosn._fastpath.engine.splice cimport pipe_drain, pipe_fill, pipe_give, pipe_take
from mosn._fastpath.engine.system cimport EAGAIN, MSG_DONTWAIT, MSG_PEEK, errno, recv
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, C_PAUSED, C_READABLE, Conn, ConnOps
from mosn._fastpath.head cimport (
    HF_CLOSE, HF_HTTP10, HF_KEEP_ALIVE, HF_UPGRADE, H_CONNECTION, H_CONTENT_LENGTH, H_TRANSFER_ENCODING, H_UPGRADE,
    M_CONNECT, M_GET, M_HEAD, Head, head_add_known, head_init,
)
from mosn._fastpath.memory cimport Slice, buf_len, buf_release, slice_of
from mosn._fastpath.proxy.runtime cimport (
    RESET_PROTOCOL, RESET_TERMINATION, S_CONNECT, S_UPGRADE, H1Client, Stream, UpstreamOps,
)
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport CL_CX_IDLE_TIMEOUT, CL_CX_PROTOCOL_ERROR, CL_CX_RX_BYTES, CL_CX_TX_BYTES


cdef enum:
    HEAD_READ_BYTES = 8192      # of a response's first read: what follows a head may be spliced
    SPLICE_FROM = 32768         # bytes of a body that are still to come
    SPLICES_PER_TURN = 8
    INFORMATIONAL_BYTES = 1 << 20       # of a stream's memory; 1xx heads take from it as long as they come

# What an upstream may send as a head (Envoy: max_response_headers_kb 60, 100 headers; trailers alike).
cdef H1Limits RESPONSE_LIMITS
RESPONSE_LIMITS.head_bytes = 60 * 1024
RESPONSE_LIMITS.headers = 100
RESPONSE_LIMITS.chunk_line_bytes = 4096
RESPONSE_LIMITS.trailer_bytes = 60 * 1024
RESPONSE_LIMITS.allow_http10 = True

cdef Slice NO_DETAIL = slice_of(NULL, 0)


# -- stream -> connection

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


# -- connection -> stream

cdef void on_response_head(H1Client *client, Head *head) noexcept nogil:
    cdef Stream *stream = client.stream
    cdef bint end
    if head.status < 200 and not is_switch(stream, head):
        stream.events.head_1xx(stream, head)
        return
    stream.response = head[0]
    stream.info.response = &stream.response
    client.keep = (head.flags & HF_CLOSE) == 0 and (head.flags & (HF_HTTP10 | HF_KEEP_ALIVE)) != HF_HTTP10
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
        detach(client)
    stream.events.head(stream, &stream.response, end)


cdef inline bint is_switch(Stream *stream, const Head *head) noexcept nogil:
    # The exchange turns into a tunnel: 101 to an upgrade that was asked for, 2xx to CONNECT.
    if head.status == 101:
        return (stream.flags & S_UPGRADE) != 0 and (head.flags & HF_UPGRADE) != 0
    return (stream.flags & S_CONNECT) != 0 and head.status >= 200 and head.status < 300


cdef void detach(H1Client *client) noexcept nogil:
    # Before the last event of a response: the stream may start over at once.
    client.stream.up = NULL
    client.stream = NULL
    client.response_done = True


cdef void release(H1Client *client) noexcept nogil:
    # Only once every byte that was read has been looked at: the next exchange may begin in here.
    if client.conn.flags & C_DEAD:
        return
    if not client.keep or not client.request_done or buf_len(&client.conn.outbuf) or not h1_client_silent(client):
        h1_client_close(client)
        return
    client.proxy.upstream_free(client)


cdef bint h1_client_silent(H1Client *client) noexcept nogil:
    # What the upstream says between two exchanges would be taken for the next one's answer (response splitting).
    cdef char byte
    if not client.conn.flags & C_READABLE:
        return True
    if recv(client.conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 or errno != EAGAIN:
        return False
    client.conn.flags &= ~<uint32_t>C_READABLE
    return True


cdef int64_t feed_head(H1Client *client, char *p, size_t n) noexcept nogil:
    cdef Head head
    cdef int64_t used
    cdef Stream *stream = client.stream
    head_init(&head, &stream.arena)
    used = h1_parse_response(&client.parser, p, n, &RESPONSE_LIMITS, &head)
    if used < 0:
        fail(client, RESET_PROTOCOL, h1_error_text(client.parser.error))
    elif used > 0:
        stream.info.upstream_wire_received += used
        h1_head_reset(&client.parser)
        if head.status == 101 and not is_switch(stream, &head):
            fail(client, RESET_PROTOCOL, "unexpected 101")
            return -1
        if head.status < 200 and stream.arena.total > INFORMATIONAL_BYTES:
            fail(client, RESET_PROTOCOL, "too many informational responses")
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
        fail(client, RESET_PROTOCOL, h1_error_text(client.body.error))
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
    detach(client)
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
        release(client)
    elif client.body.kind != H1_BODY_NONE:
        maybe_splice(client)
    return done


# -- large bodies: inside the kernel

cdef void maybe_splice(H1Client *client) noexcept nogil:
    # After a head or a piece of body: is what comes long enough, and can the client's socket take it as it is?
    cdef Stream *stream = client.stream
    client.conn.read_limit = 0
    if client.body.kind != H1_BODY_LENGTH or client.body.remaining < SPLICE_FROM or client.splicing:
        return
    if stream.down_ops.splice_target(stream) == NULL or pipe_take(client.conn.engine, &client.pipe) < 0:
        return
    client.splicing = True
    conn_pause(&client.conn)            # no recv in between: on_readable splices from here on


cdef void splice_error(H1Client *client, Conn *conn, bint upstream) noexcept nogil:
    if upstream:
        fail(client, RESET_TERMINATION, NULL)
    else:
        conn.ops.on_error(conn, errno)


cdef bint target_takes(H1Client *client, Conn *target) noexcept nogil:
    # True when the pipe is empty and the target may get more.
    cdef int said
    if target.flags & C_DEAD:
        return False
    if buf_len(&target.outbuf):
        conn_flush(target)
        if target.flags & C_DEAD or buf_len(&target.outbuf):
            return False
    said = pipe_drain(&client.pipe, target)
    if said < 0:
        splice_error(client, target, False)
    return said == 1


cdef void splice_turn(H1Client *client) noexcept nogil:
    cdef Stream *stream = client.stream
    cdef Conn *target = stream.down_ops.splice_target(stream)
    cdef ssize_t n
    cdef int turn = 0
    if target == NULL:
        return
    while target_takes(client, target) and client.stream == stream:
        if client.body.remaining == 0:
            splice_done(client)
            return
        if not client.conn.flags & C_READABLE:
            return
        if turn == SPLICES_PER_TURN:
            conn_ready_again(&client.conn)
            return
        turn += 1
        n = pipe_fill(&client.pipe, &client.conn, client.body.remaining)
        if n == -1:
            return
        if n <= 0:
            splice_error(client, NULL, True)
            return
        client.body.remaining -= n
        count(client.proxy.region, client.stats + CL_CX_RX_BYTES, n)
        stream.info.upstream_wire_received += n
        stream.events.spliced(stream, n)


cdef void splice_done(H1Client *client) noexcept nogil:
    cdef Stream *stream = client.stream
    stop_splicing(client)
    client.body.done = True
    detach(client)
    stream.events.data(stream, NULL, 0, True)
    release(client)


cdef void stop_splicing(H1Client *client) noexcept nogil:
    if client.splicing:
        client.splicing = False
        pipe_give(client.conn.engine, &client.pipe)
        conn_resume(&client.conn)


cdef void splice_on(Stream *stream) noexcept nogil:
    cdef H1Client *client = <H1Client *>stream.up
    if client.splicing:
        splice_turn(client)


cdef void on_readable(Conn *conn) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    if not client.splicing:
        conn_read(conn)
    # The read may have found a head with a large body behind it.
    if client.splicing and client.stream != NULL and not conn.flags & C_DEAD:
        splice_turn(client)


cdef void fail(H1Client *client, int reason, const char *text) noexcept nogil:
    cdef Stream *stream = client.stream
    cdef Slice detail = NO_DETAIL
    cdef size_t n = 0
    if reason == RESET_PROTOCOL:
        count(client.proxy.region, client.stats + CL_CX_PROTOCOL_ERROR, 1)
    while text != NULL and text[n]:
        n += 1
    detail.p = text
    detail.n = <uint32_t>n
    if stream != NULL:
        stream.up = NULL
        client.stream = NULL
        stream.events.reset(stream, reason, detail)
    h1_client_close(client)


cdef void finish_tunnel(H1Client *client) noexcept nogil:
    # Both directions have ended.
    if client.stream != NULL:
        client.stream.up = NULL
        client.stream = NULL
    h1_client_close(client)


cdef void on_eof(Conn *conn) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    cdef Stream *stream = client.stream
    if stream == NULL:
        h1_client_close(client)
    elif client.state == CLIENT_TUNNEL:
        client.response_done = True
        stream.events.data(stream, NULL, 0, True)
        if client.request_done and not conn.flags & C_DEAD:
            finish_tunnel(client)
    elif client.body.kind == H1_BODY_UNTIL_CLOSE:
        detach(client)
        stream.events.data(stream, NULL, 0, True)
        h1_client_close(client)
    else:
        fail(client, broken_off(client), NULL)


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
        fail(client, broken_off(client), NULL)


cdef void on_connected(Conn *conn) noexcept nogil:
    cdef H1Client *client = <H1Client *>conn
    client.proxy.upstream_connected(client)


cdef void on_drained(Conn *conn) noexcept nogil:
    cdef Stream *stream = (<H1Client *>conn).stream
    if stream != NULL:
        stream.events.drained(stream)


cdef long long h1_client_idle_left(const H1Client *client) noexcept nogil:
    # Until the idle timeout or the end of the connection's longest life, whichever is first.
    cdef long long now = <long long>client.proxy.engine.now_ms
    cdef long long left = -1
    cdef long long life
    if client.idle_ms:
        left = max(<long long>client.idle_since_ms + client.idle_ms - now, <long long>0)
    if client.max_ms:
        life = max(<long long>(client.opened_us // 1000) + client.max_ms - now, <long long>0)
        left = life if left < 0 or life < left else left
    return left


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


# -- face

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


cdef void h1_client_close(H1Client *client) noexcept nogil:
    if client.state == CLIENT_CLOSED:
        return
    client.state = CLIENT_CLOSED
    h1_head_reset(&client.parser)
    buf_release(&client.conn.engine.pool, &client.line)
    stop_splicing(client)
    client.proxy.upstream_gone(client)
    conn_close(&client.conn)


cdef UpstreamOps OPS
OPS.send_head = send_head
OPS.send_data = send_data
OPS.send_trailers = send_trailers
OPS.cancel = cancel
OPS.pause = pause
OPS.resume = resume
OPS.above_high = above_high
OPS.splice_on = splice_on

cdef ConnOps CONN_OPS
CONN_OPS.on_data = on_data
CONN_OPS.on_readable = on_readable
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_connected = on_connected
CONN_OPS.on_drained = on_drained
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy


cdef const UpstreamOps *h1_client_ops() noexcept nogil:
    return &OPS


cdef const ConnOps *h1_client_conn_ops() noexcept nogil:
    return &CONN_OPS
