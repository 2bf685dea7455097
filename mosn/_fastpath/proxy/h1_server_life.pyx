"""The connection of an HTTP/1.1 client between and after its requests: idle time, statistics, lists.

The idle timer is not touched by requests: it fires when it was armed for and looks again (see on_timer of h1_server).
"""

from libc.stdint cimport uint64_t
from libc.string cimport memset

from mosn._fastpath.engine.conn cimport conn_close, conn_resume, conn_timer, conn_timer_cancel
from mosn._fastpath.engine.types cimport C_EOF, C_PAUSED, Conn, Engine
from mosn._fastpath.proxy.holding cimport give_limits
from mosn._fastpath.proxy.log cimport access_logs_write
from mosn._fastpath.proxy.runtime cimport SERVER_HEAD, H1Server, Listener, Proxy
from mosn._fastpath.proxy.tls_facts cimport tls_describe
from mosn._fastpath.proxy.types cimport RequestInfo
from mosn._fastpath.shm.segment cimport count, gauge, histogram_record
from mosn._fastpath.shm.stats cimport (
    HTG_CX_ACTIVE, HTG_CX_HTTP1_ACTIVE, HTH_CX_LENGTH_MS, HT_CX_DESTROY, HT_CX_DESTROY_LOCAL, HT_CX_DESTROY_REMOTE,
    LSG_CX_ACTIVE, LS_CX_DESTROY, SVG_CONNECTIONS,
)


cdef bint h1_server_too_old(const H1Server *server) noexcept nogil:
    # In whole milliseconds, as the timer that ends it counts.
    cdef uint64_t opened_ms = server.opened_us // 1000
    return server.max_ms != 0 and server.proxy.engine.now_us // 1000 - opened_ms >= server.max_ms


cdef void h1_server_close(H1Server *server) noexcept nogil:
    conn_close(&server.conn)


cdef long long h1_server_idle_left(const H1Server *server) noexcept nogil:
    # Until the idle timeout or the end of the connection's longest life, whichever is first.
    cdef long long now = <long long>server.proxy.engine.now_ms
    cdef long long left = -1
    cdef long long life
    if server.idle_ms:
        left = max(<long long>server.since_ms + server.idle_ms - now, <long long>0)
    if server.max_ms:
        life = max(<long long>(server.opened_us // 1000) + server.max_ms - now, <long long>0)
        left = life if left < 0 or life < left else left
    return left


cdef void h1_server_arm_idle(H1Server *server) noexcept nogil:
    # A timer that is armed already is early enough: it was armed for an idle time that began before this one.
    cdef long long left
    server.since_ms = server.proxy.engine.now_ms
    if server.conn.timer.prev != NULL and not server.headers_timer:
        return
    server.headers_timer = False
    left = h1_server_idle_left(server)
    if left >= 0:
        conn_timer(&server.conn, <unsigned int>left if left else 1)
    else:
        conn_timer_cancel(&server.conn)


cdef void h1_server_gone(H1Server *server, bint remote) noexcept nogil:
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
    if server.listener.config != NULL and server.listener.config.logs != NULL:
        log_closed(server, server.listener.config)


cdef void log_closed(H1Server *server, Listener *config) noexcept nogil:
    # The listener's own access log: a line for the connection (requests are the manager's).
    cdef RequestInfo info
    cdef Engine *engine = server.proxy.engine
    memset(&info, 0, sizeof(info))
    info.remote = server.remote
    if server.conn.tls != NULL:
        tls_describe(&info, server.conn.tls)
    info.direct_remote = server.remote if server.direct_remote == NULL else server.direct_remote[0]
    info.local = server.local
    info.connection_id = server.id
    info.listener_name = config.name
    info.start_us = server.opened_us
    info.start_wall_us = server.opened_us + <uint64_t>engine.wall_offset_us
    info.end_us = engine.now_us
    access_logs_write(config.logs, &info, &engine.pool, &server.proxy.region.ring)


cdef void h1_server_next(H1Server *server) noexcept nogil:
    cdef Conn *conn = &server.conn
    server.state = SERVER_HEAD
    h1_server_arm_idle(server)
    if conn.inbuf.data != NULL or conn.flags & C_PAUSED:
        conn_resume(conn)
    elif conn.flags & C_EOF:
        h1_server_close(server)
