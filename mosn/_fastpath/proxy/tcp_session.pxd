# A session of the TCP proxy: two connections and what is known about them.

from libc.stdint cimport uint32_t, uint64_t, uint8_t

from mosn._fastpath.engine.types cimport Conn, Pipe
from mosn._fastpath.memory cimport Arena, Slice
from mosn._fastpath.proxy.runtime cimport Listener, Proxy, Snapshot, TcpProxy
from mosn._fastpath.proxy.types cimport Cluster, Host, RequestInfo


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


cdef void tcp_active(Session *session) noexcept nogil
# n bytes came in on this side: statistics.
cdef void tcp_moved(Side *side, uint64_t n) noexcept nogil
# Close both sides, count, log.  Once; the memory goes with the connections.
cdef void tcp_session_end(Session *session, Slice details) noexcept nogil
cdef void tcp_leave_cluster(Session *session) noexcept nogil
# One timer for idle time and longest life.
cdef void tcp_arm_clock(Session *session) noexcept nogil
cdef void tcp_check_clock(Session *session) noexcept nogil
