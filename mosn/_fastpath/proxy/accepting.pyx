"""From an accepted socket to a protocol: limits, listener filters, the filter chain (see accepting.pxd)."""

from libc.stdint cimport int64_t, uint32_t, uint8_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memset

from mosn._fastpath.codec.client_hello cimport ClientHello
from mosn._fastpath.engine.conn cimport conn_close, conn_init, conn_ready_again, conn_timer
from mosn._fastpath.engine.system cimport (
    AF_INET6, AF_UNIX, IPPROTO_IP, IPPROTO_IPV6, close, getsockname, getsockopt, sockaddr, sockaddr_storage,
    socklen_t,
)
from mosn._fastpath.engine.types cimport C_READABLE, C_REDELIVER, Conn, ConnOps
from mosn._fastpath.memory cimport buf_append, buf_consume, buf_len
from mosn._fastpath.proxy.chain cimport chain_find
from mosn._fastpath.proxy.detect cimport (
    DETECT_CLOSE, DETECT_MORE, Detection, detect, detect_wanted,
)
from mosn._fastpath.proxy.holding cimport give_limits, listener_runtime
from mosn._fastpath.proxy.info cimport address_from_sockaddr
from mosn._fastpath.proxy.proxy_protocol cimport proxy_protocol_read
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Listener, ListenerRuntime, Proxy, Snapshot
from mosn._fastpath.proxy.types cimport Address
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, count, gauge, limit_take
from mosn._fastpath.shm.stats cimport (
    LSG_CX_ACTIVE, LSG_PRE_CX_ACTIVE, LS_CX_DESTROY, LS_CX_OVERFLOW, LS_CX_OVERLOAD_REJECT, LS_CX_TOTAL,
    LS_LISTENER_FILTER_ERROR, LS_LISTENER_FILTER_REMOTE_CLOSE, LS_NO_FILTER_CHAIN_MATCH, LS_PRE_CX_TIMEOUT,
    SVG_CONNECTIONS,
)

cdef enum:
    SO_ORIGINAL_DST = 80
    HTTP2_ONLY = 2              # HttpManager.codec

ctypedef void *(*OpenFn)(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil

cdef OpenFn open_http = NULL
cdef OpenFn open_tcp = NULL
cdef OpenFn open_rpc = NULL
cdef OpenFn open_h2 = NULL


cdef struct Waiting:
    # A connection whose listener filters are not done yet.
    Conn conn
    Proxy *proxy
    Waiting *next               # all of the worker
    Waiting *previous
    Accepted accepted
    Detection detection
    uint8_t header_over         # the PROXY header was taken, or there is none to come


cdef void accepting_set_protocols(void *http, void *tcp, void *rpc, void *h2) noexcept nogil:
    global open_http, open_tcp, open_rpc, open_h2
    open_http = <OpenFn>http
    open_tcp = <OpenFn>tcp
    open_rpc = <OpenFn>rpc
    open_h2 = <OpenFn>h2


cdef inline OpenFn opener(const FilterChain *chain) noexcept nogil:
    if chain.http != NULL:
        return open_h2 if chain.http.codec == HTTP2_ONLY else open_http
    return open_rpc if chain.rpc != NULL else open_tcp


cdef void connection_accepted(ListenerRuntime *runtime, int fd, const sockaddr_storage *peer,
                              socklen_t peer_len) noexcept nogil:
    cdef Accepted facts
    cdef Proxy *proxy = runtime.proxy
    memset(&facts, 0, sizeof(facts))
    facts.fd = fd
    facts.listener = runtime
    facts.config = runtime.config
    facts.opened_us = proxy.engine.now_us
    address_from_sockaddr(&facts.direct_remote, peer, peer_len)
    facts.remote = facts.direct_remote
    local_address(&facts)
    if not admit(proxy, &facts):
        close(fd)
        return
    if facts.config.original_dst_filter or facts.config.use_original_dst:
        restore_destination(proxy, &facts)
    if facts.config.proxy_protocol or detect_wanted(&facts):
        wait_for_filters(proxy, &facts)
    else:
        hand_over(proxy, &facts)


cdef void local_address(Accepted *facts) noexcept nogil:
    cdef sockaddr_storage name
    cdef socklen_t n = sizeof(name)
    if getsockname(facts.fd, <sockaddr *>&name, &n) == 0:
        address_from_sockaddr(&facts.local, &name, n)
    if facts.local.family == AF_UNIX:
        facts.local.unix_path = facts.config.address.p
        facts.direct_remote.unix_path = b""
        facts.remote.unix_path = b""


cdef bint admit(Proxy *proxy, Accepted *facts) noexcept nogil:
    # The box-wide limits on open connections.
    cdef Listener *config = facts.config
    cdef Snapshot *snapshot = proxy.snapshot
    if config.max_connections:
        if not limit_take(proxy.region, &proxy.limits, config.limit_row, LIMIT_CONNECTIONS, config.max_connections):
            count(proxy.region, config.stats + LS_CX_OVERFLOW, 1)
            return False
        facts.limit_row = config.limit_row
    if snapshot.max_connections:
        if not limit_take(proxy.region, &proxy.limits, snapshot.limit_row, LIMIT_CONNECTIONS, snapshot.max_connections):
            count(proxy.region, config.stats + LS_CX_OVERLOAD_REJECT, 1)
            give_limits(proxy, facts.limit_row, 0)
            return False
        facts.box_limit_row = snapshot.limit_row
    count(proxy.region, config.stats + LS_CX_TOTAL, 1)
    gauge(proxy.region, config.gauges + LSG_CX_ACTIVE, 1)
    gauge(proxy.region, proxy.server_gauges + SVG_CONNECTIONS, 1)
    proxy.connections += 1
    return True


cdef void turn_away(Proxy *proxy, Accepted *facts) noexcept nogil:
    # An admitted connection that no protocol took.
    if facts.conn != NULL:
        conn_close(facts.conn)
    else:
        close(facts.fd)
    uncount(proxy, facts)


cdef void uncount(Proxy *proxy, const Accepted *facts) noexcept nogil:
    count(proxy.region, facts.config.stats + LS_CX_DESTROY, 1)
    gauge(proxy.region, facts.config.gauges + LSG_CX_ACTIVE, -1)
    gauge(proxy.region, proxy.server_gauges + SVG_CONNECTIONS, -1)
    proxy.connections -= 1
    give_limits(proxy, facts.limit_row, facts.box_limit_row)


cdef void restore_destination(Proxy *proxy, Accepted *facts) noexcept nogil:
    cdef sockaddr_storage name
    cdef socklen_t n = sizeof(name)
    cdef bint v6 = facts.local.family == AF_INET6
    if facts.local.family == AF_UNIX:
        return
    if getsockopt(facts.fd, IPPROTO_IPV6 if v6 else IPPROTO_IP, SO_ORIGINAL_DST, &name, &n) != 0:
        return
    address_from_sockaddr(&facts.local, &name, n)
    facts.local_restored = True
    if facts.config.use_original_dst:
        to_virtual_listener(proxy, facts)


cdef void to_virtual_listener(Proxy *proxy, Accepted *facts) noexcept nogil:
    # use_original_dst: the listener at IP:PORT, else the one at 0.0.0.0:PORT, else this one.
    cdef Listener *candidate
    cdef Listener *exact = NULL
    cdef Listener *any_address = NULL
    cdef Address at
    cdef uint32_t i
    for i in range(proxy.snapshot.listener_count):
        candidate = &proxy.snapshot.listeners[i]
        at = candidate.bound
        if candidate == facts.config or at.family != facts.local.family or at.port != facts.local.port:
            continue
        if memcmp(at.ip, facts.local.ip, 16) == 0:
            exact = candidate
        elif is_any(&at):
            any_address = candidate
    candidate = exact if exact != NULL else any_address
    if candidate == NULL:
        return
    gauge(proxy.region, facts.config.gauges + LSG_CX_ACTIVE, -1)
    facts.config = candidate
    facts.listener = listener_runtime(proxy, candidate.name.p, candidate.name.n)
    gauge(proxy.region, facts.config.gauges + LSG_CX_ACTIVE, 1)
    count(proxy.region, facts.config.stats + LS_CX_TOTAL, 1)


cdef bint is_any(const Address *address) noexcept nogil:
    cdef int i
    for i in range(16):
        if address.ip[i]:
            return False
    return True


cdef void wait_for_filters(Proxy *proxy, Accepted *facts) noexcept nogil:
    cdef Waiting *waiting = <Waiting *>calloc(1, sizeof(Waiting))
    if waiting == NULL:
        turn_away(proxy, facts)
        return
    waiting.proxy = proxy
    waiting.accepted = facts[0]
    if conn_init(&waiting.conn, proxy.engine, &WAITING_OPS, facts.fd, False) < 0:
        free(waiting)
        turn_away(proxy, facts)
        return
    waiting.accepted.conn = &waiting.conn
    waiting.header_over = not facts.config.proxy_protocol
    waiting.next = <Waiting *>proxy.waiting
    if waiting.next != NULL:
        waiting.next.previous = waiting
    proxy.waiting = waiting
    gauge(proxy.region, facts.config.gauges + LSG_PRE_CX_ACTIVE, 1)
    if facts.config.filters_timeout_ms:
        conn_timer(&waiting.conn, facts.config.filters_timeout_ms)


cdef void leave(Waiting *waiting) noexcept nogil:
    # No longer waiting, whatever comes next.
    if waiting.previous != NULL:
        waiting.previous.next = waiting.next
    else:
        waiting.proxy.waiting = waiting.next
    if waiting.next != NULL:
        waiting.next.previous = waiting.previous
    gauge(waiting.proxy.region, waiting.accepted.config.gauges + LSG_PRE_CX_ACTIVE, -1)


cdef void filters_done(Waiting *waiting) noexcept nogil:
    leave(waiting)
    hand_over(waiting.proxy, &waiting.accepted)


cdef void filters_closed(Waiting *waiting) noexcept nogil:
    leave(waiting)
    turn_away(waiting.proxy, &waiting.accepted)


cdef void filters_failed(Waiting *waiting, uint32_t stat) noexcept nogil:
    count(waiting.proxy.region, refreshed(waiting).config.stats + stat, 1)
    filters_closed(waiting)


cdef Accepted *refreshed(Waiting *waiting) noexcept nogil:
    # The snapshot that was live when the connection came may be gone: its listener's runtime has the newest.
    waiting.accepted.config = waiting.accepted.listener.config
    if waiting.accepted.local.family == AF_UNIX:
        waiting.accepted.local.unix_path = waiting.accepted.config.address.p
    return &waiting.accepted


cdef size_t on_filter_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef Waiting *waiting = <Waiting *>conn
    cdef Accepted *facts = refreshed(waiting)
    cdef int64_t used = 0
    if not waiting.header_over:
        used = proxy_protocol_read(p, n, &facts.remote, &facts.local)
        if used == 0:
            return 0
        if used == -2 and facts.config.proxy_protocol_optional:
            used = 0
        if used < 0:
            filters_failed(waiting, LS_LISTENER_FILTER_ERROR)
            return n
        waiting.header_over = True
    if detect_wanted(facts):
        return <size_t>used + inspect(waiting, p + used, n - <size_t>used, False)
    pass_on(waiting, p + used, n - <size_t>used)
    return n


cdef size_t inspect(Waiting *waiting, char *p, size_t n, bint at_last) noexcept nogil:
    # The bytes of these that are taken: none while more are needed.
    cdef ClientHello hello
    cdef Accepted *facts = &waiting.accepted
    cdef int verdict = DETECT_MORE
    if n:
        verdict = detect(waiting.proxy, facts, &waiting.detection, p, n, at_last, &hello)
    if verdict == DETECT_MORE:
        return 0
    if verdict == DETECT_CLOSE:
        filters_closed(waiting)
    else:
        pass_on(waiting, p, n)
    return n


cdef void pass_on(Waiting *waiting, char *p, size_t n) noexcept nogil:
    # What the filters left belongs to the protocol: it moves along in inbuf.
    keep_rest(&waiting.conn, p, n)
    filters_done(waiting)


cdef void keep_rest(Conn *conn, char *p, size_t n) noexcept nogil:
    if conn.inbuf.data != NULL:
        buf_consume(&conn.engine.pool, &conn.inbuf, buf_len(&conn.inbuf) - n)
    elif n:
        buf_append(&conn.engine.pool, &conn.inbuf, p, n)


cdef void on_filter_gone(Conn *conn) noexcept nogil:
    filters_failed(<Waiting *>conn, LS_LISTENER_FILTER_REMOTE_CLOSE)


cdef void on_filter_error(Conn *conn, int error) noexcept nogil:
    filters_failed(<Waiting *>conn, LS_LISTENER_FILTER_ERROR)


cdef void on_filter_timeout(Conn *conn) noexcept nogil:
    cdef Waiting *waiting = <Waiting *>conn
    cdef Accepted *facts = refreshed(waiting)
    if waiting.header_over and buf_len(&conn.inbuf) and known_at_last(waiting):
        return
    count(waiting.proxy.region, facts.config.stats + LS_PRE_CX_TIMEOUT, 1)
    if facts.config.continue_on_timeout:
        filters_done(waiting)
    else:
        filters_closed(waiting)


cdef bint known_at_last(Waiting *waiting) noexcept nogil:
    # Time is up, and what is here is enough for one of the protocols: it was waiting for another that needs more.
    cdef Conn *conn = &waiting.conn
    cdef Detection state = waiting.detection
    cdef ClientHello hello
    cdef char *p = conn.inbuf.data + conn.inbuf.start
    if waiting.accepted.config.protocol_count == 0:
        return False
    detect(waiting.proxy, &waiting.accepted, &state, p, buf_len(&conn.inbuf), True, &hello)
    if waiting.accepted.protocol == NULL:
        return False
    filters_done(waiting)
    return True


cdef void accepting_kill_all(Proxy *proxy) noexcept nogil:
    while proxy.waiting != NULL:
        refreshed(<Waiting *>proxy.waiting)
        filters_closed(<Waiting *>proxy.waiting)


cdef void hand_over(Proxy *proxy, Accepted *facts) noexcept nogil:
    cdef FilterChain *chain = chain_find(facts.config, facts)
    cdef Conn *opened
    if chain == NULL:
        count(proxy.region, facts.config.stats + LS_NO_FILTER_CHAIN_MATCH, 1)
        turn_away(proxy, facts)
        return
    opened = <Conn *>opener(chain)(proxy, facts, chain)
    if opened == NULL:
        turn_away(proxy, facts)
        return
    # The request is often here already: look before the next epoll_wait.
    opened.flags |= C_READABLE
    if opened.inbuf.data != NULL:
        mark_redeliver(opened)
    conn_ready_again(opened)


cdef inline void mark_redeliver(Conn *conn) noexcept nogil:
    conn.flags |= C_REDELIVER


cdef void destroy(Conn *conn) noexcept nogil:
    free(conn)


cdef ConnOps WAITING_OPS
WAITING_OPS.on_data = on_filter_data
WAITING_OPS.on_eof = on_filter_gone
WAITING_OPS.on_error = on_filter_error
WAITING_OPS.on_timer = on_filter_timeout
WAITING_OPS.destroy = destroy
