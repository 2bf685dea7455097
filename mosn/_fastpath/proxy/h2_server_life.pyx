"""The connection of an HTTP/2 client (see h2_server_life.pxd)."""

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.h2 cimport h2_drain
from mosn._fastpath.codec.h2_frames cimport h2_write_ping
from mosn._fastpath.engine.conn cimport conn_close, conn_close_gently, conn_flush_soon, conn_timer
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH
from mosn._fastpath.memory cimport buf_len
from mosn._fastpath.proxy.finish cimport text
from mosn._fastpath.proxy.holding cimport give_limits
from mosn._fastpath.proxy.runtime cimport Proxy
from mosn._fastpath.proxy.stream cimport stream_downstream_reset
from mosn._fastpath.shm.segment cimport count, gauge, histogram_record
from mosn._fastpath.shm.stats cimport (
    HTG_CX_ACTIVE, HTG_CX_HTTP2_ACTIVE, HTH_CX_LENGTH_MS, HT_CX_DESTROY, HT_CX_DESTROY_ACTIVE_RQ,
    HT_CX_DESTROY_LOCAL, HT_CX_DESTROY_REMOTE, HT_CX_DRAIN_CLOSE, LS_CX_DESTROY, LSG_CX_ACTIVE, SVG_CONNECTIONS,
)


cdef void h2_server_wrote(H2Server *server) noexcept nogil:
    if server.conn.flags & C_DEAD:
        return
    if buf_len(&server.conn.outbuf) > server.conn.high_water:
        server.conn.flags |= C_HIGH
    conn_flush_soon(&server.conn)


cdef void h2_server_goodbye(H2Server *server) noexcept nogil:
    # The answer to the PING says that the client has seen the first GOAWAY (RFC 9113 6.8).
    if server.goodbye or server.closing or server.conn.flags & C_DEAD:
        return
    server.goodbye = 1
    count(server.proxy.region, server.stats + HT_CX_DRAIN_CLOSE, 1)
    h2_drain(&server.h2, False)
    h2_write_ping(&server.h2, "goodbye.", False)
    h2_server_wrote(server)


cdef void h2_server_after(H2Server *server) noexcept nogil:
    if server.conn.flags & C_DEAD or server.closing:
        return
    if server.proxy.draining or server.listener.removed:
        h2_server_goodbye(server)
    if server.in_flight == 0 and server.h2.stream_count == 0:
        server.idle_since_ms = server.proxy.engine.now_ms
        if server.goodbye == 2:
            server.closing = True
            conn_close_gently(&server.conn, server.manager.delayed_close_ms)


cdef void h2_server_lost(H2Server *server, const char *details, bint protocol_error, bint flushed) noexcept nogil:
    if server.streams != NULL:
        count(server.proxy.region, server.stats + HT_CX_DESTROY_ACTIVE_RQ, 1)
    server.closing = True
    while server.streams != NULL:
        stream_downstream_reset(server.streams, text(details), protocol_error)
    if server.conn.flags & C_DEAD:
        return
    if flushed:
        conn_close_gently(&server.conn, server.manager.delayed_close_ms)
    else:
        conn_close(&server.conn)


cdef void h2_server_gone(H2Server *server) noexcept nogil:
    cdef Proxy *proxy = server.proxy
    if server.gone:
        return
    server.gone = True
    if server.previous != NULL:
        server.previous.next = server.next
    else:
        proxy.h2_servers = server.next
    if server.next != NULL:
        server.next.previous = server.previous
    proxy.connections -= 1
    count(proxy.region, server.stats + HT_CX_DESTROY, 1)
    count(proxy.region, server.stats + (HT_CX_DESTROY_REMOTE if server.remote_closed else HT_CX_DESTROY_LOCAL), 1)
    gauge(proxy.region, server.gauges + HTG_CX_ACTIVE, -1)
    gauge(proxy.region, server.gauges + HTG_CX_HTTP2_ACTIVE, -1)
    histogram_record(proxy.region, server.histogram + HTH_CX_LENGTH_MS, proxy.engine.now_us - server.opened_us)
    count(proxy.region, server.listener_stats + LS_CX_DESTROY, 1)
    gauge(proxy.region, server.listener_gauges + LSG_CX_ACTIVE, -1)
    gauge(proxy.region, proxy.server_gauges + SVG_CONNECTIONS, -1)
    give_limits(proxy, server.listener_limit_row, server.box_limit_row)


cdef void h2_server_arm(H2Server *server) noexcept nogil:
    # The next look at the idle time or at the longest life, whichever is sooner.
    cdef uint64_t now = server.proxy.engine.now_ms
    cdef uint64_t due = 0
    cdef uint64_t end
    if server.idle_ms:
        due = max(server.idle_since_ms + server.idle_ms, now + 1) if server.in_flight == 0 else now + server.idle_ms
    if server.max_ms and not server.goodbye:
        end = server.opened_us // 1000 + server.max_ms
        due = end if due == 0 or end < due else due
    if due:
        conn_timer(&server.conn, <uint32_t>(due - now) if due > now else 1)
