# An upstream's HTTP/2 connections: shared by requests of any clients, within the peer's MAX_CONCURRENT_STREAMS.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.h2_types cimport H2
from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.runtime cimport HostPool, Proxy, Stream
from mosn._fastpath.proxy.types cimport Host


cdef enum H2ClientState:
    H2C_CONNECTING = 0
    H2C_OPEN
    H2C_DRAINING                # takes no new requests, closes after the last answer
    H2C_CLOSED


cdef struct H2Client:
    Conn conn                   # first
    H2 h2
    Proxy *proxy
    Host *host
    H2Pool *pool
    H2Client *next              # all of the pool
    H2Client *previous
    Stream *streams             # under way here (H2Link); newest first
    uint64_t opened_us
    uint64_t idle_since_ms
    uint32_t in_flight
    uint32_t requests
    uint32_t max_requests
    uint32_t max_streams        # of our configuration
    uint32_t idle_ms
    uint32_t max_ms
    uint32_t stats
    uint32_t gauges
    uint32_t histograms
    uint32_t limit_row
    const H2Owner *owner
    uint8_t state
    uint8_t state_before        # of H2C_CLOSED
    uint8_t counted             # the connection limit's slot is held
    uint8_t remote_closed


cdef struct H2Owner:
    # What a connection tells its pool.
    void (*connected)(H2Client *client) noexcept nogil
    void (*failed)(H2Client *client, int timeout, int error) noexcept nogil     # it never was
    void (*gone)(H2Client *client) noexcept nogil                               # once, before the socket is closed
    void (*room)(H2Client *client) noexcept nogil                               # perhaps another stream may begin
    void (*refill)(H2Client *client) noexcept nogil                             # it takes no more: who waits?


cdef struct H2Pool:
    HostPool *host
    H2Client *clients
    Stream *waiting             # oldest first
    Stream *waiting_last
    uint32_t waiting_count
    uint32_t connecting
