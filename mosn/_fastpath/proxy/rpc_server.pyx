"""An RPC protocol towards a client (see rpc_server.pxd).

Every request frame becomes a stream of its own, which answers when it can; nothing is kept in order here, because
the frames' ids say what belongs together.  Heartbeats are answered at once and never travel.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memset

from mosn._fastpath.codec.frame cimport (
    FRAME_HEARTBEAT, FRAME_ONEWAY, FRAME_REQUEST, FRAME_RESPONSE, SKIP_HEADERS, Frame,
)
from mosn._fastpath.engine.conn cimport (
    conn_close, conn_close_flushed, conn_flush_soon, conn_init, conn_move, conn_pause, conn_resume,
    conn_timer,
)
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH, C_LATE, C_PAUSED, Conn, ConnOps
from mosn._fastpath.memory cimport arena_alloc, arena_copy
from mosn._fastpath.proxy.finish cimport stream_discard, stream_new, text
from mosn._fastpath.proxy.holding cimport chain_now, give_limits
from mosn._fastpath.proxy.rpc_answer cimport rpc_answer_ops, rpc_goodbye
from mosn._fastpath.proxy.rpc_calls cimport rpc_call_answered
from mosn._fastpath.proxy.rpc_hold cimport rpc_hold, rpc_unhold
from mosn._fastpath.proxy.rpc_own cimport rpc_own_close
from mosn._fastpath.proxy.rpc_pool cimport rpc_pool_ops
from mosn._fastpath.proxy.rpc_types cimport RpcClient, RpcExchange, RpcServer
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy, RpcManager, Stream
from mosn._fastpath.proxy.stream cimport stream_begin, stream_downstream_reset
from mosn._fastpath.proxy.tls_facts cimport tls_describe
from mosn._fastpath.proxy.types cimport Address
from mosn._fastpath.shm.segment cimport count, gauge, histogram_record
from mosn._fastpath.shm.stats cimport (
    HT_CX_DESTROY, HT_CX_DESTROY_ACTIVE_RQ, HT_CX_DESTROY_LOCAL, HT_CX_DESTROY_REMOTE,
    HT_CX_IDLE_TIMEOUT, HT_CX_PROTOCOL_ERROR, HT_CX_RX_BYTES, HT_CX_TOTAL, HT_FLOW_PAUSED, HT_HEARTBEAT,
    HT_RQ_ONEWAY, HTG_CX_ACTIVE, HTH_CX_LENGTH_MS, LS_CX_DESTROY, LSG_CX_ACTIVE, SVG_CONNECTIONS,
)

cdef enum:
    LOOK_MS = 10                # a request that takes longer than this is asked for its timeout
    GOODBYE_MS = 1000           # clients that were told not to send any more have so long to hear it
    LEAST_HIGH_WATER = 262144   # of answers in the queue: many requests share it


# -- requests

cdef bint refresh(RpcServer *server) noexcept nogil:
    # Make chain and manager those of the live snapshot.  False: none wants this connection any more.
    cdef FilterChain *chain
    if server.generation == server.proxy.snapshot.generation:
        return True
    chain = chain_now(server.listener, &server.remote,
                      server.direct_remote if server.direct_remote != NULL else &server.remote, &server.local,
                      server.protocol, &server.conn)
    if chain == NULL or chain.rpc == NULL or chain.rpc.codec != server.codec:
        return False
    server.config = server.listener.config
    server.chain = chain
    server.manager = chain.rpc
    server.apart |= chain.rpc.per_client
    server.idle_ms = chain.rpc.http.idle_timeout_ms
    server.generation = server.proxy.snapshot.generation
    return True


cdef Stream *new_stream(RpcServer *server, char *p, const Frame *frame) noexcept nogil:
    # A stream with its own copy of the frame, or NULL: no memory.
    cdef Stream *stream = stream_new(server.proxy)
    cdef RpcExchange *exchange
    if stream == NULL:
        return NULL
    exchange = <RpcExchange *>arena_alloc(&stream.arena, sizeof(RpcExchange))
    if exchange != NULL:
        memset(exchange, 0, sizeof(RpcExchange))
        exchange.frame = frame[0]
        exchange.manager = server.manager
        exchange.bytes = arena_copy(&stream.arena, p, frame.length)
        exchange.begun_ms = server.proxy.engine.now_ms
        exchange.client_id = server.id
        exchange.own = server if server.apart else NULL
    if exchange == NULL or exchange.bytes == NULL:
        stream_discard(stream)
        return NULL
    stream.rpc = exchange
    stream.down = server
    stream.down_ops = rpc_answer_ops()
    stream.pool = rpc_pool_ops()
    stream.manager = &server.manager.http
    stream.listener = server.config
    return stream


cdef void describe(RpcServer *server, Stream *stream, const Frame *frame) noexcept nogil:
    stream.info.remote = server.remote
    if server.conn.tls != NULL:
        tls_describe(&stream.info, server.conn.tls)
    stream.info.direct_remote = server.remote if server.direct_remote == NULL else server.direct_remote[0]
    stream.info.local = server.local
    stream.info.connection_id = server.id
    stream.info.protocol = server.manager.protocol
    stream.info.filter_chain_name = server.chain.name
    stream.info.wire_received = frame.length
    stream.info.bytes_received = frame.body_end - frame.head_length
    if frame.timeout_ms > 0 and frame.kind == FRAME_REQUEST:
        stream.said_timeout_ms = <uint32_t>frame.timeout_ms


cdef int begin(RpcServer *server, char *p, const Frame *frame) noexcept nogil:
    # -1: the connection cannot go on.
    cdef Stream *stream
    cdef RpcExchange *exchange
    if not server.apart and server.codec.calls_back != NULL and server.codec.calls_back(server.codec, p, frame):
        server.apart = True
    stream = new_stream(server, p, frame)
    if stream == NULL:
        return -1
    exchange = <RpcExchange *>stream.rpc
    if server.codec.read_head(server.codec, exchange.bytes, &exchange.frame, &server.manager.limits,
                              &stream.request) < 0:
        stream_discard(stream)
        return -1
    if server.codec.read_rest != NULL and server.manager.limits.skip & SKIP_HEADERS:
        exchange.unread = True
        if frame.kind == FRAME_REQUEST:
            stream.look_at = exchange.begun_ms + LOOK_MS
    describe(server, stream, &exchange.frame)
    stream.older = server.streams
    if server.streams != NULL:
        server.streams.younger = stream
    server.streams = stream
    server.in_flight += 1
    server.held_bytes += frame.length
    server.like_version = frame.version
    server.like_serialization = frame.serialization
    if frame.kind == FRAME_ONEWAY:
        count(server.proxy.region, server.stats + HT_RQ_ONEWAY, 1)
    stream_begin(stream, True)
    if stream.up != NULL and stream.up_ops.above_high(stream) and server.held_by == NULL:
        count(server.proxy.region, server.stats + HT_FLOW_PAUSED, 1)
        rpc_hold(<RpcClient *>stream.up, server)
    return 0


cdef int serve_frame(RpcServer *server, char *p, const Frame *frame) noexcept nogil:
    if frame.kind == FRAME_REQUEST or frame.kind == FRAME_ONEWAY:
        return begin(server, p, frame)
    if frame.kind == FRAME_HEARTBEAT:
        count(server.proxy.region, server.stats + HT_HEARTBEAT, 1)
        if server.codec.heartbeat_answer(server.codec, &server.conn.engine.pool, &server.conn.outbuf, frame) < 0:
            return -1
        conn_flush_soon(&server.conn)
    elif frame.kind == FRAME_RESPONSE:
        rpc_call_answered(server, p, frame)
    # Events end here.
    return 0


cdef inline bint busy(const RpcServer *server) noexcept nogil:
    # No more requests for now: too many in flight, or answers that the client does not read.
    return (server.in_flight >= server.manager.max_streams or (server.conn.flags & C_HIGH) != 0
            or server.held_bytes >= server.manager.limits.frame_bytes)


cdef void protocol_error(RpcServer *server) noexcept nogil:
    count(server.proxy.region, server.stats + HT_CX_PROTOCOL_ERROR, 1)
    lost(server, "downstream_protocol_error", True)


cdef size_t on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef RpcServer *server = <RpcServer *>conn
    cdef Frame frame
    cdef size_t done = 0
    cdef int64_t used = 0
    server.last_ms = conn.engine.now_ms
    if not refresh(server):
        lost(server, "filter_chain_gone", False)
        return n
    while done < n and not conn.flags & (C_DEAD | C_PAUSED):
        if busy(server):
            conn_pause(conn)
            break
        used = server.codec.parse(server.codec, p + done, n - done, &server.manager.limits, &frame)
        if used <= 0:
            break
        if serve_frame(server, p + done, &frame) < 0:
            used = -1
            break
        done += <size_t>used
    count(server.proxy.region, server.stats + HT_CX_RX_BYTES, done)
    if used < 0 and not conn.flags & C_DEAD:
        protocol_error(server)
        return n
    return done


# -- endings

cdef void server_gone(RpcServer *server) noexcept nogil:
    # Once per connection: statistics, lists.
    cdef Proxy *proxy = server.proxy
    if server.gone:
        return
    server.gone = True
    if server.previous != NULL:
        server.previous.next = server.next
    else:
        proxy.rpc_servers = server.next
    if server.next != NULL:
        server.next.previous = server.previous
    rpc_unhold(server)
    rpc_own_close(server)
    proxy.connections -= 1
    count(proxy.region, server.stats + HT_CX_DESTROY, 1)
    count(proxy.region, server.stats + (HT_CX_DESTROY_REMOTE if server.remote_closed else HT_CX_DESTROY_LOCAL), 1)
    gauge(proxy.region, server.gauges + HTG_CX_ACTIVE, -1)
    histogram_record(proxy.region, server.histogram + HTH_CX_LENGTH_MS, proxy.engine.now_us - server.opened_us)
    count(proxy.region, server.listener_stats + LS_CX_DESTROY, 1)
    gauge(proxy.region, server.listener_gauges + LSG_CX_ACTIVE, -1)
    gauge(proxy.region, proxy.server_gauges + SVG_CONNECTIONS, -1)
    give_limits(proxy, server.listener_limit_row, server.box_limit_row)


cdef void lost(RpcServer *server, const char *details, bint protocol_error) noexcept nogil:
    # Every request of this client is over, and so is the connection.
    if server.streams != NULL:
        count(server.proxy.region, server.stats + HT_CX_DESTROY_ACTIVE_RQ, 1)
    server.closing = True
    while server.streams != NULL:
        stream_downstream_reset(server.streams, text(details), protocol_error)
    rpc_unhold(server)
    conn_close(&server.conn)


cdef void on_eof(Conn *conn) noexcept nogil:
    (<RpcServer *>conn).remote_closed = True
    lost(<RpcServer *>conn, "downstream_remote_disconnect", False)


cdef void on_error(Conn *conn, int error) noexcept nogil:
    on_eof(conn)


cdef void on_drained(Conn *conn) noexcept nogil:
    if conn.flags & C_PAUSED and (<RpcServer *>conn).held_by == NULL:
        conn_resume(conn)


cdef void on_timer(Conn *conn) noexcept nogil:
    # Armed rarely: a frame only notes when it came.
    cdef RpcServer *server = <RpcServer *>conn
    cdef uint64_t silent = conn.engine.now_ms - server.last_ms
    if server.draining:
        part(server)
        return
    if not server.idle_ms:
        return
    if server.in_flight == 0 and silent >= server.idle_ms:
        count(server.proxy.region, server.stats + HT_CX_IDLE_TIMEOUT, 1)
        server.closing = True
        conn_close_flushed(conn)
        return
    conn_timer(conn, server.idle_ms - <uint32_t>silent if silent < server.idle_ms else server.idle_ms)


cdef void destroy(Conn *conn) noexcept nogil:
    cdef RpcServer *server = <RpcServer *>conn
    lost(server, "downstream_local_disconnect", False)      # out of memory: the engine closed it
    server_gone(server)
    free(server.direct_remote)
    free(server)


# -- face

cdef RpcServer *rpc_server_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil:
    cdef RpcServer *server = <RpcServer *>calloc(1, sizeof(RpcServer))
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
    server.conn.flags |= C_LATE
    server.conn.high_water = max(accepted.config.buffer_limit, <uint32_t>LEAST_HIGH_WATER)
    server.proxy = proxy
    server.listener = accepted.listener
    server.config = accepted.config
    server.chain = chain
    server.manager = chain.rpc
    server.codec = chain.rpc.codec
    server.generation = proxy.snapshot.generation
    server.remote = accepted.remote
    server.local = accepted.local
    server.protocol = accepted.protocol
    server.opened_us = accepted.opened_us
    server.last_ms = proxy.engine.now_ms
    server.listener_limit_row = accepted.limit_row
    server.box_limit_row = accepted.box_limit_row
    if memcmp(&accepted.direct_remote, &accepted.remote, sizeof(Address)) != 0:
        server.direct_remote = <Address *>malloc(sizeof(Address))
        if server.direct_remote != NULL:
            server.direct_remote[0] = accepted.direct_remote
    enter(server, chain.rpc)
    return server


cdef void enter(RpcServer *server, RpcManager *manager) noexcept nogil:
    cdef Proxy *proxy = server.proxy
    server.id = proxy.next_connection_id
    proxy.next_connection_id += 1
    server.next = <RpcServer *>proxy.rpc_servers
    if server.next != NULL:
        server.next.previous = server
    proxy.rpc_servers = server
    server.stats = manager.http.stats
    server.gauges = manager.http.gauges
    server.histogram = manager.http.histogram
    server.idle_ms = manager.http.idle_timeout_ms
    server.apart = manager.per_client
    server.listener_stats = server.config.stats
    server.listener_gauges = server.config.gauges
    count(proxy.region, server.stats + HT_CX_TOTAL, 1)
    gauge(proxy.region, server.gauges + HTG_CX_ACTIVE, 1)
    if server.idle_ms:
        conn_timer(&server.conn, server.idle_ms)


cdef void say_readonly(RpcServer *server) noexcept nogil:
    # Where clients know such a thing.
    cdef Frame like
    if server.codec.goaway == NULL:
        return
    memset(&like, 0, sizeof(Frame))
    like.version = server.like_version
    like.serialization = server.like_serialization
    if server.codec.goaway(server.codec, &server.conn.engine.pool, &server.conn.outbuf, &like) == 0:
        server.goodbye_ms = server.conn.engine.now_ms + GOODBYE_MS
        conn_flush_soon(&server.conn)


cdef void part(RpcServer *server) noexcept nogil:
    # Now, when the client had its time to hear of it; else later, or with the last answer.
    cdef uint64_t now = server.conn.engine.now_ms
    if now < server.goodbye_ms:
        conn_timer(&server.conn, <uint32_t>(server.goodbye_ms - now))
    elif server.in_flight == 0 and server.conn.inbuf.data == NULL:
        rpc_goodbye(server)


cdef void rpc_drain_all(Proxy *proxy) noexcept nogil:
    cdef RpcServer *server = <RpcServer *>proxy.rpc_servers
    while server != NULL:
        server.draining = True
        if not server.conn.flags & C_DEAD and not server.closing:
            say_readonly(server)
            part(server)
        server = server.next


cdef void rpc_kill_all(Proxy *proxy) noexcept nogil:
    cdef RpcServer *server = <RpcServer *>proxy.rpc_servers
    while server != NULL:
        if not server.conn.flags & C_DEAD:
            lost(server, "local_drain", False)
        server = server.next


cdef ConnOps CONN_OPS
CONN_OPS.on_data = on_data
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_drained = on_drained
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy
