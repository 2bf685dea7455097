"""Listening sockets (see listener.pxd).

Accepting is bounded per wake-up, so that a storm of connections does not starve those that are open; when descriptors
run out it stops for a moment instead of spinning.
"""

from libc.limits cimport INT_MAX
from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.engine.conn cimport conn_close
from mosn._fastpath.engine.system cimport (
    EAGAIN, ECONNABORTED, EINTR, EPOLLIN, EPOLL_CTL_ADD, EPOLL_CTL_DEL, EPROTO, SOCK_CLOEXEC, SOCK_NONBLOCK,
    accept4, close, epoll_ctl, epoll_event, errno, sockaddr, sockaddr_storage, socklen_t,
)
from mosn._fastpath.engine.timer cimport timer_arm
from mosn._fastpath.engine.types cimport C_DEAD, C_LISTENING, C_READABLE, Conn, ConnOps, Engine, Timer
from mosn._fastpath.proxy.accepting cimport connection_accepted
from mosn._fastpath.proxy.runtime cimport ListenerRuntime, ListenerSocket, Proxy
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport SV_ACCEPT_FAILED


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
    cdef int _turn
    while socket != NULL:
        for _turn in range(DRAIN_TURNS):
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


cdef void on_acceptable(Conn *conn) noexcept nogil:
    cdef ListenerSocket *socket = <ListenerSocket *>conn
    cdef sockaddr_storage peer
    cdef socklen_t n
    cdef int fd
    cdef int _turn
    cdef int most = most_descriptors()
    conn.flags &= ~<uint32_t>C_READABLE
    if socket.listener.config == NULL:
        return
    for _turn in range(ACCEPTS_PER_TURN):
        n = sizeof(peer)
        fd = accept4(conn.fd, <sockaddr *>&peer, &n, SOCK_NONBLOCK | SOCK_CLOEXEC)
        if fd < 0:
            if errno == EAGAIN:
                return
            if errno not in (EINTR, ECONNABORTED, EPROTO):
                out_of_descriptors(socket)
                return
            continue
        connection_accepted(socket.listener, fd, &peer, n)
        if fd >= most:
            out_of_descriptors(socket)
            return


cdef void destroy(Conn *conn) noexcept nogil:
    free(conn)


cdef ConnOps SOCKET_OPS
SOCKET_OPS.on_readable = on_acceptable
SOCKET_OPS.destroy = destroy
