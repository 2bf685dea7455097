"""An RPC protocol towards an upstream (see rpc_client.pxd).

Requests go out under ids of the connection's own (rpc_pending); answers may come in any order.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.stdlib cimport free
from libc.string cimport memcpy

from mosn._fastpath.codec.frame cimport (
    FRAME_GOAWAY, FRAME_HEARTBEAT, FRAME_HEARTBEAT_ANSWER, FRAME_ONEWAY, FRAME_REQUEST, FRAME_RESPONSE, Frame,
)
from mosn._fastpath.engine.conn cimport conn_close, conn_flush_soon, conn_push, conn_timer, conn_write_large
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, Conn, ConnOps
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Slice, buf_len, buf_reserve, slice_of
from mosn._fastpath.proxy.rpc_calls cimport rpc_call_client
from mosn._fastpath.proxy.rpc_hold cimport rpc_release
from mosn._fastpath.proxy.rpc_pending cimport rpc_free_id, rpc_pending_grow, rpc_remember, rpc_take
from mosn._fastpath.proxy.rpc_types cimport (
    RPC_CLOSED, RPC_CONNECTING, RPC_OPEN, RpcClient, RpcExchange, rpc_read_rest,
)
from mosn._fastpath.proxy.runtime cimport (
    RESET_LOCAL, RESET_PROTOCOL, RESET_TERMINATION, S_DONE, S_HEAD_SENT, Stream, UpstreamOps,
)
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    CL_CX_GOAWAY, CL_CX_IDLE_TIMEOUT, CL_CX_MAX_REQUESTS, CL_CX_PROTOCOL_ERROR, CL_CX_RX_BYTES, CL_CX_TX_BYTES,
    CL_FLOW_BACKED_UP, CL_FLOW_DRAINED, CL_HEARTBEAT, CL_HEARTBEAT_TIMEOUT, CL_RESPONSE_UNKNOWN,
)

cdef enum:
    DIRECT_BYTES = 16384        # from here on a request goes to the socket without another copy
    PUSH_BYTES = 65536          # the largest buffer that is kept for the next batch: what is more goes out earlier
    MOST_BACKOFF = 2            # doublings of the heartbeat interval while no request comes

cdef Slice NO_DETAIL = slice_of(NULL, 0)


cdef void unburden(RpcClient *client) noexcept nogil:
    # After an answer: one that takes no more requests goes with its last.
    if client.slot == NULL and client.pending_count == 0 and client.state == RPC_OPEN:
        rpc_client_close(client, RESET_TERMINATION)


# -- stream -> connection

cdef inline void wrote(RpcClient *client, uint64_t n) noexcept nogil:
    count(client.proxy.region, client.stats + CL_CX_TX_BYTES, n)
    if buf_len(&client.conn.outbuf) > client.conn.high_water and not client.conn.flags & C_HIGH:
        client.conn.flags |= C_HIGH
        count(client.proxy.region, client.stats + CL_FLOW_BACKED_UP, 1)
    conn_flush_soon(&client.conn)


cdef int32_t time_left(RpcClient *client, RpcExchange *exchange, Head *head, bint again) noexcept nogil:
    # What is left of the client's own timeout, where time was spent; -1: leave it as it stands.
    cdef uint64_t spent = client.conn.engine.now_ms - exchange.begun_ms
    if again and exchange.unread:
        rpc_read_rest(client.codec, exchange, &client.limits, head)
    if exchange.frame.timeout_ms <= 0 or spent == 0:
        return -1
    return 1 if spent >= <uint64_t>exchange.frame.timeout_ms else <int32_t>(exchange.frame.timeout_ms - spent)


cdef int put(RpcClient *client, RpcExchange *exchange, Head *head, bint again) noexcept nogil:
    cdef Conn *conn = &client.conn
    cdef Frame *frame = &exchange.frame
    cdef int32_t timeout_ms = time_left(client, exchange, head, again)
    if timeout_ms >= 0 and client.codec.set_timeout != NULL:
        client.codec.set_timeout(client.codec, frame, head, timeout_ms)
    if client.codec.changed(client.codec, exchange.bytes, frame, head):
        return client.codec.write(client.codec, &conn.engine.pool, &conn.outbuf, exchange.bytes, frame, head,
                                  exchange.upstream_id, timeout_ms)
    client.codec.patch(client.codec, exchange.bytes, frame, exchange.upstream_id, timeout_ms)
    if frame.length >= DIRECT_BYTES:
        return conn_write_large(conn, exchange.bytes, frame.length)
    if buf_len(&conn.outbuf) + frame.length > PUSH_BYTES:
        conn_push(conn)
    if buf_reserve(&conn.engine.pool, &conn.outbuf, frame.length) < 0:
        return -1
    memcpy(conn.outbuf.data + conn.outbuf.end, exchange.bytes, frame.length)
    conn.outbuf.end += frame.length
    return 0


cdef void send_head(Stream *stream, Head *head, bint end) noexcept nogil:
    # The whole request.  What cannot be sent is told in rpc_client_serve: here the stream is in the middle of things.
    cdef RpcClient *client = <RpcClient *>stream.up
    cdef RpcExchange *exchange = <RpcExchange *>stream.rpc
    client.used_ms = client.conn.engine.now_ms
    client.backoff = 0
    client.like = exchange.frame
    client.requests += 1
    exchange.unsendable = False
    if exchange.frame.kind == FRAME_ONEWAY:
        exchange.upstream_id = rpc_free_id(client)
    elif not rpc_remember(client, stream, &exchange.upstream_id):
        exchange.unsendable = True
        return
    if put(client, exchange, exchange.head if exchange.head != NULL else head, stream.attempt > 0) < 0:
        exchange.unsendable = True
        return
    stream.info.upstream_wire_sent += exchange.frame.length
    wrote(client, exchange.frame.length)


cdef void cancel(Stream *stream) noexcept nogil:
    # The answer, if there will be one, finds nobody.
    cdef RpcClient *client = <RpcClient *>stream.up
    cdef uint64_t id = (<RpcExchange *>stream.rpc).upstream_id
    stream.up = NULL
    if client.pending[id & client.mask].stream == stream:
        rpc_take(client, id)
        unburden(client)


cdef void send_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    pass


cdef void send_trailers(Stream *stream, Head *trailers) noexcept nogil:
    pass


cdef void nothing(Stream *stream) noexcept nogil:
    pass


cdef bint above_high(Stream *stream) noexcept nogil:
    return ((<RpcClient *>stream.up).conn.flags & C_HIGH) != 0


cdef void oneway_done(Stream *stream) noexcept nogil:
    # It was sent, and that is all there is to know.
    stream.up = NULL
    stream.response.status = 200
    stream.info.response = &stream.response
    stream.events.head(stream, &stream.response, True)


cdef void rpc_client_serve(RpcClient *client, Stream *stream) noexcept nogil:
    cdef RpcExchange *exchange = <RpcExchange *>stream.rpc
    stream.up = client
    stream.up_ops = &OPS
    stream.upstream_was_used = client.requests > 0
    stream.events.ready(stream)
    if stream.flags & S_DONE or stream.up != client:
        return
    if exchange.unsendable:
        cancel(stream)
        stream.events.reset(stream, RESET_LOCAL, NO_DETAIL)
    elif exchange.frame.kind == FRAME_ONEWAY and stream.flags & S_HEAD_SENT:
        oneway_done(stream)
    if client.max_requests and client.requests >= client.max_requests and client.slot != NULL:
        count(client.proxy.region, client.stats + CL_CX_MAX_REQUESTS, 1)
        rpc_client_retire(client)


# -- connection -> stream

cdef int answer(RpcClient *client, char *p, const Frame *frame) noexcept nogil:
    cdef Stream *stream = rpc_take(client, frame.id)
    cdef RpcExchange *exchange
    if stream == NULL:
        count(client.proxy.region, client.stats + CL_RESPONSE_UNKNOWN, 1)
        return 0
    exchange = <RpcExchange *>stream.rpc
    exchange.answer = frame[0]
    exchange.answer_bytes = p
    if client.codec.read_head(client.codec, p, &exchange.answer, &client.limits, &stream.response) < 0:
        stream.events.reset(stream, RESET_PROTOCOL, NO_DETAIL)
        return -1
    stream.info.response = &stream.response
    stream.info.upstream_wire_received += frame.length
    stream.events.head(stream, &stream.response, True)
    return 0


cdef int serve_frame(RpcClient *client, char *p, const Frame *frame) noexcept nogil:
    if frame.kind == FRAME_RESPONSE:
        return answer(client, p, frame)
    if frame.kind == FRAME_HEARTBEAT_ANSWER:
        client.asked_ms = 0
        client.unanswered = 0
    elif frame.kind == FRAME_HEARTBEAT:
        client.codec.heartbeat_answer(client.codec, &client.conn.engine.pool, &client.conn.outbuf, frame)
        conn_flush_soon(&client.conn)
    elif frame.kind == FRAME_GOAWAY:
        count(client.proxy.region, client.stats + CL_CX_GOAWAY, 1)
        rpc_client_retire(client)
    elif frame.kind == FRAME_REQUEST or frame.kind == FRAME_ONEWAY:
        rpc_call_client(client, p, frame)
    return 0


cdef size_t on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef RpcClient *client = <RpcClient *>conn
    cdef Frame frame
    cdef size_t done = 0
    cdef int64_t used = 0
    client.heard_ms = conn.engine.now_ms
    while done < n and not conn.flags & C_DEAD:
        used = client.codec.parse(client.codec, p + done, n - done, &client.limits, &frame)
        if used <= 0:
            break
        if serve_frame(client, p + done, &frame) < 0:
            used = -1
            break
        done += <size_t>used
    count(client.proxy.region, client.stats + CL_CX_RX_BYTES, done)
    if conn.flags & C_DEAD:
        return n
    if used < 0:
        count(client.proxy.region, client.stats + CL_CX_PROTOCOL_ERROR, 1)
        rpc_client_close(client, RESET_PROTOCOL)
        return n
    unburden(client)
    return done


# -- endings

cdef void reset_pending(RpcClient *client, int reason) noexcept nogil:
    # What is told may retry at once, elsewhere: this connection is closed to it.
    cdef uint32_t i
    cdef Stream *stream
    if client.pending == NULL:
        return
    for i in range(client.mask + 1):
        stream = client.pending[i].stream
        if stream != NULL:
            client.pending[i].stream = NULL
            client.pending_count -= 1
            stream.up = NULL
            stream.events.reset(stream, reason, NO_DETAIL)


cdef void rpc_client_close(RpcClient *client, int reason) noexcept nogil:
    if client.state == RPC_CLOSED:
        return
    client.state = RPC_CLOSED
    rpc_client_retire(client)
    # The socket goes first: nothing that the streams do may reach it.
    client.owner.gone(client)
    conn_close(&client.conn)
    reset_pending(client, reason)
    rpc_release(client)


cdef void rpc_client_retire(RpcClient *client) noexcept nogil:
    if client.slot != NULL:
        client.slot.client = NULL
        client.slot = NULL
    unburden(client)


cdef void on_eof(Conn *conn) noexcept nogil:
    rpc_client_close(<RpcClient *>conn, RESET_TERMINATION)


cdef void on_error(Conn *conn, int error) noexcept nogil:
    cdef RpcClient *client = <RpcClient *>conn
    if client.state == RPC_CONNECTING:
        client.owner.failed(client, 0, error)
    else:
        rpc_client_close(client, RESET_TERMINATION)


cdef void on_connected(Conn *conn) noexcept nogil:
    (<RpcClient *>conn).owner.connected(<RpcClient *>conn)


cdef void on_drained(Conn *conn) noexcept nogil:
    count((<RpcClient *>conn).proxy.region, (<RpcClient *>conn).stats + CL_FLOW_DRAINED, 1)
    rpc_release(<RpcClient *>conn)


# -- clocks

cdef void ask(RpcClient *client, uint64_t now) noexcept nogil:
    # A heartbeat; its id is used by nobody.
    client.asked_ms = now
    client.backoff += 1
    count(client.proxy.region, client.stats + CL_HEARTBEAT, 1)
    if client.codec.heartbeat(client.codec, &client.conn.engine.pool, &client.conn.outbuf, &client.like,
                              rpc_free_id(client)) == 0:
        conn_flush_soon(&client.conn)


cdef void give_up(RpcClient *client) noexcept nogil:
    client.asked_ms = 0
    client.unanswered += 1
    count(client.proxy.region, client.stats + CL_HEARTBEAT_TIMEOUT, 1)
    if client.unanswered >= client.heartbeat_failures:
        rpc_client_close(client, RESET_TERMINATION)


cdef uint64_t sooner(uint64_t a, uint64_t b) noexcept nogil:
    return a if a < b else b


cdef uint64_t interval(const RpcClient *client) noexcept nogil:
    # Twice and four times as long while only heartbeats go by.
    return <uint64_t>client.heartbeat_ms << min(client.backoff, <uint32_t>MOST_BACKOFF)


cdef void tend(RpcClient *client) noexcept nogil:
    # Idle for too long, an unanswered heartbeat, a silence that asks for one; then the timer for what is next.
    cdef uint64_t now = client.conn.engine.now_ms
    cdef uint64_t due = now + (client.idle_ms if client.idle_ms else 3600000)
    if client.idle_ms and client.pending_count == 0:
        if now - client.used_ms >= client.idle_ms:
            count(client.proxy.region, client.stats + CL_CX_IDLE_TIMEOUT, 1)
            rpc_client_close(client, RESET_TERMINATION)
            return
        due = client.used_ms + client.idle_ms
    if client.heartbeat_ms:
        if client.asked_ms and now - client.asked_ms >= client.heartbeat_timeout_ms:
            give_up(client)
        if client.state == RPC_CLOSED:
            return
        if not client.asked_ms and (client.unanswered or now - client.heard_ms >= interval(client)):
            ask(client, now)
        due = sooner(due, client.asked_ms + client.heartbeat_timeout_ms if client.asked_ms
                     else client.heard_ms + interval(client))
    conn_timer(&client.conn, <uint32_t>(due - now) if due > now else 1)


cdef void on_timer(Conn *conn) noexcept nogil:
    cdef RpcClient *client = <RpcClient *>conn
    if client.state == RPC_CONNECTING:
        client.owner.failed(client, 1, 0)
    elif client.state == RPC_OPEN:
        tend(client)


cdef void destroy(Conn *conn) noexcept nogil:
    rpc_client_close(<RpcClient *>conn, RESET_TERMINATION)
    free((<RpcClient *>conn).pending)
    free(conn)


# -- face

cdef int rpc_client_init(RpcClient *client) noexcept nogil:
    return 0 if rpc_pending_grow(client) else -1


cdef void rpc_client_opened(RpcClient *client) noexcept nogil:
    cdef uint64_t now = client.conn.engine.now_ms
    client.state = RPC_OPEN
    client.used_ms = now
    client.heard_ms = now
    tend(client)


cdef UpstreamOps OPS
OPS.send_head = send_head
OPS.send_data = send_data
OPS.send_trailers = send_trailers
OPS.cancel = cancel
OPS.pause = nothing
OPS.resume = nothing
OPS.above_high = above_high
OPS.splice_on = nothing

cdef ConnOps CONN_OPS
CONN_OPS.on_data = on_data
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_connected = on_connected
CONN_OPS.on_drained = on_drained
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy


cdef const ConnOps *rpc_client_conn_ops() noexcept nogil:
    return &CONN_OPS
