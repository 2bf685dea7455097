"""HTTP/1.1 towards a client (see h1_server.pxd).

One request at a time: bytes of the next one stay in the connection's input buffer until the answer is out.  A request
uses the configuration that is live when its head is complete, so a reload never closes a connection.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp

from mosn._fastpath.codec.http1 cimport h1_head_reset
from mosn._fastpath.engine.conn cimport conn_init, conn_move, conn_resume, conn_timer
from mosn._fastpath.engine.system cimport ECONNRESET, SOL_SOCKET, SO_ERROR, getsockopt, socklen_t
from mosn._fastpath.engine.types cimport C_DEAD, C_LINGERED, C_PAUSED, C_RDHUP, Conn, ConnOps
from mosn._fastpath.proxy.finish cimport text
from mosn._fastpath.proxy.h1_server_life cimport (
    h1_server_arm_idle, h1_server_close, h1_server_gone, h1_server_idle_left, h1_server_too_old,
)
from mosn._fastpath.proxy.h1_server_request cimport h1_server_head_timeout, h1_server_on_data
from mosn._fastpath.proxy.runtime cimport (
    SERVER_CLOSING, SERVER_HEAD, SERVER_TUNNEL, Accepted, FilterChain, H1Server, HttpManager, Proxy, Stream,
)
from mosn._fastpath.proxy.stream cimport stream_downstream_drained, stream_downstream_reset, stream_request_data
from mosn._fastpath.proxy.types cimport Address
from mosn._fastpath.shm.segment cimport count, gauge
from mosn._fastpath.shm.stats cimport (
    HTG_CX_ACTIVE, HTG_CX_HTTP1_ACTIVE, HT_CX_DELAYED_CLOSE_TIMEOUT, HT_CX_DESTROY_ACTIVE_RQ, HT_CX_HTTP1_TOTAL,
    HT_CX_IDLE_TIMEOUT, HT_CX_MAX_DURATION_REACHED, HT_CX_TOTAL,
)


cdef bint was_reset(Conn *conn) noexcept nogil:
    cdef int error = 0
    cdef socklen_t n = sizeof(error)
    return getsockopt(conn.fd, SOL_SOCKET, SO_ERROR, &error, &n) == 0 and error != 0


cdef void on_writable(Conn *conn) noexcept nogil:
    cdef Stream *stream = (<H1Server *>conn).stream
    if (conn.flags & (C_PAUSED | C_RDHUP)) == (C_PAUSED | C_RDHUP) and was_reset(conn):
        # While its bytes are held back nobody reads, so nobody would see it.
        on_error(conn, ECONNRESET)
        return
    if stream != NULL and stream.up != NULL and conn.outbuf.data == NULL:
        stream.up_ops.splice_on(stream)


cdef void lost(H1Server *server, const char *details) noexcept nogil:
    # The client went away.
    cdef Stream *stream = server.stream
    server.remote_closed = True
    if stream != NULL:
        count(server.proxy.region, server.stats + HT_CX_DESTROY_ACTIVE_RQ, 1)
        server.closing = True
        server.state = SERVER_CLOSING
        stream_downstream_reset(stream, text(details), False)
    h1_server_close(server)


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
    else:
        conn_resume(conn)


cdef void on_head_timer(H1Server *server) noexcept nogil:
    cdef uint64_t waited = server.proxy.engine.now_ms - server.since_ms
    cdef uint32_t allowed = server.manager.headers_timeout_ms
    if waited >= allowed:
        h1_server_head_timeout(server)
    else:
        conn_timer(&server.conn, <uint32_t>(allowed - waited))


cdef void on_timer(Conn *conn) noexcept nogil:
    # Armed when the connection became idle first; requests since then only moved since_ms.
    cdef H1Server *server = <H1Server *>conn
    cdef long long left
    if server.state == SERVER_CLOSING:
        return
    if server.state != SERVER_HEAD:
        conn_timer(conn, server.idle_ms if server.idle_ms else 1000)
        return
    if server.headers_timer:
        on_head_timer(server)
        return
    left = h1_server_idle_left(server)
    if left > 0:
        conn_timer(conn, <uint32_t>left)
    elif left == 0:
        count(server.proxy.region,
              server.stats + (HT_CX_MAX_DURATION_REACHED if h1_server_too_old(server) else HT_CX_IDLE_TIMEOUT), 1)
        h1_server_close(server)


cdef void destroy(Conn *conn) noexcept nogil:
    cdef H1Server *server = <H1Server *>conn
    if server.stream != NULL:
        # Closed for want of memory, in the middle of a request.
        server.state = SERVER_CLOSING
        stream_downstream_reset(server.stream, text("out_of_memory"), False)
    if conn.flags & C_LINGERED:
        count(server.proxy.region, server.stats + HT_CX_DELAYED_CLOSE_TIMEOUT, 1)
    h1_server_gone(server, server.remote_closed)
    h1_head_reset(&server.parser)
    free(server.direct_remote)
    free(server)


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
    server.protocol = accepted.protocol
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
    h1_server_arm_idle(server)
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
    server.max_ms = manager.max_connection_ms
    server.listener_stats = server.config.stats
    server.listener_gauges = server.config.gauges
    count(proxy.region, manager.stats + HT_CX_TOTAL, 1)
    count(proxy.region, manager.stats + HT_CX_HTTP1_TOTAL, 1)
    gauge(proxy.region, manager.gauges + HTG_CX_ACTIVE, 1)
    gauge(proxy.region, manager.gauges + HTG_CX_HTTP1_ACTIVE, 1)


cdef void h1_server_drain(H1Server *server) noexcept nogil:
    server.draining = True
    if server.state == SERVER_HEAD and server.conn.inbuf.data == NULL and not server.conn.flags & C_DEAD:
        h1_server_close(server)


cdef void h1_server_kill(H1Server *server) noexcept nogil:
    if server.stream != NULL:
        server.state = SERVER_CLOSING
        server.closing = True
        stream_downstream_reset(server.stream, text("local_drain"), False)
    h1_server_close(server)


cdef ConnOps CONN_OPS
CONN_OPS.on_data = h1_server_on_data
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_drained = on_drained
CONN_OPS.on_writable = on_writable
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy
