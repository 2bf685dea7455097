"""Listening sockets (see listener.pxd).

Accepting is bounded per wake-up, so that a storm of connections does not starve those that are open; when descriptors
run out it stops for a moment instead of spinning.
"""

from libc.limits cimport INT_MAX
from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.engine.conn cimport conn_close, conn_init, conn_ready_again, conn_timer
from mosn._fastpath.engine.system cimport (
    AF_INET6, AF_UNIX, EAGAIN, ECONNABORTED, EINTR, EPOLLIN, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPROTO, IPPROTO_IP,
    IPPROTO_IPV6, SOCK_CLOEXEC, SOCK_NONBLOCK, accept4, close, epoll_ctl, epoll_event, errno, getsockname,
    getsockopt, mosn_store, sockaddr, sockaddr_storage, socklen_t,
)
from mosn._fastpath.engine.timer cimport timer_arm
from mosn._fastpath.engine.types cimport C_DEAD, C_LISTENING, C_READABLE, C_REDELIVER, Conn, ConnOps, Engine, Timer
from mosn._fastpath.memory cimport buf_append, buf_consume, buf_len
from mosn._fastpath.proxy.chain cimport chain_find
from mosn._fastpath.proxy.holding cimport give_limits
from mosn._fastpath.proxy.info cimport address_from_sockaddr
from mosn._fastpath.proxy.proxy_protocol cimport proxy_protocol_read
from mosn._fastpath.proxy.runtime cimport (
    Accepted, FilterChain, Listener, ListenerRuntime, ListenerSocket, Proxy, Snapshot,
)
from mosn._fastpath.proxy.types cimport Address
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, count, gauge, limit_take
from mosn._fastpath.shm.stats cimport (
    LSG_CX_ACTIVE, LSG_PRE_CX_ACTIVE, LS_CX_DESTROY, LS_CX_OVERFLOW, LS_CX_OVERLOAD_REJECT, LS_CX_TOTAL,
    LS_LISTENER_FILTER_ERROR, LS_NO_FILTER_CHAIN_MATCH, LS_PRE_CX_TIMEOUT, SVG_CONNECTIONS, SV_ACCEPT_FAILED,
)


cdef extern from "<sys/resource.h>" nogil:
    enum:
        RLIMIT_NOFILE
    struct rlimit:
        unsigned long rlim_cur
    int getrlimit(int resource, rlimit *limit)

cdef extern from "<unistd.h>" nogil:
    int dup(int fd)

cdef enum:
    ACCEPTS_PER_TURN = 32
    DRAIN_TURNS = 128           # times ACCEPTS_PER_TURN: somaxconn's default
    NO_DESCRIPTORS_PAUSE_MS = 100
    UPSTREAMS_SHARE = 8         # of the descriptors: one in so many is not for clients
    SO_ORIGINAL_DST = 80

ctypedef void *(*OpenFn)(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil

cdef OpenFn open_http = NULL
cdef OpenFn open_tcp = NULL
cdef OpenFn open_rpc = NULL


cdef struct Waiting:
    # A connection whose listener filters are not done yet.
    Conn conn
    Proxy *proxy
    Accepted accepted


cdef void listener_set_protocols(void *http, void *tcp, void *rpc) noexcept nogil:
    global open_http, open_tcp, open_rpc
    open_http = <OpenFn>http
    open_tcp = <OpenFn>tcp
    open_rpc = <OpenFn>rpc


cdef inline OpenFn opener(const FilterChain *chain) noexcept nogil:
    if chain.http != NULL:
        return open_http
    return open_rpc if chain.rpc != NULL else open_tcp


# -- runtimes and their sockets

cdef ListenerRuntime *listener_runtime(Proxy *proxy, const char *name, unsigned int n) noexcept nogil:
    cdef ListenerRuntime *runtime = proxy.listeners
    while runtime != NULL:
        if runtime.name_len == n and memcmp(runtime.name, name, n) == 0:
            return runtime
        runtime = runtime.next
    runtime = <ListenerRuntime *>calloc(1, sizeof(ListenerRuntime))
    if runtime == NULL:
        return NULL
    runtime.name = <char *>malloc(n + 1)
    if runtime.name == NULL:
        free(runtime)
        return NULL
    memcpy(runtime.name, name, n)
    runtime.name_len = n
    runtime.proxy = proxy
    # Only the main thread adds (before a snapshot names the listener), the engine may be walking the list.
    runtime.next = proxy.listeners
    mosn_store(<uint64_t *>&proxy.listeners, <uint64_t>runtime)
    return runtime


cdef int watch(ListenerSocket *socket) noexcept nogil:
    # Level-triggered: what one turn leaves in the queue comes back by itself.
    cdef epoll_event event
    event.events = EPOLLIN
    event.data.ptr = &socket.conn
    return epoll_ctl(socket.conn.engine.epoll_fd, EPOLL_CTL_ADD, socket.conn.fd, &event)


cdef int listener_add_socket(ListenerRuntime *runtime, int fd) noexcept nogil:
    cdef ListenerSocket *socket = <ListenerSocket *>calloc(1, sizeof(ListenerSocket))
    if socket == NULL:
        return -1
    socket.conn.engine = runtime.proxy.engine
    socket.conn.ops = &SOCKET_OPS
    socket.conn.fd = fd
    socket.conn.flags = C_LISTENING
    socket.conn.timer.fire = on_pause_over
    socket.listener = runtime
    if watch(socket) < 0:
        free(socket)
        return -1
    socket.next = runtime.sockets
    runtime.sockets = socket
    return 0


cdef void listener_remove_sockets(ListenerRuntime *runtime) noexcept nogil:
    cdef ListenerSocket *socket = runtime.sockets
    cdef ListenerSocket *following
    runtime.sockets = NULL
    while socket != NULL:
        following = socket.next
        # The master keeps its own copy, so the registration does not end with close().
        unwatch(socket)
        conn_close(&socket.conn)
        socket = following


cdef void listener_drain(ListenerRuntime *runtime) noexcept nogil:
    # Who is in the accept queue now has connected in good faith: served (with Connection: close), not reset.
    cdef ListenerSocket *socket = runtime.sockets
    cdef int turn
    while socket != NULL:
        for turn in range(DRAIN_TURNS):
            on_acceptable(&socket.conn)
        socket = socket.next
    listener_remove_sockets(runtime)


cdef void unwatch(ListenerSocket *socket) noexcept nogil:
    cdef epoll_event event
    epoll_ctl(socket.conn.engine.epoll_fd, EPOLL_CTL_DEL, socket.conn.fd, &event)


cdef void on_pause_over(Engine *engine, Timer *timer) noexcept nogil:
    cdef Conn *conn = <Conn *>(<char *>timer - <size_t>&(<Conn *>NULL).timer)
    cdef int probe
    if conn.flags & C_DEAD:
        return
    probe = dup(conn.fd)
    if probe >= 0:
        close(probe)
    if probe < 0 or probe >= most_descriptors() or watch(<ListenerSocket *>conn) < 0:
        timer_arm(engine, timer, NO_DESCRIPTORS_PAUSE_MS)


cdef int most_descriptors() noexcept nogil:
    # Descriptors are numbered from the lowest free one.  Who is let in needs one more, for the upstream.
    cdef rlimit limit
    if getrlimit(RLIMIT_NOFILE, &limit) < 0 or limit.rlim_cur > <unsigned long>INT_MAX:
        return INT_MAX
    return <int>(limit.rlim_cur - limit.rlim_cur // UPSTREAMS_SHARE)


cdef void out_of_descriptors(ListenerSocket *socket) noexcept nogil:
    cdef Proxy *proxy = socket.listener.proxy
    count(proxy.region, proxy.server_stats + SV_ACCEPT_FAILED, 1)
    unwatch(socket)
    timer_arm(proxy.engine, &socket.conn.timer, NO_DESCRIPTORS_PAUSE_MS)


# -- accepting

cdef void on_acceptable(Conn *conn) noexcept nogil:
    cdef ListenerSocket *socket = <ListenerSocket *>conn
    cdef sockaddr_storage peer
    cdef socklen_t n
    cdef int fd
    cdef int turn
    cdef int most = most_descriptors()
    conn.flags &= ~<uint32_t>C_READABLE
    if socket.listener.config == NULL:
        return
    for turn in range(ACCEPTS_PER_TURN):
        n = sizeof(peer)
        fd = accept4(conn.fd, <sockaddr *>&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC)
        if fd < 0:
            if errno == EAGAIN:
                return
            if errno not in (EINTR, ECONNABORTED, EPROTO):
                out_of_descriptors(socket)
                return
            continue
        accepted(socket.listener, fd, &peer, n)
        if fd >= most:
            out_of_descriptors(socket)
            return


cdef void accepted(ListenerRuntime *runtime, int fd, const sockaddr_storage *peer, socklen_t peer_len) noexcept nogil:
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
    if facts.config.proxy_protocol:
        wait_for_filters(proxy, &facts)
    else:
        hand_over(proxy, &facts)


cdef void local_address(Accepted *facts) noexcept nogil:
    cdef sockaddr_storage name
    cdef socklen_t n = sizeof(name)
    cdef int one = 1
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


# -- original destination

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


# -- listener filters that read

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
    gauge(proxy.region, facts.config.gauges + LSG_PRE_CX_ACTIVE, 1)
    if facts.config.filters_timeout_ms:
        conn_timer(&waiting.conn, facts.config.filters_timeout_ms)


cdef void filters_done(Waiting *waiting) noexcept nogil:
    gauge(waiting.proxy.region, waiting.accepted.config.gauges + LSG_PRE_CX_ACTIVE, -1)
    hand_over(waiting.proxy, &waiting.accepted)


cdef void filters_failed(Waiting *waiting, uint32_t stat) noexcept nogil:
    count(waiting.proxy.region, waiting.accepted.config.stats + stat, 1)
    gauge(waiting.proxy.region, waiting.accepted.config.gauges + LSG_PRE_CX_ACTIVE, -1)
    turn_away(waiting.proxy, &waiting.accepted)


cdef size_t on_filter_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef Waiting *waiting = <Waiting *>conn
    cdef Accepted *facts = &waiting.accepted
    cdef int64_t used = proxy_protocol_read(p, n, &facts.remote, &facts.local)
    if used == 0:
        return 0
    if used == -2 and facts.config.proxy_protocol_optional:
        used = 0
    if used < 0:
        filters_failed(waiting, LS_LISTENER_FILTER_ERROR)
        return n
    # What follows the header belongs to the protocol: it moves along in inbuf.
    keep_rest(conn, p + used, n - <size_t>used)
    filters_done(waiting)
    return n


cdef void keep_rest(Conn *conn, char *p, size_t n) noexcept nogil:
    if conn.inbuf.data != NULL:
        buf_consume(&conn.engine.pool, &conn.inbuf, buf_len(&conn.inbuf) - n)
    elif n:
        buf_append(&conn.engine.pool, &conn.inbuf, p, n)


cdef void on_filter_gone(Conn *conn) noexcept nogil:
    filters_failed(<Waiting *>conn, LS_LISTENER_FILTER_ERROR)


cdef void on_filter_error(Conn *conn, int error) noexcept nogil:
    filters_failed(<Waiting *>conn, LS_LISTENER_FILTER_ERROR)


cdef void on_filter_timeout(Conn *conn) noexcept nogil:
    cdef Waiting *waiting = <Waiting *>conn
    if waiting.accepted.config.continue_on_timeout:
        filters_done(waiting)
    else:
        filters_failed(waiting, LS_PRE_CX_TIMEOUT)


cdef void destroy(Conn *conn) noexcept nogil:
    free(conn)


# -- to the protocol

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


cdef ConnOps SOCKET_OPS
SOCKET_OPS.on_readable = on_acceptable
SOCKET_OPS.destroy = destroy

cdef ConnOps WAITING_OPS
WAITING_OPS.on_data = on_filter_data
WAITING_OPS.on_eof = on_filter_gone
WAITING_OPS.on_error = on_filter_error
WAITING_OPS.on_timer = on_filter_timeout
WAITING_OPS.destroy = destroy
