"""HTTP/2 towards a client (see h2_server.pxd)."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp

from mosn._fastpath.codec.h2 cimport h2_drain, h2_free, h2_init, h2_output_taken
from mosn._fastpath.codec.h2_receive cimport h2_feed
from mosn._fastpath.codec.h2_send cimport h2_flush
from mosn._fastpath.codec.h2_types cimport H2Config
from mosn._fastpath.engine.conn cimport conn_init, conn_move, conn_ready_again
from mosn._fastpath.engine.types cimport C_DEAD, C_LATE, C_READABLE, C_REDELIVER, Conn, ConnOps
from mosn._fastpath.memory cimport buf_append
from mosn._fastpath.proxy.h2_server_life cimport (
    h2_server_after, h2_server_arm, h2_server_gone, h2_server_goodbye, h2_server_lost, h2_server_wrote,
)
from mosn._fastpath.proxy.h2_server_request cimport h2_server_events
from mosn._fastpath.proxy.runtime cimport HttpManager, Stream
from mosn._fastpath.proxy.stream cimport stream_downstream_drained
from mosn._fastpath.proxy.types cimport Address
from mosn._fastpath.shm.segment cimport count, gauge
from mosn._fastpath.shm.stats cimport (
    HTG_CX_ACTIVE, HTG_CX_HTTP1_ACTIVE, HTG_CX_HTTP2_ACTIVE, HT_CX_HTTP1_TOTAL, HT_CX_HTTP2_TOTAL,
    HT_CX_IDLE_TIMEOUT, HT_CX_MAX_DURATION_REACHED, HT_CX_PROTOCOL_ERROR, HT_CX_RX_BYTES, HT_CX_TOTAL,
)

cdef enum:
    LEAST_HIGH_WATER = 262144   # of answers in the queue: many requests share it


# -- the socket's events

cdef size_t on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef H2Server *server = <H2Server *>conn
    cdef int64_t used
    if server.closing:
        return n
    server.h2.now_ms = conn.engine.now_ms
    h2_output_taken(&server.h2)
    used = h2_feed(&server.h2, p, n)
    count(server.proxy.region, server.stats + HT_CX_RX_BYTES, <uint64_t>used if used > 0 else 0)
    if conn.flags & C_DEAD:
        return n
    h2_server_wrote(server)
    if used < 0:
        if server.streams == NULL:      # else each of them counts it
            count(server.proxy.region, server.stats + HT_CX_PROTOCOL_ERROR, 1)
        h2_server_lost(server, server.h2.why, True, True)
        return n
    h2_server_after(server)
    return <size_t>used


cdef void on_eof(Conn *conn) noexcept nogil:
    cdef H2Server *server = <H2Server *>conn
    server.remote_closed = True
    h2_server_lost(server, "downstream_remote_disconnect", False, False)


cdef void on_error(Conn *conn, int error) noexcept nogil:
    on_eof(conn)


cdef void on_drained(Conn *conn) noexcept nogil:
    # The client takes bytes again: what is queued first, then more from the upstreams.
    cdef H2Server *server = <H2Server *>conn
    cdef Stream *stream = server.streams
    cdef Stream *following
    h2_flush(&server.h2)
    h2_server_wrote(server)
    while stream != NULL:
        following = stream.older
        stream_downstream_drained(stream)
        stream = following


cdef void on_timer(Conn *conn) noexcept nogil:
    cdef H2Server *server = <H2Server *>conn
    cdef uint64_t now = conn.engine.now_ms
    if server.closing:
        return
    if server.max_ms and not server.goodbye and now * 1000 >= server.opened_us + <uint64_t>server.max_ms * 1000:
        count(server.proxy.region, server.stats + HT_CX_MAX_DURATION_REACHED, 1)
        h2_server_goodbye(server)
    elif server.idle_ms and server.in_flight == 0 and now - server.idle_since_ms >= server.idle_ms:
        count(server.proxy.region, server.stats + HT_CX_IDLE_TIMEOUT, 1)
        h2_drain(&server.h2, True)
        h2_server_wrote(server)
        h2_server_lost(server, "idle_timeout", False, True)
        return
    h2_server_arm(server)


cdef void destroy(Conn *conn) noexcept nogil:
    cdef H2Server *server = <H2Server *>conn
    h2_server_lost(server, "downstream_local_disconnect", False, False)     # out of memory: the engine closed it
    h2_server_gone(server)
    h2_free(&server.h2)
    free(server.direct_remote)
    free(server)


# -- beginning

cdef void enter(H2Server *server, HttpManager *manager) noexcept nogil:
    cdef H2Config config = manager.h2
    server.conn.flags |= C_LATE
    server.conn.high_water = max(server.config.buffer_limit, <uint32_t>LEAST_HIGH_WATER)
    server.next = <H2Server *>server.proxy.h2_servers
    if server.next != NULL:
        server.next.previous = server
    server.proxy.h2_servers = server
    server.stats = manager.stats
    server.gauges = manager.gauges
    server.histogram = manager.histogram
    server.idle_ms = manager.idle_timeout_ms
    server.max_ms = manager.max_connection_ms
    server.idle_since_ms = server.proxy.engine.now_ms
    server.listener_stats = server.config.stats
    server.listener_gauges = server.config.gauges
    count(server.proxy.region, server.stats + HT_CX_HTTP2_TOTAL, 1)
    gauge(server.proxy.region, server.gauges + HTG_CX_HTTP2_ACTIVE, 1)
    server.h2.pool = &server.conn.engine.pool
    server.h2.out = &server.conn.outbuf
    server.h2.owner = server
    server.h2.now_ms = server.proxy.engine.now_ms
    config.out_limit = server.conn.high_water
    h2_init(&server.h2, &config, h2_server_events(), False)
    h2_server_wrote(server)
    h2_server_arm(server)


cdef H2Server *h2_server_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil:
    cdef H2Server *server = <H2Server *>calloc(1, sizeof(H2Server))
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
    server.proxy = proxy
    server.listener = accepted.listener
    server.config = accepted.config
    server.chain = chain
    server.manager = chain.http
    server.generation = proxy.snapshot.generation
    server.remote = accepted.remote
    server.local = accepted.local
    server.opened_us = accepted.opened_us
    server.protocol = accepted.protocol
    server.listener_limit_row = accepted.limit_row
    server.box_limit_row = accepted.box_limit_row
    server.id = proxy.next_connection_id
    proxy.next_connection_id += 1
    if memcmp(&accepted.direct_remote, &accepted.remote, sizeof(Address)) != 0:
        server.direct_remote = <Address *>malloc(sizeof(Address))
        if server.direct_remote != NULL:
            server.direct_remote[0] = accepted.direct_remote
    count(proxy.region, chain.http.stats + HT_CX_TOTAL, 1)
    gauge(proxy.region, chain.http.gauges + HTG_CX_ACTIVE, 1)
    enter(server, chain.http)
    return server


cdef void leave_h1(H1Server *h1) noexcept nogil:
    # It was counted as HTTP/1 when it was accepted.
    cdef Proxy *proxy = h1.proxy
    h1.gone = True
    if h1.previous != NULL:
        h1.previous.next = h1.next
    else:
        proxy.servers = h1.next
    if h1.next != NULL:
        h1.next.previous = h1.previous
    proxy.region.counters[h1.stats + HT_CX_HTTP1_TOTAL] -= 1
    gauge(proxy.region, h1.gauges + HTG_CX_HTTP1_ACTIVE, -1)


cdef void h2_server_adopt(H1Server *h1, const char *p, size_t n) noexcept nogil:
    cdef H2Server *server = <H2Server *>calloc(1, sizeof(H2Server))
    cdef Conn *conn = &h1.conn
    if server == NULL or (conn.inbuf.data == NULL and buf_append(&conn.engine.pool, &conn.inbuf, p, n) < 0) \
            or conn_move(&server.conn, conn, &CONN_OPS) < 0:
        free(server)
        return
    leave_h1(h1)
    server.proxy = h1.proxy
    server.listener = h1.listener
    server.config = h1.config
    server.chain = h1.chain
    server.manager = h1.manager
    server.generation = h1.generation
    server.direct_remote = h1.direct_remote
    h1.direct_remote = NULL
    server.remote = h1.remote
    server.local = h1.local
    server.id = h1.id
    server.protocol = h1.protocol
    server.opened_us = h1.opened_us
    server.listener_limit_row = h1.listener_limit_row
    server.box_limit_row = h1.box_limit_row
    enter(server, server.manager)
    server.conn.flags |= C_READABLE | C_REDELIVER
    conn_ready_again(&server.conn)


# -- all of them

cdef void h2_drain_all(Proxy *proxy) noexcept nogil:
    cdef H2Server *server = <H2Server *>proxy.h2_servers
    while server != NULL:
        h2_server_goodbye(server)
        server = server.next


cdef void h2_kill_all(Proxy *proxy) noexcept nogil:
    cdef H2Server *server = <H2Server *>proxy.h2_servers
    while server != NULL:
        if not server.conn.flags & C_DEAD:
            h2_server_lost(server, "local_drain", False, False)
        server = server.next


cdef ConnOps CONN_OPS
CONN_OPS.on_data = on_data
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_drained = on_drained
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy
