"""HTTP/1.1 towards a client (see h1_server.pxd).

One request at a time: bytes of the next one stay in the connection's input buffer until the answer is out.  A request
uses the configuration that is live when its head is complete, so a reload never closes a connection.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp

from mosn._fastpath.codec.http1 cimport (
    H1_BODY_CHUNKED,
    H1_BODY_LENGTH,
    H1_BODY_NONE,
    H1_BODY_TUNNEL,
    H1_BODY_UNTIL_CLOSE,
    H1_HEAD_TOO_LARGE,
    H1_HTTP10_REFUSED,
    H1_TOO_MANY_HEADERS,
    h1_body_feed,
    h1_chunk_head,
    h1_error_text,
    h1_head_reset,
    h1_parse_request,
    h1_request_body,
    h1_write_response,
    h1_write_trailers,
)
from mosn._fastpath.engine.conn cimport (
    conn_abort,
    conn_close,
    conn_close_flushed,
    conn_close_gently,
    conn_flush_soon,
    conn_init,
    conn_move,
    conn_pause,
    conn_resume,
    conn_shutdown,
    conn_timer,
    conn_timer_cancel,
    conn_write,
    conn_write_large,
)
from mosn._fastpath.engine.types cimport C_DEAD, C_EOF, C_HIGH, C_PAUSED, C_REDELIVER, Conn, ConnOps, Engine
from mosn._fastpath.head cimport (
    H_CONNECTION,
    H_CONTENT_LENGTH,
    H_TRANSFER_ENCODING,
    H_UPGRADE,
    HF_CLOSE,
    HF_EXPECT_CONTINUE,
    HF_HTTP10,
    HF_KEEP_ALIVE,
    HF_UPGRADE,
    M_CONNECT,
    M_HEAD,
    Head,
    head_add_known,
    head_remove,
)
from mosn._fastpath.memory cimport Slice, buf_len, slice_of
from mosn._fastpath.proxy.finish cimport stream_discard, stream_new, stream_reply, text
from mosn._fastpath.proxy.holding cimport give_limits, rebind_chain
from mosn._fastpath.proxy.pool cimport h1_pool_ops
from mosn._fastpath.proxy.request cimport request_prepare, response_prepare
from mosn._fastpath.proxy.runtime cimport (
    S_CLOSE,
    S_CONNECT,
    S_DONE,
    S_DOWN_PAUSED,
    S_EXPECT_SENT,
    S_REQUEST_ENDED,
    S_RESPONSE_ENDED,
    S_RESPONSE_STARTED,
    S_TUNNEL,
    Accepted,
    DownstreamOps,
    FilterChain,
    H1Server,
    HttpManager,
    Listener,
    ListenerRuntime,
    Proxy,
    Stream,
)
from mosn._fastpath.proxy.stream cimport (
    stream_begin,
    stream_downstream_drained,
    stream_downstream_reset,
    stream_open,
    stream_protocol_error,
    stream_request_data,
    stream_request_trailers,
    stream_takes_data,
)
from mosn._fastpath.proxy.types cimport P_HTTP10, P_HTTP11, Address
from mosn._fastpath.shm.segment cimport count, gauge, histogram_record
from mosn._fastpath.shm.stats cimport (
    HT_CX_DESTROY,
    HT_CX_DESTROY_ACTIVE_RQ,
    HT_CX_DESTROY_REMOTE,
    HT_CX_DESTROY_LOCAL,
    HT_CX_DRAIN_CLOSE,
    HT_CX_HTTP1_TOTAL,
    HT_CX_IDLE_TIMEOUT,
    HT_CX_MAX_DURATION_REACHED,
    HT_CX_MAX_REQUESTS_REACHED,
    HT_CX_RX_BYTES,
    HT_CX_TOTAL,
    HT_CX_TX_BYTES,
    HT_RQ_HEADER_TIMEOUT,
    HTG_CX_ACTIVE,
    HTG_CX_HTTP1_ACTIVE,
    HTH_CX_LENGTH_MS,
    LS_CX_DESTROY,
    LSG_CX_ACTIVE,
    SVG_CONNECTIONS,
)

cdef enum:
    PIPELINE_BYTES = 65536      # of later requests that wait behind the current one


# -- answers

cdef void frame_response(H1Server *server, Stream *stream, Head *head, bint end) noexcept nogil:
    # How the client will know where the body ends (RFC 9112 section 6.3).
    cdef bint bodiless = stream.request.method_id == M_HEAD or head.status == 204 or head.status == 304
    if head.status == 101 or (stream.flags & S_CONNECT and 200 <= head.status < 300):
        server.response_body = H1_BODY_TUNNEL
        head_remove(head, H_CONTENT_LENGTH)
    elif bodiless:
        server.response_body = H1_BODY_NONE
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
    if stream.flags & S_CLOSE or stream.request.flags & HF_CLOSE:
        server.closing = True
    elif manager.max_requests and server.requests >= manager.max_requests:
        count(proxy.region, manager.stats + HT_CX_MAX_REQUESTS_REACHED, 1)
        server.closing = True
    elif manager.max_connection_ms and proxy.engine.now_us - server.opened_us >= <uint64_t>manager.max_connection_ms * 1000:
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
    if h1_write_response(head, False, stream.manager.proper_case, &server.conn.engine.pool, &server.conn.outbuf) < 0:
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
    if server.response_body != H1_BODY_LENGTH or server.conn.flags & C_DEAD:
        return NULL
    return &server.conn


cdef void on_writable(Conn *conn) noexcept nogil:
    cdef Stream *stream = (<H1Server *>conn).stream
    if stream != NULL and stream.up != NULL and conn.outbuf.data == NULL:
        stream.up_ops.splice_on(stream)


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
        next_request(server)


cdef void next_request(H1Server *server) noexcept nogil:
    cdef Conn *conn = &server.conn
    server.state = SERVER_HEAD
    server.headers_timer = False
    arm_idle(server)
    if conn.inbuf.data != NULL or conn.flags & C_PAUSED:
        conn_resume(conn)
    elif conn.flags & C_EOF:
        server_close(server)


cdef void arm_idle(H1Server *server) noexcept nogil:
    cdef uint32_t delay = server.idle_ms
    if delay:
        conn_timer(&server.conn, delay)
    else:
        conn_timer_cancel(&server.conn)


# -- requests

cdef Stream *new_stream(H1Server *server) noexcept nogil:
    cdef Stream *stream = stream_new(server.proxy)
    if stream == NULL:
        return NULL
    stream.down = server
    stream.down_ops = &OPS
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


cdef void bad_request(H1Server *server, Stream *stream, uint8_t error) noexcept nogil:
    cdef int status = 400
    if error in (H1_HEAD_TOO_LARGE, H1_TOO_MANY_HEADERS):
        status = 431
    elif error == H1_HTTP10_REFUSED:
        status = 426
    stream.flags |= S_CLOSE
    server.state = SERVER_CLOSING
    server.closing = True
    server.stream = stream
    stream_open(stream)
    stream_protocol_error(stream, status, text(h1_error_text(error)))


cdef int64_t feed_head(H1Server *server, char *p, size_t n) noexcept nogil:
    cdef Stream *stream
    cdef int64_t used
    if not refresh(server):
        server_close(server)
        return -1
    stream = new_stream(server)
    if stream == NULL:
        server_close(server)
        return -1
    used = h1_parse_request(&server.parser, p, n, &server.manager.limits, &stream.request)
    if used > 0:
        h1_head_reset(&server.parser)
        begin(server, stream, used)
    elif used == 0:
        stream_discard(stream)
        if server.manager.headers_timeout_ms and not server.headers_timer:
            server.headers_timer = True
            conn_timer(&server.conn, server.manager.headers_timeout_ms)
    else:
        bad_request(server, stream, server.parser.error)
    return used


cdef void begin(H1Server *server, Stream *stream, int64_t used) noexcept nogil:
    cdef bint end
    conn_timer_cancel(&server.conn)
    server.stream = stream
    server.requests += 1
    stream.info.wire_received += used
    if stream.request.flags & HF_HTTP10:
        stream.info.protocol = P_HTTP10
        if not stream.request.flags & HF_KEEP_ALIVE:
            stream.flags |= S_CLOSE
    h1_request_body(&stream.request, &stream.body)
    end = stream.body.kind == H1_BODY_NONE
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
        stream_downstream_reset(stream, text(h1_error_text(stream.body.error)), True)
    else:
        stream_protocol_error(stream, 400, text(h1_error_text(stream.body.error)))


cdef size_t on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef H1Server *server = <H1Server *>conn
    cdef size_t done = 0
    cdef int64_t used
    while done < n:
        if server.state == SERVER_HEAD:
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


# -- endings

cdef void server_gone(H1Server *server, bint remote) noexcept nogil:
    # Once per connection: statistics, lists.
    cdef Proxy *proxy = server.proxy
    if server.gone:
        return
    server.gone = True
    if server.previous != NULL:
        server.previous.next = server.next
    else:
        proxy.servers = server.next
    if server.next != NULL:
        server.next.previous = server.previous
    proxy.connections -= 1
    count(proxy.region, server.stats + HT_CX_DESTROY, 1)
    count(proxy.region, server.stats + (HT_CX_DESTROY_REMOTE if remote else HT_CX_DESTROY_LOCAL), 1)
    gauge(proxy.region, server.gauges + HTG_CX_ACTIVE, -1)
    gauge(proxy.region, server.gauges + HTG_CX_HTTP1_ACTIVE, -1)
    histogram_record(proxy.region, server.manager_histogram + HTH_CX_LENGTH_MS, proxy.engine.now_us - server.opened_us)
    count(proxy.region, server.listener_stats + LS_CX_DESTROY, 1)
    gauge(proxy.region, server.listener_gauges + LSG_CX_ACTIVE, -1)
    gauge(proxy.region, proxy.server_gauges + SVG_CONNECTIONS, -1)
    give_limits(proxy, server.listener_limit_row, server.box_limit_row)


cdef void server_close(H1Server *server) noexcept nogil:
    conn_close(&server.conn)


cdef void lost(H1Server *server, const char *details) noexcept nogil:
    # The client went away.
    cdef Stream *stream = server.stream
    server.remote_closed = True
    if stream != NULL:
        count(server.proxy.region, server.stats + HT_CX_DESTROY_ACTIVE_RQ, 1)
        server.closing = True
        server.state = SERVER_CLOSING
        stream_downstream_reset(stream, text(details), False)
    server_close(server)


cdef void on_eof(Conn *conn) noexcept nogil:
    cdef H1Server *server = <H1Server *>conn
    if server.state == SERVER_TUNNEL and server.stream != NULL and server.stream.up != NULL:
        stream_request_data(server.stream, NULL, 0, True)
        return
    lost(server, "downstream_remote_disconnect")


cdef void on_error(Conn *conn, int error) noexcept nogil:
    lost(<H1Server *>conn, "downstream_remote_disconnect")


cdef void on_drained(Conn *conn) noexcept nogil:
    cdef Stream *stream = (<H1Server *>conn).stream
    if stream != NULL:
        stream_downstream_drained(stream)


cdef void on_timer(Conn *conn) noexcept nogil:
    cdef H1Server *server = <H1Server *>conn
    cdef Stream *stream
    if server.state != SERVER_HEAD:
        return
    if not server.headers_timer:
        count(server.proxy.region, server.stats + HT_CX_IDLE_TIMEOUT, 1)
        server_close(server)
        return
    # A head that never ends (slow loris): 408, as Envoy's request_headers_timeout.
    count(server.proxy.region, server.stats + HT_RQ_HEADER_TIMEOUT, 1)
    if not refresh(server):
        server_close(server)
        return
    stream = new_stream(server)
    if stream == NULL:
        server_close(server)
        return
    answer_timeout(server, stream)


cdef void answer_timeout(H1Server *server, Stream *stream) noexcept nogil:
    server.stream = stream
    server.closing = True
    server.state = SERVER_CLOSING
    stream.flags |= S_CLOSE
    stream_open(stream)
    stream_reply(stream, 408, slice_of(NULL, 0), 0, text("request_header_timeout"), slice_of(NULL, 0))


cdef void destroy(Conn *conn) noexcept nogil:
    cdef H1Server *server = <H1Server *>conn
    server_gone(server, server.remote_closed)
    h1_head_reset(&server.parser)
    free(server.direct_remote)
    free(server)


# -- face

cdef H1Server *h1_server_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil:
    cdef H1Server *server = <H1Server *>calloc(1, sizeof(H1Server))
    cdef int failed
    if server == NULL:
        return NULL
    if accepted.conn != NULL:
        failed = conn_move(&server.conn, accepted.conn, &CONN_OPS)
    else:
        failed = conn_init(&server.conn, proxy.engine, &CONN_OPS, accepted.fd, False)
    if failed < 0:
        free(server)
        return NULL
    server.conn.high_water = accepted.config.buffer_limit
    server.proxy = proxy
    server.listener = accepted.listener
    server.config = accepted.config
    server.chain = chain
    server.manager = chain.http
    server.generation = proxy.snapshot.generation
    keep_direct_remote(server, accepted)
    server.remote = accepted.remote
    server.local = accepted.local
    server.opened_us = accepted.opened_us
    server.listener_limit_row = accepted.limit_row
    server.box_limit_row = accepted.box_limit_row
    server.id = proxy.next_connection_id
    proxy.next_connection_id += 1
    server.next = proxy.servers
    if proxy.servers != NULL:
        proxy.servers.previous = server
    proxy.servers = server
    enter(server, chain.http)
    arm_idle(server)
    return server


cdef void keep_direct_remote(H1Server *server, const Accepted *accepted) noexcept nogil:
    # Out of memory: the PROXY header's address stands for both.
    if memcmp(&accepted.direct_remote, &accepted.remote, sizeof(Address)) == 0:
        return
    server.direct_remote = <Address *>malloc(sizeof(Address))
    if server.direct_remote != NULL:
        server.direct_remote[0] = accepted.direct_remote


cdef void enter(H1Server *server, HttpManager *manager) noexcept nogil:
    cdef Proxy *proxy = server.proxy
    server.stats = manager.stats
    server.gauges = manager.gauges
    server.manager_histogram = manager.histogram
    server.idle_ms = manager.idle_timeout_ms
    server.listener_stats = server.config.stats
    server.listener_gauges = server.config.gauges
    count(proxy.region, manager.stats + HT_CX_TOTAL, 1)
    count(proxy.region, manager.stats + HT_CX_HTTP1_TOTAL, 1)
    gauge(proxy.region, manager.gauges + HTG_CX_ACTIVE, 1)
    gauge(proxy.region, manager.gauges + HTG_CX_HTTP1_ACTIVE, 1)


cdef void h1_server_drain(H1Server *server) noexcept nogil:
    server.draining = True
    if server.state == SERVER_HEAD and server.conn.inbuf.data == NULL and not server.conn.flags & C_DEAD:
        server_close(server)


cdef void h1_server_kill(H1Server *server) noexcept nogil:
    if server.stream != NULL:
        server.state = SERVER_CLOSING
        server.closing = True
        stream_downstream_reset(server.stream, text("local_drain"), False)
    server_close(server)


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

cdef ConnOps CONN_OPS
CONN_OPS.on_data = on_data
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_drained = on_drained
CONN_OPS.on_writable = on_writable
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy
