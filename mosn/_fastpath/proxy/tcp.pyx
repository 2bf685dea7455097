"""TCP proxy: two connections, bytes between them, nothing else (see tcp.pxd).

Half-close is passed on exactly (a FIN from one side becomes a FIN to the other, after the bytes before it); a reset on
one side becomes a reset on the other.  Bulk moves inside the kernel (splice through a pipe), small messages are
cheaper through the engine's scratch buffer; a direction changes over by what its last reads looked like.
"""

from libc.stdint cimport uint32_t, uint64_t, uint8_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.engine.conn cimport (
    conn_abort, conn_close, conn_flush, conn_init, conn_move, conn_pause, conn_read, conn_ready_again, conn_resume,
    conn_shutdown, conn_timer, conn_timer_cancel, conn_write_large,
)
from mosn._fastpath.engine.loop cimport random_next
from mosn._fastpath.engine.splice cimport pipe_drain, pipe_fill, pipe_give, pipe_take
from mosn._fastpath.engine.system cimport close, errno
from mosn._fastpath.engine.types cimport (
    C_CONNECTING, C_DEAD, C_EOF, C_HIGH, C_PAUSED, C_READABLE, Conn, ConnOps, Engine, Pipe,
)
from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.memory cimport Arena, Slice, arena_init, arena_release, buf_len
from mosn._fastpath.proxy.cluster cimport cluster_pick
from mosn._fastpath.proxy.finish cimport snapshot_unref, text
from mosn._fastpath.proxy.holding cimport give_limits
from mosn._fastpath.proxy.log cimport access_logs_write
from mosn._fastpath.proxy.pool cimport original_dst_host, upstream_socket
from mosn._fastpath.proxy.proxy_protocol cimport proxy_protocol_write
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Listener, Proxy, Snapshot, TcpProxy
from mosn._fastpath.proxy.types cimport (
    CLUSTER_ORIGINAL_DST, FLAG_NC, FLAG_UC, FLAG_UF, FLAG_UH, FLAG_UO, P_NONE, Breaker, Cluster, Host, PickContext,
    RequestInfo,
)
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, count, gauge, histogram_record, limit_give, limit_take
from mosn._fastpath.shm.stats cimport (
    CLG_CX_ACTIVE, CLH_CX_CONNECT_MS, CLH_CX_LENGTH_MS, CL_CX_CONNECT_ATTEMPTS_EXCEEDED, CL_CX_CONNECT_FAIL,
    CL_CX_CONNECT_TIMEOUT, CL_CX_DESTROY, CL_CX_NONE_HEALTHY, CL_CX_OVERFLOW, CL_CX_RX_BYTES, CL_CX_TOTAL,
    CL_CX_TX_BYTES, HSG_CX_ACTIVE, HS_CX_CONNECT_FAIL, HS_CX_TOTAL, LSG_CX_ACTIVE, LS_CX_DESTROY, SVG_CONNECTIONS,
    TCG_CX_ACTIVE, TC_CX_NO_ROUTE, TC_CX_RX_BYTES, TC_CX_TOTAL, TC_CX_TX_BYTES, TC_FLOW_PAUSED, TC_FLOW_RESUMED,
    TC_IDLE_TIMEOUT, TC_MAX_DURATION,
)


cdef enum:
    BULK_BYTES = 32768          # a read of this size looks like bulk
    SMALL_BYTES = 8192          # a splice below this does not
    SPLICE_BYTES = 1 << 20
    SPLICES_PER_TURN = 8


cdef struct Side:
    Conn conn                   # first
    Session *session
    Side *peer
    Pipe pipe                   # from this side to the peer
    uint8_t splicing
    uint8_t streak              # reads in a row that ask for the other way of moving
    uint8_t ended               # its FIN was passed on


cdef struct Session:
    Side down
    Side up
    Proxy *proxy
    Snapshot *snapshot
    Listener *config
    TcpProxy *tcp
    Cluster *cluster
    Host *host
    RequestInfo info
    Arena arena
    Session *next
    Session *previous
    uint64_t last_active_ms
    uint64_t connect_us
    uint32_t limit_row          # of the listener
    uint32_t box_limit_row
    uint32_t attempts
    uint8_t up_open             # up.conn was initialised and is not destroyed
    uint8_t counted             # the cluster's connection limit is held
    uint8_t over
    uint8_t references          # Conns whose memory may still be pointed at


# -- moving bytes

cdef inline void active(Session *session) noexcept nogil:
    session.last_active_ms = session.proxy.engine.now_ms


cdef void moved(Side *side, uint64_t n) noexcept nogil:
    # n bytes came in on this side.
    cdef Session *session = side.session
    cdef Proxy *proxy = session.proxy
    active(session)
    if side == &session.down:
        session.info.bytes_received += n
        count(proxy.region, session.tcp.stats + TC_CX_RX_BYTES, n)
        count(proxy.region, session.cluster.stats + CL_CX_TX_BYTES, n)
    else:
        session.info.bytes_sent += n
        count(proxy.region, session.tcp.stats + TC_CX_TX_BYTES, n)
        count(proxy.region, session.cluster.stats + CL_CX_RX_BYTES, n)


cdef size_t on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Side *peer = side.peer
    moved(side, n)
    conn_write_large(&peer.conn, p, n)
    if peer.conn.flags & C_HIGH:
        count(side.session.proxy.region, side.session.tcp.stats + TC_FLOW_PAUSED, 1)
        conn_pause(conn)
    side.streak = side.streak + 1 if n >= BULK_BYTES else 0
    if side.streak >= 2:
        start_splicing(side)
    return n


cdef void start_splicing(Side *side) noexcept nogil:
    side.streak = 0
    if not side.pipe.open and pipe_take(side.session.proxy.engine, &side.pipe) < 0:
        return
    side.splicing = True
    conn_ready_again(&side.conn)


cdef void stop_splicing(Side *side) noexcept nogil:
    side.splicing = False
    side.streak = 0
    pipe_give(side.session.proxy.engine, &side.pipe)


cdef bint peer_takes(Side *side) noexcept nogil:
    # What the pipe holds goes to the peer.  False: it takes no more now (its EPOLLOUT goes on), or all is over.
    cdef int said = pipe_drain(&side.pipe, &side.peer.conn)
    if said < 0:
        on_error(&side.peer.conn, errno)
    return said == 1


cdef void splice_turn(Side *side) noexcept nogil:
    cdef Conn *conn = &side.conn
    cdef ssize_t n
    cdef int turn = 0
    if buf_len(&side.peer.conn.outbuf):
        conn_flush(&side.peer.conn)
        if side.session.over or buf_len(&side.peer.conn.outbuf):
            return                      # on_writable comes back here
    while not side.session.over and peer_takes(side) and conn.flags & C_READABLE and not conn.flags & C_EOF:
        if turn == SPLICES_PER_TURN:
            conn_ready_again(conn)
            return
        turn += 1
        n = pipe_fill(&side.pipe, conn, SPLICE_BYTES)
        if n > 0:
            moved(side, n)
            side.streak = side.streak + 1 if n < SMALL_BYTES else 0
        elif n == 0:
            conn.flags = (conn.flags | C_EOF) & ~<uint32_t>C_READABLE
        elif n == -2:
            on_error(conn, errno)
            return
    after_splice(side)


cdef void after_splice(Side *side) noexcept nogil:
    if side.session.over or side.pipe.bytes:
        return
    if side.conn.flags & C_EOF:
        on_eof(&side.conn)
    elif side.streak >= 4:
        stop_splicing(side)
        if side.conn.flags & C_READABLE:
            conn_ready_again(&side.conn)


cdef void on_readable(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    if side.splicing and not conn.flags & C_PAUSED:
        splice_turn(side)
    else:
        conn_read(conn)


cdef void on_writable(Conn *conn) noexcept nogil:
    cdef Side *from_side = (<Side *>conn).peer
    if from_side.splicing and not from_side.session.over and not from_side.conn.flags & C_DEAD:
        splice_turn(from_side)


cdef void on_drained(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    if side.peer.conn.flags & C_PAUSED:
        count(side.session.proxy.region, side.session.tcp.stats + TC_FLOW_RESUMED, 1)
        conn_resume(&side.peer.conn)


# -- endings

cdef void on_eof(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Session *session = side.session
    if side.ended or session.over:
        return
    side.ended = True
    if not session.up_open or session.up.conn.flags & C_CONNECTING:
        if side == &session.down:
            session_end(session, text("downstream_disconnected_before_upstream"))
        return
    conn_shutdown(&side.peer.conn)
    if side.peer.ended:
        finish_when_flushed(session)


cdef void finish_when_flushed(Session *session) noexcept nogil:
    # Both FINs have been seen: what is queued still goes out.
    conn_flush(&session.down.conn)
    if not session.over:
        conn_flush(&session.up.conn)
    if session.over:
        return
    if buf_len(&session.down.conn.outbuf) == 0 and buf_len(&session.up.conn.outbuf) == 0:
        session_end(session, text("closed"))
    else:
        conn_timer(&session.down.conn, 50)


cdef void on_error(Conn *conn, int error) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Session *session = side.session
    if session.over:
        return
    if side == &session.up and conn.flags & C_CONNECTING == 0 and session.info.upstream_first_tx_us == 0:
        connect_failed(session, False)
        return
    if side == &session.up:
        session.info.response_flags |= FLAG_UC
    if session.up_open:
        conn_abort(&session.up.conn)
    conn_abort(&session.down.conn)
    session_end(session, text("upstream_reset" if side == &session.up else "downstream_reset"))


cdef void session_end(Session *session, Slice details) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    if session.over:
        return
    session.over = True
    session.info.connection_termination_details = details
    session.info.end_us = proxy.engine.now_us
    if session.up_open:
        leave_cluster(session)
        conn_close(&session.up.conn)
    conn_close(&session.down.conn)
    leave_listener(session)
    if session.tcp.logs != NULL and session.tcp.logs.count:
        access_logs_write(session.tcp.logs, &session.info, &proxy.engine.pool, &proxy.region.ring)
    if session.config.logs != NULL:
        access_logs_write(session.config.logs, &session.info, &proxy.engine.pool, &proxy.region.ring)


cdef void leave_cluster(Session *session) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    count(proxy.region, session.cluster.stats + CL_CX_DESTROY, 1)
    gauge(proxy.region, session.cluster.gauges + CLG_CX_ACTIVE, -1)
    histogram_record(proxy.region, session.cluster.histograms + CLH_CX_LENGTH_MS,
                     proxy.engine.now_us - session.connect_us)
    session.host.active_connections -= 1
    session.host.active_requests -= 1
    if session.host.stats:
        gauge(proxy.region, session.host.gauges + HSG_CX_ACTIVE, -1)
    if session.counted:
        session.counted = False
        limit_give(proxy.region, session.cluster.breakers[0].index, LIMIT_CONNECTIONS)


cdef void leave_listener(Session *session) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    if session.previous != NULL:
        session.previous.next = session.next
    else:
        proxy.sessions = session.next
    if session.next != NULL:
        session.next.previous = session.previous
    proxy.connections -= 1
    gauge(proxy.region, session.tcp.gauges + TCG_CX_ACTIVE, -1)
    count(proxy.region, session.config.stats + LS_CX_DESTROY, 1)
    gauge(proxy.region, session.config.gauges + LSG_CX_ACTIVE, -1)
    gauge(proxy.region, proxy.server_gauges + SVG_CONNECTIONS, -1)
    give_limits(proxy, session.limit_row, session.box_limit_row)


cdef void destroy(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Session *session = side.session
    stop_splicing(side)
    session.references -= 1
    if session.references == 0 and session.over:
        arena_release(&session.arena)
        snapshot_unref(session.proxy, session.snapshot)
        free(session)


# -- connecting

cdef Cluster *choose(Session *session) noexcept nogil:
    cdef TcpProxy *tcp = session.tcp
    cdef uint64_t point
    cdef uint32_t i
    if tcp.cluster_count == 0 or tcp.total_weight == 0:
        return NULL
    point = session.info.random % tcp.total_weight
    for i in range(tcp.cluster_count):
        if point < tcp.clusters[i].weight:
            session.info.cluster_name = tcp.clusters[i].name
            return tcp.clusters[i].cluster
        point -= tcp.clusters[i].weight
    return NULL


cdef Host *pick(Session *session) noexcept nogil:
    cdef PickContext context
    if session.cluster.type == CLUSTER_ORIGINAL_DST:
        return original_dst_host(session.proxy, session.cluster, &session.info.local)
    context.random = session.proxy.engine.random
    context.has_hash = session.tcp.hash_source_ip
    context.hash = 0
    if context.has_hash:
        context.hash = xxh64(<const char *>session.info.remote.ip, 16, 0)
    context.tried = NULL
    context.tried_count = 0
    context.attempts = 0
    return cluster_pick(session.cluster, &context)


cdef void refuse(Session *session, uint64_t flag, const char *details) noexcept nogil:
    session.info.response_flags |= flag
    session_end(session, text(details))


cdef void connect_upstream(Session *session) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    cdef Breaker *breaker = &session.cluster.breakers[0]
    cdef bint connecting = False
    cdef int fd
    session.host = pick(session)
    if session.host == NULL:
        count(proxy.region, session.cluster.stats + CL_CX_NONE_HEALTHY, 1)
        refuse(session, FLAG_UH, "no_healthy_upstream")
        return
    if not limit_take(proxy.region, &proxy.limits, breaker.index, LIMIT_CONNECTIONS, breaker.max_connections):
        count(proxy.region, session.cluster.stats + CL_CX_OVERFLOW, 1)
        refuse(session, FLAG_UO, "upstream_overflow")
        return
    session.counted = True
    session.attempts += 1
    session.info.attempts = session.attempts
    session.info.host = session.host
    session.connect_us = proxy.engine.now_us
    fd = upstream_socket(session.cluster, session.host, &connecting)
    if fd < 0 or conn_init(&session.up.conn, proxy.engine, &SIDE_OPS, fd, connecting) < 0:
        if fd >= 0:
            close(fd)
        session.counted = False
        limit_give(proxy.region, breaker.index, LIMIT_CONNECTIONS)
        connect_failed(session, False)
        return
    enter_cluster(session)
    if connecting:
        conn_timer(&session.up.conn, session.cluster.connect_timeout_ms)
    else:
        on_connected(&session.up.conn)


cdef void enter_cluster(Session *session) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    session.up_open = True
    session.references += 1
    session.up.session = session
    session.up.peer = &session.down
    session.up.conn.high_water = session.config.buffer_limit
    session.host.active_connections += 1
    session.host.active_requests += 1
    count(proxy.region, session.cluster.stats + CL_CX_TOTAL, 1)
    gauge(proxy.region, session.cluster.gauges + CLG_CX_ACTIVE, 1)
    if session.host.stats:
        count(proxy.region, session.host.stats + HS_CX_TOTAL, 1)
        gauge(proxy.region, session.host.gauges + HSG_CX_ACTIVE, 1)


cdef void connect_failed(Session *session, bint timeout) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    count(proxy.region, session.cluster.stats + CL_CX_CONNECT_FAIL, 1)
    if timeout:
        count(proxy.region, session.cluster.stats + CL_CX_CONNECT_TIMEOUT, 1)
    if session.host.stats:
        count(proxy.region, session.host.stats + HS_CX_CONNECT_FAIL, 1)
    session.info.response_flags |= FLAG_UF
    if session.attempts < session.tcp.max_connect_attempts:
        # Not from inside the failed connection's own event: its memory is reused by the next attempt.
        if session.up_open:
            leave_cluster(session)
            conn_close(&session.up.conn)
        session.up_open = False
        conn_timer(&session.down.conn, 1)
        return
    count(proxy.region, session.cluster.stats + CL_CX_CONNECT_ATTEMPTS_EXCEEDED, 1)
    session_end(session, text("upstream_connect_failure"))


cdef void on_connected(Conn *conn) noexcept nogil:
    cdef Session *session = (<Side *>conn).session
    cdef Proxy *proxy = session.proxy
    conn_timer_cancel(conn)
    session.info.upstream_first_tx_us = proxy.engine.now_us
    session.info.response_flags &= ~<uint64_t>FLAG_UF
    histogram_record(proxy.region, session.cluster.histograms + CLH_CX_CONNECT_MS,
                     proxy.engine.now_us - session.connect_us)
    if session.cluster.proxy_protocol:
        proxy_protocol_write(conn, session.cluster.proxy_protocol, &session.info)
    active(session)
    arm_clock(session)
    conn_resume(&session.down.conn)


cdef void arm_clock(Session *session) noexcept nogil:
    # One timer for idle time and longest life.
    cdef uint64_t now = session.proxy.engine.now_ms
    cdef uint64_t due = 0
    cdef uint64_t life
    if session.tcp.idle_timeout_ms:
        due = session.last_active_ms + session.tcp.idle_timeout_ms
    if session.tcp.max_connection_ms:
        life = session.info.start_us // 1000 + session.tcp.max_connection_ms
        due = life if due == 0 or life < due else due
    if due:
        conn_timer(&session.down.conn, <uint32_t>(due - now) if due > now else 1)


cdef void on_timer(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Session *session = side.session
    if session.over:
        return
    if side == &session.up:
        connect_failed(session, True)
    elif not session.up_open:
        if session.references > 1:
            conn_timer(conn, 1)         # the failed connection's memory is still in the batch's hands
        else:
            connect_upstream(session)
    elif session.down.ended and session.up.ended:
        finish_when_flushed(session)
    else:
        check_clock(session)


cdef void check_clock(Session *session) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    cdef uint64_t now = proxy.engine.now_ms
    if session.tcp.idle_timeout_ms and now - session.last_active_ms >= session.tcp.idle_timeout_ms:
        count(proxy.region, session.tcp.stats + TC_IDLE_TIMEOUT, 1)
        session_end(session, text("idle_timeout"))
    elif session.tcp.max_connection_ms and now - session.info.start_us // 1000 >= session.tcp.max_connection_ms:
        count(proxy.region, session.tcp.stats + TC_MAX_DURATION, 1)
        session_end(session, text("max_connection_duration"))
    else:
        arm_clock(session)


# -- face

cdef void describe(Session *session, const Accepted *accepted, FilterChain *chain) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    cdef Engine *engine = proxy.engine
    session.config = accepted.config
    session.tcp = chain.tcp
    session.limit_row = accepted.limit_row
    session.box_limit_row = accepted.box_limit_row
    session.info.arena = &session.arena
    session.info.remote = accepted.remote
    session.info.direct_remote = accepted.direct_remote
    session.info.local = accepted.local
    session.info.filter_chain_name = chain.name
    session.info.listener_name = accepted.config.name
    session.info.protocol = P_NONE
    session.info.start_us = accepted.opened_us
    session.info.start_wall_us = accepted.opened_us + <uint64_t>engine.wall_offset_us
    session.info.random = random_next(engine.random)
    session.info.connection_id = proxy.next_connection_id
    proxy.next_connection_id += 1
    count(proxy.region, session.tcp.stats + TC_CX_TOTAL, 1)
    gauge(proxy.region, session.tcp.gauges + TCG_CX_ACTIVE, 1)


cdef void *tcp_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil:
    cdef Session *session = <Session *>calloc(1, sizeof(Session))
    cdef int failed
    if session == NULL:
        return NULL
    if accepted.conn != NULL:
        failed = conn_move(&session.down.conn, accepted.conn, &SIDE_OPS)
    else:
        failed = conn_init(&session.down.conn, proxy.engine, &SIDE_OPS, accepted.fd, False)
    if failed < 0:
        free(session)
        return NULL
    session.proxy = proxy
    session.snapshot = proxy.snapshot
    proxy.snapshot.references += 1
    arena_init(&session.arena, &proxy.engine.pool)
    session.references = 1
    session.down.session = session
    session.down.peer = &session.up
    session.down.conn.high_water = accepted.config.buffer_limit
    session.next = <Session *>proxy.sessions
    if session.next != NULL:
        session.next.previous = session
    proxy.sessions = session
    describe(session, accepted, chain)
    conn_pause(&session.down.conn)      # until the upstream is connected
    session.cluster = choose(session)
    session.info.cluster = session.cluster
    if session.cluster == NULL:
        count(proxy.region, session.tcp.stats + TC_CX_NO_ROUTE, 1)
        refuse(session, FLAG_NC, "cluster_not_found")
    else:
        connect_upstream(session)
    return session


cdef void tcp_kill_all(Proxy *proxy) noexcept nogil:
    while proxy.sessions != NULL:
        session_end(<Session *>proxy.sessions, text("local_drain"))


cdef ConnOps SIDE_OPS
SIDE_OPS.on_data = on_data
SIDE_OPS.on_eof = on_eof
SIDE_OPS.on_error = on_error
SIDE_OPS.on_connected = on_connected
SIDE_OPS.on_drained = on_drained
SIDE_OPS.on_timer = on_timer
SIDE_OPS.on_readable = on_readable
SIDE_OPS.on_writable = on_writable
SIDE_OPS.destroy = destroy
