"""Answers to the clients of an RPC protocol: an upstream's under the client's id, and our own (DownstreamOps)."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.codec.frame cimport FRAME_ONEWAY, Frame
from mosn._fastpath.engine.conn cimport (
    conn_close, conn_close_flushed, conn_flush_soon, conn_push, conn_resume, conn_write_large,
)
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, C_PAUSED, Conn
from mosn._fastpath.head cimport Head, head_init
from mosn._fastpath.memory cimport Slice, arena_alloc, arena_copy, buf_len, buf_reserve
from mosn._fastpath.proxy.finish cimport text
from mosn._fastpath.proxy.rpc_types cimport RpcExchange, RpcServer, rpc_read_rest
from mosn._fastpath.proxy.runtime cimport DownstreamOps, RpcManager, Stream
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport HT_CX_DRAIN_CLOSE, HT_CX_TX_BYTES

cdef enum:
    DIRECT_BYTES = 16384        # from here on an answer goes to the socket without a copy
    PUSH_BYTES = 65536          # the largest buffer that is kept for the next batch: what is more goes out earlier


cdef inline void wrote(RpcServer *server, Stream *stream, uint64_t n) noexcept nogil:
    stream.info.wire_sent += n
    count(server.proxy.region, server.stats + HT_CX_TX_BYTES, n)
    if buf_len(&server.conn.outbuf) > server.conn.high_water:
        server.conn.flags |= C_HIGH
    conn_flush_soon(&server.conn)


cdef void send_head(Stream *stream, Head *head, bint end) noexcept nogil:
    # The upstream's answer, whole.
    cdef RpcServer *server = <RpcServer *>stream.down
    cdef RpcExchange *exchange = <RpcExchange *>stream.rpc
    cdef Frame *answer = &exchange.answer
    cdef Conn *conn = &server.conn
    cdef uint32_t before = buf_len(&conn.outbuf)
    if conn.flags & C_DEAD or exchange.frame.kind == FRAME_ONEWAY:
        return
    stream.info.bytes_sent += answer.body_end - answer.head_length
    if server.codec.changed(server.codec, exchange.answer_bytes, answer, head):
        if server.codec.write(server.codec, &conn.engine.pool, &conn.outbuf, exchange.answer_bytes, answer, head,
                              exchange.frame.id, -1) < 0:
            local_reply(stream, 502, text("the response's headers do not fit the protocol"))
            return
        wrote(server, stream, buf_len(&conn.outbuf) - before)
        return
    server.codec.patch(server.codec, exchange.answer_bytes, answer, exchange.frame.id, -1)
    if answer.length >= DIRECT_BYTES:
        conn_write_large(conn, exchange.answer_bytes, answer.length)
    else:
        if before + answer.length > PUSH_BYTES:
            conn_push(conn)
        if buf_reserve(&conn.engine.pool, &conn.outbuf, answer.length) < 0:
            conn_close(conn)
            return
        memcpy(conn.outbuf.data + conn.outbuf.end, exchange.answer_bytes, answer.length)
        conn.outbuf.end += answer.length
    wrote(server, stream, answer.length)


cdef void local_reply(Stream *stream, int status, Slice words) noexcept nogil:
    cdef RpcServer *server = <RpcServer *>stream.down
    cdef RpcExchange *exchange = <RpcExchange *>stream.rpc
    cdef Conn *conn = &server.conn
    cdef uint32_t before = buf_len(&conn.outbuf)
    if conn.flags & C_DEAD or exchange.frame.kind == FRAME_ONEWAY:
        return
    server.codec.reply(server.codec, &conn.engine.pool, &conn.outbuf, exchange.bytes, &exchange.frame,
                       <uint32_t>status, words)
    wrote(server, stream, buf_len(&conn.outbuf) - before)


cdef int prepare(Stream *stream, Slice *details, Slice *location) noexcept nogil:
    return 0


cdef void respond(Stream *stream, bint from_upstream) noexcept nogil:
    pass


cdef int mirrored(Stream *stream, Stream *shadow) noexcept nogil:
    # The copy has a frame of its own, and the head that stands in it.
    cdef RpcExchange *own = <RpcExchange *>stream.rpc
    cdef RpcExchange *copy = <RpcExchange *>arena_alloc(&shadow.arena, sizeof(RpcExchange))
    cdef RpcManager *manager = <RpcManager *>stream.manager
    if copy == NULL:
        return -1
    copy[0] = own[0]
    copy.slot = NULL
    copy.own = NULL
    copy.bytes = arena_copy(&shadow.arena, own.bytes, own.frame.length)
    if copy.bytes == NULL:
        return -1
    shadow.rpc = copy
    shadow.info.protocol = manager.protocol
    head_init(&shadow.request, &shadow.arena)
    return manager.codec.read_head(manager.codec, copy.bytes, &copy.frame, &manager.limits, &shadow.request)


cdef void send_1xx(Stream *stream, Head *head) noexcept nogil:
    pass


cdef void send_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    pass


cdef void send_trailers(Stream *stream, Head *trailers) noexcept nogil:
    pass


cdef void nothing(Stream *stream) noexcept nogil:
    # A frame is whole before it becomes a stream, and an answer before it is sent: there is no flow to control.
    pass


cdef bint above_high(Stream *stream) noexcept nogil:
    return ((<RpcServer *>stream.down).conn.flags & C_HIGH) != 0


cdef Conn *splice_target(Stream *stream) noexcept nogil:
    return NULL


cdef void look(Stream *stream) noexcept nogil:
    # The client's timeout, which most requests are answered without.
    cdef RpcExchange *exchange = <RpcExchange *>stream.rpc
    cdef RpcManager *manager = <RpcManager *>stream.manager
    cdef uint64_t deadline
    if not exchange.unread:
        return
    rpc_read_rest(manager.codec, exchange, &manager.limits, &stream.request)
    if exchange.frame.timeout_ms <= 0:
        return
    stream.said_timeout_ms = <uint32_t>exchange.frame.timeout_ms
    deadline = exchange.begun_ms + stream.said_timeout_ms
    if stream.route_deadline == 0 or deadline < stream.route_deadline:
        stream.route_deadline = deadline


cdef void finished(Stream *stream) noexcept nogil:
    cdef RpcServer *server = <RpcServer *>stream.down
    if stream.younger != NULL:
        stream.younger.older = stream.older
    else:
        server.streams = stream.older
    if stream.older != NULL:
        stream.older.younger = stream.younger
    server.in_flight -= 1
    server.held_bytes -= (<RpcExchange *>stream.rpc).frame.length
    if server.conn.flags & C_DEAD or server.closing:
        return
    if server.draining and server.in_flight == 0 and server.conn.engine.now_ms >= server.goodbye_ms:
        rpc_goodbye(server)
    elif server.conn.flags & C_PAUSED and server.held_by == NULL and not server.conn.flags & C_HIGH:
        conn_resume(&server.conn)


cdef void rpc_goodbye(RpcServer *server) noexcept nogil:
    count(server.proxy.region, server.stats + HT_CX_DRAIN_CLOSE, 1)
    server.closing = True
    conn_close_flushed(&server.conn)


cdef DownstreamOps OPS
OPS.prepare = prepare
OPS.respond = respond
OPS.local_reply = local_reply
OPS.mirrored = mirrored
OPS.send_1xx = send_1xx
OPS.send_head = send_head
OPS.send_data = send_data
OPS.send_trailers = send_trailers
OPS.abort = nothing
OPS.pause = nothing
OPS.resume = nothing
OPS.tunnel = nothing
OPS.look = look
OPS.finished = finished
OPS.above_high = above_high
OPS.splice_target = splice_target


cdef const DownstreamOps *rpc_answer_ops() noexcept nogil:
    return &OPS
