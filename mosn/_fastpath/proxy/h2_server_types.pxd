# A client's HTTP/2 connection.  Each of its requests is a Stream with its H2Stream in Stream.down_stream.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.h2_types cimport H2
from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.runtime cimport FilterChain, HttpManager, Listener, ListenerRuntime, Proxy, Stream
from mosn._fastpath.proxy.types cimport Address


cdef struct H2Server:
    Conn conn                   # first
    H2 h2
    Proxy *proxy
    ListenerRuntime *listener
    HttpManager *manager        # valid while `generation` is the snapshot's
    Listener *config
    FilterChain *chain
    Stream *streams             # newest first
    H2Server *next              # all connections of the worker
    H2Server *previous
    const char *protocol        # Accepted.protocol
    Address *direct_remote      # NULL: it is `remote`
    Address remote
    Address local
    uint64_t id
    uint64_t opened_us
    uint64_t idle_since_ms
    uint32_t generation
    uint32_t requests
    uint32_t in_flight
    uint32_t idle_ms
    uint32_t max_ms
    uint32_t stats              # of the manager, kept for close
    uint32_t gauges
    uint32_t histogram
    uint32_t listener_stats
    uint32_t listener_gauges
    uint32_t listener_limit_row
    uint32_t box_limit_row
    uint8_t goodbye             # 1: no new requests, please (GOAWAY went); 2: and none is read any more
    uint8_t closing             # the end has begun
    uint8_t remote_closed
    uint8_t gone                # counted out
