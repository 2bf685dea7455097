# The structs of multiplexed RPC protocols: a client's connection, an upstream's, the pool, one exchange.
#
# A client connection has many streams; a host has few connections (RpcSlot), and a client connection always uses the
# same slot of a host, so its frames keep their order.  Ids towards the upstream are the connection's own.

from libc.stdint cimport uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits
from mosn._fastpath.engine.types cimport Conn, Timer
from mosn._fastpath.head cimport Head
from mosn._fastpath.proxy.runtime cimport FilterChain, HostPool, Listener, ListenerRuntime, Proxy, RpcManager, Stream
from mosn._fastpath.proxy.types cimport Address, Host


cdef enum:
    MOST_SLOTS = 16


cdef struct RpcExchange:
    # Stream.rpc
    Frame frame                 # the request; its id is the client's
    Frame answer
    char *bytes                 # the request, in the stream's arena
    char *answer_bytes          # while the upstream's event is handled
    RpcSlot *slot               # where the stream waits
    const RpcManager *manager   # protocol, limits, upstream connections
    Head *head                  # the request frame's, where the stream's is another protocol's (bridge.pxd); else NULL
    uint64_t upstream_id
    uint64_t begun_ms
    uint64_t client_id          # the client connection's number: chooses the slot
    RpcServer *own              # the client connection, where it has upstream connections of its own; else NULL
    uint8_t unsendable          # the changed head does not fit the protocol
    uint8_t unread              # the codec's read_rest was not called yet


cdef inline void rpc_read_rest(const FrameCodec *codec, RpcExchange *exchange, const FrameLimits *limits,
                               Head *head) noexcept nogil:
    # What was left out of the request's head.  What cannot be read is left out for good: the upstream may know better.
    exchange.unread = False
    codec.read_rest(codec, exchange.bytes, &exchange.frame, limits, head)


cdef struct RpcServer:
    Conn conn                   # first
    Proxy *proxy
    ListenerRuntime *listener
    const FrameCodec *codec
    RpcManager *manager         # valid while `generation` is the snapshot's
    Listener *config
    FilterChain *chain
    Stream *streams             # newest first
    RpcClient *held_by          # reading stopped until this upstream takes bytes again
    RpcServer *next_held
    RpcServer *next             # all connections of the worker
    RpcServer *previous
    const char *protocol        # Accepted.protocol
    Address *direct_remote      # NULL: it is `remote`
    Address remote
    Address local
    uint64_t id
    uint64_t opened_us
    uint64_t last_ms            # when something came
    uint64_t held_bytes         # of requests in flight
    uint32_t generation
    uint32_t in_flight
    uint32_t idle_ms
    uint32_t stats              # of the manager, kept for close
    uint32_t gauges
    uint32_t histogram
    uint32_t listener_stats
    uint32_t listener_gauges
    uint32_t listener_limit_row
    uint32_t box_limit_row
    RpcOwnSlot *own_slots       # `apart`: what stands for the pools' slots
    RpcClient *own              # upstream connections that serve only this client
    RpcCalls *calls             # requests from upstreams that this client has not answered; NULL: never one
    uint64_t goodbye_ms         # draining: told the client, who may still send for so long; 0 no need to wait
    uint8_t like_version        # of the last request, for READONLY and the like
    uint8_t like_serialization
    uint8_t apart               # has upstream connections of its own
    uint8_t draining
    uint8_t closing
    uint8_t remote_closed
    uint8_t gone                # counted out


cdef struct Pending:
    uint64_t id
    Stream *stream              # NULL: free


cdef enum RpcClientState:
    RPC_CONNECTING = 0
    RPC_OPEN
    RPC_CLOSED


cdef struct RpcClient:
    Conn conn                   # first
    Proxy *proxy
    Host *host
    RpcSlot *slot               # NULL: takes no new requests, closes after the last answer
    RpcClient *next             # all of the pool
    RpcClient *previous
    const FrameCodec *codec
    Pending *pending            # by id & mask; ids are chosen so that their place is free
    uint32_t mask
    uint32_t pending_count
    uint64_t last_id
    RpcServer *held             # client connections that wait for outbuf to drain
    Frame like                  # the last request: heartbeats look like it
    FrameLimits limits
    uint64_t opened_us
    uint64_t used_ms            # the last request
    uint64_t heard_ms           # the last byte
    uint64_t asked_ms           # the unanswered heartbeat, 0 none
    uint64_t requests
    uint32_t max_requests
    uint32_t idle_ms
    uint32_t heartbeat_ms
    uint32_t heartbeat_timeout_ms
    uint32_t heartbeat_failures
    uint32_t unanswered
    uint32_t backoff            # heartbeats since the last request, for the interval
    uint32_t stats
    uint32_t gauges
    uint32_t histograms
    uint32_t limit_row
    uint8_t state
    uint8_t counted             # the connection limit's slot is held
    RpcPool *pool
    const RpcOwner *owner
    RpcServer *only             # the one client that it serves, NULL: any
    RpcClient *next_own         # of `only`


cdef struct RpcOwner:
    # What a connection tells its pool.
    void (*connected)(RpcClient *client) noexcept nogil
    void (*failed)(RpcClient *client, int timeout, int error) noexcept nogil    # it never was
    void (*gone)(RpcClient *client) noexcept nogil                              # once, before the socket is closed


cdef struct RpcSlot:
    RpcClient *client           # NULL none
    Stream *waiting             # until it is connected; oldest first
    Stream *waiting_last


cdef struct RpcOwnSlot:
    RpcSlot slot                # first
    RpcPool *pool               # free to be used for another when the slot is empty
    RpcOwnSlot *next


cdef struct RpcCall:
    # A request that went from an upstream to a client.
    uint64_t id                 # towards the client
    uint64_t upstream_id
    RpcClient *client           # NULL: free
    uint64_t due_ms             # given up then


cdef struct RpcCalls:
    RpcCall *items              # by id & mask; ids are chosen so that their place is free
    uint32_t mask
    uint32_t count
    uint64_t last_id
    Timer timer                 # for the earliest due_ms


cdef struct RpcPool:
    RpcPool *next               # the host's other protocols
    HostPool *host
    const FrameCodec *codec
    RpcClient *clients
    RpcSlot slots[16]
