"""Requests of an HTTP/1.1 client: heads and bodies out of the bytes of its connection, one exchange at a time."""

from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.string cimport memcmp, memcpy

from mosn._fastpath.codec.http1 cimport (
    H1_BAD_TRANSFER_ENCODING, H1_BODY_NONE, H1_BODY_TUNNEL, H1_HEAD_TOO_LARGE, H1_HTTP10_REFUSED,
    H1_TOO_MANY_HEADERS, h1_body_feed, h1_error_text, h1_head_reset, h1_parse_request, h1_request_body,
)
from mosn._fastpath.engine.conn cimport conn_pause, conn_timer, conn_write
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, C_PAUSED, Conn
from mosn._fastpath.head cimport HF_EXPECT_CONTINUE, HF_HTTP10, HF_KEEP_ALIVE, HF_UPGRADE, M_CONNECT
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_is_lower, slice_of
from mosn._fastpath.proxy.finish cimport stream_discard, stream_new, stream_reply, text
from mosn._fastpath.proxy.h1_server_answer cimport h1_server_answer_ops
from mosn._fastpath.proxy.h1_server_life cimport h1_server_close
from mosn._fastpath.proxy.h2_server cimport h2_server_adopt
from mosn._fastpath.proxy.holding cimport rebind_chain
from mosn._fastpath.proxy.pool cimport h1_pool_ops
from mosn._fastpath.proxy.runtime cimport (
    SERVER_ANSWER, SERVER_BODY, SERVER_CLOSING, SERVER_HEAD, SERVER_TUNNEL, S_CLOSE, S_DOWN_PAUSED,
    S_RESPONSE_STARTED, H1Server, Stream,
)
from mosn._fastpath.proxy.stream cimport (
    stream_begin, stream_downstream_reset, stream_open, stream_protocol_error, stream_request_data,
    stream_request_trailers, stream_takes_data,
)
from mosn._fastpath.proxy.types cimport P_HTTP10, P_HTTP11
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport HT_CX_RX_BYTES, HT_RQ_HEADER_TIMEOUT


cdef const char *PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

cdef enum:
    EITHER = 0                  # HttpManager.codec
    PREFACE_BYTES = 24          # of HTTP/2 (RFC 9113 3.4)
    PIPELINE_BYTES = 65536      # of later requests that wait behind the current one


cdef Stream *new_stream(H1Server *server) noexcept nogil:
    cdef Stream *stream = stream_new(server.proxy)
    if stream == NULL:
        return NULL
    stream.down = server
    stream.down_ops = h1_server_answer_ops()
    stream.pool = h1_pool_ops()
    stream.manager = server.manager
    stream.listener = server.config
    stream.info.remote = server.remote
    stream.info.direct_remote = server.remote if server.direct_remote == NULL else server.direct_remote[0]
    stream.info.local = server.local
    stream.info.connection_id = server.id
    stream.info.protocol = P_HTTP11
    if server.chain != NULL:
        stream.info.filter_chain_name = server.chain.name
    return stream


cdef bint refresh(H1Server *server) noexcept nogil:
    # Make chain and manager those of the live snapshot.  False: no filter chain wants this connection any more.
    if server.generation != server.proxy.snapshot.generation:
        return rebind_chain(server)
    return True


cdef Slice error_details(Stream *stream, uint8_t error) noexcept nogil:
    # Envoy's RESPONSE_CODE_DETAILS, with what exactly was wrong in braces.
    cdef Slice said = text(h1_error_text(error))
    cdef char *out
    if error == H1_HEAD_TOO_LARGE:
        return text("http1.headers_too_large")
    if error == H1_TOO_MANY_HEADERS:
        return text("http1.too_many_headers")
    if error == H1_HTTP10_REFUSED:
        return text("low_version")
    if error == H1_BAD_TRANSFER_ENCODING:
        return text("http1.invalid_transfer_encoding")
    out = <char *>arena_alloc(&stream.arena, 19 + said.n)
    if out == NULL:
        return text("http1.codec_error")
    memcpy(out, "http1.codec_error{", 18)
    memcpy(out + 18, said.p, said.n)
    out[18 + said.n] = c"}"
    return slice_of(out, 19 + said.n)


cdef void bad_request(H1Server *server, Stream *stream, uint8_t error) noexcept nogil:
    cdef int status = 400
    if error in (H1_HEAD_TOO_LARGE, H1_TOO_MANY_HEADERS):
        status = 431
    elif error == H1_HTTP10_REFUSED:
        status = 426
    elif error == H1_BAD_TRANSFER_ENCODING:
        status = 501
    stream.flags |= S_CLOSE
    server.state = SERVER_CLOSING
    server.closing = True
    server.stream = stream
    stream_open(stream)
    stream_protocol_error(stream, status, error_details(stream, error))


cdef int64_t feed_head(H1Server *server, char *p, size_t n) noexcept nogil:
    cdef Stream *stream
    cdef int64_t used
    cdef uint32_t preface
    if not refresh(server):
        h1_server_close(server)
        return -1
    if server.requests == 0 and p[0] == c"P" and server.manager.codec == EITHER:
        preface = min(<uint32_t>n, <uint32_t>PREFACE_BYTES)
        if memcmp(p, PREFACE, preface) == 0:
            if preface < PREFACE_BYTES:
                return 0
            h2_server_adopt(server, p, n)
            return -1
    stream = new_stream(server)
    if stream == NULL:
        h1_server_close(server)
        return -1
    used = h1_parse_request(&server.parser, p, n, &server.manager.limits, &stream.request)
    if used > 0:
        h1_head_reset(&server.parser)
        begin(server, stream, used)
    elif used == 0:
        stream_discard(stream)
        if server.manager.headers_timeout_ms and not server.headers_timer:
            server.headers_timer = True
            server.since_ms = server.proxy.engine.now_ms
            conn_timer(&server.conn, server.manager.headers_timeout_ms)
    else:
        bad_request(server, stream, server.parser.error)
    return used


cdef void begin(H1Server *server, Stream *stream, int64_t used) noexcept nogil:
    cdef bint end
    server.stream = stream
    server.requests += 1
    stream.info.wire_received += used
    if stream.request.flags & HF_HTTP10:
        stream.info.protocol = P_HTTP10
        if not stream.request.flags & HF_KEEP_ALIVE:
            stream.flags |= S_CLOSE
    h1_request_body(&stream.request, &stream.body)
    end = stream.body.kind == H1_BODY_NONE
    if not end or slice_is_lower(stream.request.upgrade, "h2c"):
        # An upgrade may be ignored (RFC 9110 section 7.8); one with a body could not be told from its tunnel.
        stream.request.flags &= ~<unsigned int>HF_UPGRADE
    if stream.request.flags & HF_UPGRADE or stream.request.method_id == M_CONNECT:
        # What follows belongs to the tunnel, if there will be one.
        stream.body.kind = H1_BODY_TUNNEL
        server.state = SERVER_BODY
        conn_pause(&server.conn)
        stream_begin(stream, False)
        return
    server.state = SERVER_ANSWER if end else SERVER_BODY
    stream_begin(stream, end)
    if not end and server.stream == stream and stream.request.flags & HF_EXPECT_CONTINUE:
        send_continue(server, stream)


cdef void send_continue(H1Server *server, Stream *stream) noexcept nogil:
    # Expect: 100-continue (RFC 9110 section 10.1.1); proxied when the manager says so.
    if stream.manager.proxy_100_continue or stream.request.flags & HF_HTTP10 or server.conn.flags & C_DEAD:
        return
    conn_write(&server.conn, "HTTP/1.1 100 Continue\r\n\r\n", 25)


cdef int64_t feed_body(H1Server *server, char *p, size_t n) noexcept nogil:
    cdef Stream *stream = server.stream
    cdef Slice data
    cdef int64_t used
    cdef bint trailers
    if not stream_takes_data(stream):
        # Until the upstream is ready; on_ready resumes.
        conn_pause(&server.conn)
        mark_paused(stream)
        return 0
    if stream.body.kind == H1_BODY_TUNNEL:
        stream_request_data(stream, p, n, False)
        return n
    used = h1_body_feed(&stream.body, p, n, &server.manager.limits, &data, &stream.request_trailers,
                        &server.conn.engine.pool, &stream.line)
    if used < 0:
        body_error(server, stream)
        return -1
    stream.info.wire_received += used
    if not stream.body.done:
        if data.n:
            stream_request_data(stream, data.p, data.n, False)
        return used
    server.state = SERVER_ANSWER
    trailers = stream.request_trailers.count > 0
    if trailers and data.n:
        stream_request_data(stream, data.p, data.n, False)
    if server.stream != stream:
        return used
    if trailers and stream.up != NULL:
        stream_request_trailers(stream)
    else:
        stream_request_data(stream, data.p, data.n, True)
    return used


cdef inline void mark_paused(Stream *stream) noexcept nogil:
    stream.flags |= S_DOWN_PAUSED


cdef void body_error(H1Server *server, Stream *stream) noexcept nogil:
    stream.flags |= S_CLOSE
    server.closing = True
    server.state = SERVER_CLOSING
    if stream.flags & S_RESPONSE_STARTED:
        stream_downstream_reset(stream, error_details(stream, stream.body.error), True)
    else:
        stream_protocol_error(stream, 400, error_details(stream, stream.body.error))


cdef size_t h1_server_on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef H1Server *server = <H1Server *>conn
    cdef size_t done = 0
    cdef int64_t used
    while done < n:
        if server.state == SERVER_HEAD:
            if conn.flags & C_HIGH:
                # Its answers pile up here: no further request until the client takes them (on_drained).
                conn_pause(conn)
                break
            used = feed_head(server, p + done, n - done)
        elif server.state in (SERVER_BODY, SERVER_TUNNEL):
            used = feed_body(server, p + done, n - done)
        elif server.state == SERVER_ANSWER:
            if n - done >= PIPELINE_BYTES:
                conn_pause(conn)
            break
        else:
            done = n
            break
        if used <= 0:
            if used < 0:
                done = n
            break
        done += <size_t>used
        if conn.flags & (C_DEAD | C_PAUSED):
            break
    count(server.proxy.region, server.stats + HT_CX_RX_BYTES, done)
    return done


cdef void h1_server_head_timeout(H1Server *server) noexcept nogil:
    # Slow loris: 408, as Envoy's request_headers_timeout.
    cdef Stream *stream = new_stream(server) if refresh(server) else NULL
    count(server.proxy.region, server.stats + HT_RQ_HEADER_TIMEOUT, 1)
    if stream == NULL:
        h1_server_close(server)
        return
    server.stream = stream
    server.closing = True
    server.state = SERVER_CLOSING
    stream.flags |= S_CLOSE
    stream_open(stream)
    stream_reply(stream, 408, text("request header timeout"), 0, text("request_header_timeout"), slice_of(NULL, 0))
