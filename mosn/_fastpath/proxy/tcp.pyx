"""TCP proxy: two connections, bytes between them, nothing else (see tcp.pxd).

Half-close is passed on exactly (a FIN from one side becomes a FIN to the other, after the bytes before it); a reset on
one side becomes a reset on the other.  Bulk moves inside the kernel (splice through a pipe), small messages are
cheaper through the engine's scratch buffer; a direction changes over by what its last reads looked like.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.engine.conn cimport (
    conn_abort, conn_close, conn_flush, conn_init, conn_move, conn_pause, conn_resume, conn_shutdown, conn_timer,
    conn_timer_cancel,
)
from mosn._fastpath.engine.loop cimport random_next
from mosn._fastpath.engine.system cimport close
from mosn._fastpath.engine.types cimport C_CONNECTING, Conn, ConnOps, Engine
from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.memory cimport arena_init, arena_release, buf_len
from mosn._fastpath.proxy.cluster cimport cluster_pick
from mosn._fastpath.proxy.finish cimport snapshot_unref, text
from mosn._fastpath.proxy.proxy_protocol cimport proxy_protocol_write
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy, TcpProxy
from mosn._fastpath.proxy.tcp_move cimport (
    tcp_on_data, tcp_on_drained, tcp_on_readable, tcp_on_writable, tcp_stop_splicing,
)
from mosn._fastpath.proxy.tcp_session cimport (
    Session, Side, tcp_active, tcp_arm_clock, tcp_check_clock, tcp_leave_cluster, tcp_session_end,
)
from mosn._fastpath.proxy.tls_facts cimport tls_describe
from mosn._fastpath.proxy.tls_handshake cimport tls_connect
from mosn._fastpath.proxy.types cimport (
    CLUSTER_ORIGINAL_DST, FLAG_NC, FLAG_UC, FLAG_UF, FLAG_UH, FLAG_UO, P_NONE, Breaker, Cluster, Host, PickContext,
)
from mosn._fastpath.proxy.upstream_host cimport original_dst_host, upstream_socket
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, count, gauge, histogram_record, limit_give, limit_take
from mosn._fastpath.shm.stats cimport (
    CLG_CX_ACTIVE, CLH_CX_CONNECT_MS, CL_CX_CONNECT_ATTEMPTS_EXCEEDED, CL_CX_CONNECT_FAIL, CL_CX_CONNECT_TIMEOUT,
    CL_CX_NONE_HEALTHY, CL_CX_OVERFLOW, CL_CX_TOTAL, HSG_CX_ACTIVE, HS_CX_CONNECT_FAIL, HS_CX_TOTAL, TCG_CX_ACTIVE,
    TC_CX_NO_ROUTE, TC_CX_TOTAL,
)


cdef void on_eof(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Session *session = side.session
    if side.ended or session.over:
        return
    side.ended = True
    if not session.up_open or session.up.conn.flags & C_CONNECTING:
        if side == &session.down:
            tcp_session_end(session, text("downstream_disconnected_before_upstream"))
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
        tcp_session_end(session, text("closed"))
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
    tcp_session_end(session, text("upstream_reset" if side == &session.up else "downstream_reset"))


cdef void destroy(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Session *session = side.session
    tcp_stop_splicing(side)
    session.references -= 1
    if session.references == 0 and session.over:
        arena_release(&session.arena)
        snapshot_unref(session.proxy, session.snapshot)
        free(session)


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
    tcp_session_end(session, text(details))


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
    if fd < 0 or conn_init(&session.up.conn, proxy.engine, &SIDE_OPS, fd, connecting) < 0 or tls_connect(
            proxy, &session.up.conn, session.cluster, session.host, session.snapshot) < 0:
        if fd >= 0:
            close(fd)
        session.counted = False
        limit_give(proxy.region, breaker.index, LIMIT_CONNECTIONS)
        connect_failed(session, False)
        return
    enter_cluster(session)
    if session.up.conn.tls != NULL and session.cluster.proxy_protocol:
        proxy_protocol_write(&session.up.conn, session.cluster.proxy_protocol, &session.info)
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
            tcp_leave_cluster(session)
            conn_close(&session.up.conn)
        session.up_open = False
        session.host = session.info.host = NULL     # of ORIGINAL_DST, nothing holds it while we wait
        conn_timer(&session.down.conn, 1)
        return
    count(proxy.region, session.cluster.stats + CL_CX_CONNECT_ATTEMPTS_EXCEEDED, 1)
    tcp_session_end(session, text("upstream_connect_failure"))


cdef void on_connected(Conn *conn) noexcept nogil:
    cdef Session *session = (<Side *>conn).session
    cdef Proxy *proxy = session.proxy
    conn_timer_cancel(conn)
    session.info.upstream_first_tx_us = proxy.engine.now_us
    session.info.response_flags &= ~<uint64_t>FLAG_UF
    histogram_record(proxy.region, session.cluster.histograms + CLH_CX_CONNECT_MS,
                     proxy.engine.now_us - session.connect_us)
    if session.cluster.proxy_protocol and conn.tls == NULL:
        proxy_protocol_write(conn, session.cluster.proxy_protocol, &session.info)
    tcp_active(session)
    tcp_arm_clock(session)
    conn_resume(&session.down.conn)


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
        tcp_check_clock(session)


cdef void describe(Session *session, const Accepted *accepted, FilterChain *chain) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    cdef Engine *engine = proxy.engine
    session.config = accepted.config
    session.tcp = chain.tcp
    session.limit_row = accepted.limit_row
    session.box_limit_row = accepted.box_limit_row
    session.info.arena = &session.arena
    session.info.remote = accepted.remote
    if session.down.conn.tls != NULL:
        tls_describe(&session.info, session.down.conn.tls)
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
        tcp_session_end(<Session *>proxy.sessions, text("local_drain"))


cdef ConnOps SIDE_OPS
SIDE_OPS.on_data = tcp_on_data
SIDE_OPS.on_eof = on_eof
SIDE_OPS.on_error = on_error
SIDE_OPS.on_connected = on_connected
SIDE_OPS.on_drained = tcp_on_drained
SIDE_OPS.on_timer = on_timer
SIDE_OPS.on_readable = tcp_on_readable
SIDE_OPS.on_writable = tcp_on_writable
SIDE_OPS.destroy = destroy
