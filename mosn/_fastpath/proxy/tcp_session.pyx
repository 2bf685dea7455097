"""A session of the TCP proxy: its clock, its statistics, its end (see tcp_session.pxd)."""

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.engine.conn cimport conn_close, conn_timer
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.finish cimport text
from mosn._fastpath.proxy.holding cimport give_limits
from mosn._fastpath.proxy.log cimport access_logs_write
from mosn._fastpath.proxy.runtime cimport Proxy
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, count, gauge, histogram_record, limit_give
from mosn._fastpath.shm.stats cimport (
    CLG_CX_ACTIVE, CLH_CX_LENGTH_MS, CL_CX_DESTROY, CL_CX_RX_BYTES, CL_CX_TX_BYTES, HSG_CX_ACTIVE, LSG_CX_ACTIVE,
    LS_CX_DESTROY, SVG_CONNECTIONS, TCG_CX_ACTIVE, TC_CX_RX_BYTES, TC_CX_TX_BYTES, TC_IDLE_TIMEOUT, TC_MAX_DURATION,
)


cdef void tcp_active(Session *session) noexcept nogil:
    session.last_active_ms = session.proxy.engine.now_ms


cdef void tcp_moved(Side *side, uint64_t n) noexcept nogil:
    # n bytes came in on this side.
    cdef Session *session = side.session
    cdef Proxy *proxy = session.proxy
    tcp_active(session)
    if side == &session.down:
        session.info.bytes_received += n
        count(proxy.region, session.tcp.stats + TC_CX_RX_BYTES, n)
        count(proxy.region, session.cluster.stats + CL_CX_TX_BYTES, n)
    else:
        session.info.bytes_sent += n
        count(proxy.region, session.tcp.stats + TC_CX_TX_BYTES, n)
        count(proxy.region, session.cluster.stats + CL_CX_RX_BYTES, n)


cdef void tcp_session_end(Session *session, Slice details) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    if session.over:
        return
    session.over = True
    session.info.connection_termination_details = details
    session.info.end_us = proxy.engine.now_us
    if session.up_open:
        tcp_leave_cluster(session)
        conn_close(&session.up.conn)
    conn_close(&session.down.conn)
    leave_listener(session)
    if session.tcp.logs != NULL and session.tcp.logs.count:
        access_logs_write(session.tcp.logs, &session.info, &proxy.engine.pool, &proxy.region.ring)
    if session.config.logs != NULL:
        access_logs_write(session.config.logs, &session.info, &proxy.engine.pool, &proxy.region.ring)


cdef void tcp_leave_cluster(Session *session) noexcept nogil:
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


cdef void tcp_arm_clock(Session *session) noexcept nogil:
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


cdef void tcp_check_clock(Session *session) noexcept nogil:
    cdef Proxy *proxy = session.proxy
    cdef uint64_t now = proxy.engine.now_ms
    if session.tcp.idle_timeout_ms and now - session.last_active_ms >= session.tcp.idle_timeout_ms:
        count(proxy.region, session.tcp.stats + TC_IDLE_TIMEOUT, 1)
        tcp_session_end(session, text("idle_timeout"))
    elif session.tcp.max_connection_ms and now - session.info.start_us // 1000 >= session.tcp.max_connection_ms:
        count(proxy.region, session.tcp.stats + TC_MAX_DURATION, 1)
        tcp_session_end(session, text("max_connection_duration"))
    else:
        tcp_arm_clock(session)
