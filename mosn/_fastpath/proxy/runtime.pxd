# The proxy's own structs: compiled listeners and filters, a stream, the connections on both of its sides.
#
#   H1Server (client's connection) --events--> Stream --calls--> UpstreamOps (H1Client, the upstream's connection)
#            <--calls-- DownstreamOps           <--events--
#
# A protocol is a pair of such drivers around a codec; the stream knows neither.  Everything here lives on the
# engine thread, except that the snapshot's objects are made and freed by the main thread.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.codec.client_hello cimport ClientHello
from mosn._fastpath.codec.frame cimport FrameCodec, FrameLimits
from mosn._fastpath.codec.h2_types cimport H2Config
from mosn._fastpath.codec.http1 cimport H1BodyDecoder, H1HeadParser, H1Limits
from mosn._fastpath.engine.types cimport Conn, Engine, Pipe, Timer
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, Buf, Slice
from mosn._fastpath.proxy.log cimport AccessLogs
from mosn._fastpath.proxy.types cimport (
    Address,
    Cluster,
    Host,
    RequestInfo,
    Route,
    RouteTable,
    WeightedCluster,
)
from mosn._fastpath.shm.segment cimport Limits, Region


# -- configuration, compiled

cdef struct UpgradeConfig:
    Slice type                  # lower case
    bint enabled


cdef struct HttpManager:
    RouteTable *routes
    AccessLogs *logs
    Slice stat_prefix
    Slice server_name
    Slice via
    Slice default_host
    uint8_t server_header       # 0 overwrite, 1 append if absent, 2 pass through
    uint8_t add_user_agent
    uint8_t use_remote_address
    uint8_t skip_xff_append
    uint8_t append_x_forwarded_port
    uint8_t generate_request_id
    uint8_t preserve_external_request_id
    uint8_t request_id_in_response
    uint8_t normalize_path
    uint8_t merge_slashes
    uint8_t escaped_slashes
    uint8_t strip_port          # 0 none, 1 matching, 2 any
    uint8_t strip_trailing_dot
    uint8_t proper_case
    uint8_t underscores         # 0 allow, 1 reject, 2 drop
    uint8_t proxy_100_continue
    uint8_t suppress_envoy_headers
    uint8_t respect_expected_timeout
    uint32_t xff_trusted_hops
    uint32_t max_requests
    uint32_t idle_timeout_ms
    uint32_t max_connection_ms
    uint32_t stream_idle_ms
    uint32_t request_timeout_ms
    uint32_t headers_timeout_ms
    uint32_t max_stream_ms
    uint32_t delayed_close_ms
    uint32_t drain_ms
    uint32_t stats
    uint32_t gauges
    uint32_t histogram
    H1Limits limits
    H2Config h2
    uint8_t codec               # 0 either, 1 HTTP/1, 2 HTTP/2
    UpgradeConfig *upgrades
    uint32_t upgrade_count


cdef struct RpcManager:
    HttpManager http            # first: routes, logs, statistics, deadlines; what is only HTTP's is zero
    const FrameCodec *codec
    FrameLimits limits
    uint8_t protocol            # Protocol
    uint32_t max_streams        # requests in flight on one client connection; then it is not read
    uint32_t connections        # to one host, from one worker
    bint per_client             # each client connection has upstream connections of its own
    uint32_t heartbeat_ms       # an upstream connection that was silent for so long is asked; 0 never
    uint32_t heartbeat_timeout_ms
    uint32_t heartbeat_failures  # unanswered ones in a row: the connection is given up


cdef struct TcpProxy:
    AccessLogs *logs
    WeightedCluster *clusters
    uint32_t cluster_count
    uint32_t total_weight
    uint32_t idle_timeout_ms
    uint32_t max_connection_ms
    uint32_t max_connect_attempts
    uint32_t stats
    uint32_t gauges
    bint hash_source_ip


cdef struct PrefixRange:
    uint8_t ip[16]              # v4 in the last four bytes of a v4-mapped address
    uint32_t bits               # of the 128


cdef struct ChainMatch:
    uint16_t destination_port   # 0 any
    uint8_t source_type         # 0 any, 1 same ip or loopback, 2 external
    PrefixRange *prefixes
    uint32_t prefix_count
    PrefixRange *direct_source_prefixes
    uint32_t direct_source_prefix_count
    PrefixRange *source_prefixes
    uint32_t source_prefix_count
    uint16_t *source_ports
    uint32_t source_port_count
    Slice *server_names
    uint32_t server_name_count
    Slice transport_protocol
    Slice *application_protocols
    uint32_t application_protocol_count


cdef struct FilterChain:
    Slice name
    ChainMatch *match           # NULL matches everything
    HttpManager *http           # one of the three
    TcpProxy *tcp
    RpcManager *rpc


cdef struct Listener:
    Slice name
    Slice address               # text; for unix sockets the path, NUL-terminated
    Address bound               # family 0 for unix sockets
    uint8_t use_original_dst
    uint8_t original_dst_filter
    uint8_t proxy_protocol
    uint8_t proxy_protocol_optional
    uint8_t http_inspector
    uint8_t tls_inspector
    const FrameCodec **protocols    # to tell apart by their first bytes, in the order in which they are asked
    uint32_t protocol_count
    uint32_t http_inspector_stats
    uint32_t tls_inspector_stats
    uint32_t protocol_inspector_stats
    uint8_t continue_on_timeout
    uint32_t filters_timeout_ms
    uint32_t buffer_limit
    uint32_t max_connections
    uint32_t limit_row
    uint32_t stats
    uint32_t gauges
    uint32_t histogram
    FilterChain *chains
    uint32_t chain_count
    FilterChain *default_chain  # NULL none
    AccessLogs *logs


cdef struct Snapshot:
    Listener *listeners
    uint32_t listener_count
    Cluster **clusters          # sorted by name
    uint32_t cluster_count
    uint32_t max_connections    # per box, 0 none
    uint32_t limit_row
    uint32_t generation
    uint32_t references         # streams and sessions that use it (engine thread)
    void *owner                 # the Python object; the main thread's business


# -- a listener at work (outlives snapshots)

cdef struct ListenerSocket:
    Conn conn                   # listening; conn.ops are the acceptor's
    ListenerRuntime *listener
    ListenerSocket *next
    bint paused


cdef struct ListenerRuntime:
    Proxy *proxy
    char *name
    uint32_t name_len
    Listener *config            # NULL: not configured yet.  Of a removed listener: what it was, while `removed`
    Snapshot *config_snapshot   # holds config alive
    uint32_t removed            # drain: answers carry Connection: close
    ListenerSocket *sockets
    ListenerRuntime *next


cdef struct Accepted:
    # A new connection on its way to a protocol.
    Conn *conn                  # a connection that listener filters read from, or NULL: fd below
    int fd
    ListenerRuntime *listener
    Listener *config
    Address direct_remote       # the socket's peer
    Address remote              # after the PROXY header
    Address local               # after the PROXY header or SO_ORIGINAL_DST
    const char *protocol        # what the first bytes are: "http/1.1", "h2c", an RPC protocol's name; NULL not known
    const ClientHello *hello    # NULL: they are not TLS.  Valid while the filter chain is looked for
    uint64_t opened_us
    uint32_t limit_row          # a slot of this connection limit is held; 0 none
    uint32_t box_limit_row      # likewise, of the box's limit
    bint local_restored         # local is not the socket's own


# -- streams

cdef enum ResetReason:
    RESET_CONNECT_FAILED = 1    # "remote connection failure" / "connection failure"
    RESET_CONNECT_TIMEOUT
    RESET_TERMINATION           # upstream closed before the response was complete
    RESET_PROTOCOL              # upstream said something that is not HTTP
    RESET_OVERFLOW              # pending or connection limit
    RESET_LOCAL
    RESET_REFUSED               # the upstream did nothing with it (HTTP/2 REFUSED_STREAM, GOAWAY)


cdef struct DownstreamOps:
    # Stream -> client's connection.  Bytes are copied or sent before the call returns.
    # Before routing: 0 go on, else the status to answer with.
    int (*prepare)(Stream *stream, Slice *details, Slice *location) noexcept nogil
    # What the proxy itself says in every response head (an upstream's or its own).
    void (*respond)(Stream *stream, bint from_upstream) noexcept nogil
    # Our own answer, in the protocol's words; NULL: a head and a text/plain body.
    void (*local_reply)(Stream *stream, int status, Slice words) noexcept nogil
    # What a mirrored copy needs besides the head, which it has; NULL nothing.  0, or -1: there will be no copy.
    int (*mirrored)(Stream *stream, Stream *shadow) noexcept nogil
    void (*send_1xx)(Stream *stream, Head *head) noexcept nogil
    void (*send_head)(Stream *stream, Head *head, bint end) noexcept nogil
    void (*send_data)(Stream *stream, const char *p, size_t n, bint end) noexcept nogil
    void (*send_trailers)(Stream *stream, Head *trailers) noexcept nogil
    # The response cannot be completed: break the connection so that the client notices.
    void (*abort)(Stream *stream) noexcept nogil
    # Flow control of request bytes.
    void (*pause)(Stream *stream) noexcept nogil
    void (*resume)(Stream *stream) noexcept nogil
    # From now on bytes both ways are not HTTP (101 or CONNECT 2xx was sent).
    void (*tunnel)(Stream *stream) noexcept nogil
    # It takes long enough (Stream.look_at) to find out what was not worth it before.  NULL: look_at is never set.
    void (*look)(Stream *stream) noexcept nogil
    # The stream is over and its memory goes away.
    void (*finished)(Stream *stream) noexcept nogil
    bint (*above_high)(Stream *stream) noexcept nogil
    # The socket that body bytes may be spliced into (its framing adds nothing), or NULL.
    Conn *(*splice_target)(Stream *stream) noexcept nogil


cdef struct UpstreamOps:
    # Stream -> upstream's connection.
    void (*send_head)(Stream *stream, Head *head, bint end) noexcept nogil
    void (*send_data)(Stream *stream, const char *p, size_t n, bint end) noexcept nogil
    void (*send_trailers)(Stream *stream, Head *trailers) noexcept nogil
    # The stream lets go before the exchange is complete (reset).
    void (*cancel)(Stream *stream) noexcept nogil
    void (*pause)(Stream *stream) noexcept nogil
    void (*resume)(Stream *stream) noexcept nogil
    bint (*above_high)(Stream *stream) noexcept nogil
    # The client's socket takes bytes again: go on splicing, if that is what is being done.
    void (*splice_on)(Stream *stream) noexcept nogil


cdef struct UpstreamEvents:
    # Upstream's connection (or pool) -> stream.
    void (*ready)(Stream *stream) noexcept nogil                # stream.up is connected: send
    void (*head_1xx)(Stream *stream, Head *head) noexcept nogil
    void (*head)(Stream *stream, Head *head, bint end) noexcept nogil
    void (*data)(Stream *stream, const char *p, size_t n, bint end) noexcept nogil
    void (*spliced)(Stream *stream, size_t n) noexcept nogil    # n body bytes went past us to the client
    void (*trailers)(Stream *stream, Head *trailers) noexcept nogil
    void (*reset)(Stream *stream, int reason, Slice detail) noexcept nogil      # ResetReason
    void (*drained)(Stream *stream) noexcept nogil


cdef struct PoolOps:
    # How a stream gets a connection to stream.host.  One of events.ready (perhaps before this returns) and
    # events.reset follows.
    void (*acquire)(Stream *stream) noexcept nogil
    # The stream (S_WAITING) does not want to wait any more.
    void (*forget)(Stream *stream) noexcept nogil


cdef enum StreamFlag:
    S_REQUEST_ENDED = 1         # the client sent its last byte
    S_REQUEST_SENT = 2          # our last byte of the request went to the upstream
    S_RESPONSE_STARTED = 4      # a final head went to the client
    S_RESPONSE_ENDED = 8
    S_UPSTREAM_ENDED = 16       # the upstream's response is complete
    S_WAITING = 32              # in a pool's queue
    S_BUFFERING = 64            # request body is kept for a retry
    S_RETRY_WAIT = 128          # back-off timer runs
    S_TUNNEL = 256
    S_UPGRADE = 512             # asked for
    S_DOWN_PAUSED = 1024        # request bytes are held back
    S_UP_PAUSED = 2048          # response bytes are held back
    S_HEAD_SENT = 4096          # request head went to this attempt's upstream
    S_CLOSE = 8192              # close the client's connection after the response
    S_LOCAL_REPLY = 16384
    S_RETRY_TAKEN = 32768       # a slot of the retry limit is held
    S_REQUEST_TAKEN = 65536     # a slot of the request limit is held
    S_PENDING_TAKEN = 131072
    S_DONE = 262144
    S_IN_UPSTREAM_EVENT = 524288
    S_CONNECT = 1048576
    S_EXPECT_SENT = 2097152
    S_TRAILERS_KEPT = 4194304
    S_FREE_RETRY = 8388608      # the one retry after a stale pooled connection was used
    S_SHADOW = 16777216         # a mirrored copy: nobody behind it, not counted as a client's request
    S_DELAYED = 33554432        # by a fault on purpose, until retry_at


cdef enum:
    TRIED_HOSTS = 8


cdef struct Stream:
    RequestInfo info
    Arena arena
    Head request
    Head response
    Head request_trailers
    Head response_trailers
    Proxy *proxy
    Engine *engine
    Snapshot *snapshot
    HttpManager *manager
    Listener *listener
    const DownstreamOps *down_ops
    void *down
    const UpstreamOps *up_ops
    void *up                    # H1Client of this attempt, NULL between attempts
    const UpstreamEvents *events
    const PoolOps *pool
    Cluster *cluster
    WeightedCluster *picked
    Route *route
    Host *host
    Timer timer                 # the earliest of the deadlines below
    uint64_t route_deadline     # engine ms, 0 none
    uint64_t try_deadline
    uint64_t idle_deadline
    uint64_t duration_deadline
    uint64_t retry_at
    uint64_t request_deadline
    uint64_t look_at            # engine ms, 0 none: time for down_ops.look
    uint32_t idle_ms
    uint32_t timeout_ms
    uint32_t said_timeout_ms    # the client's own deadline, 0 none
    uint32_t try_timeout_ms
    uint32_t retries_left
    uint32_t retry_on
    uint32_t attempt
    uint32_t flags              # StreamFlag
    uint32_t body_kept          # bytes in kept
    Buf kept                    # request body for retries (or until the upstream is ready)
    Slice set_cookie
    Host *tried[8]
    uint32_t tried_count
    Stream *shadows             # mirrored copies that still run
    Stream *shadow_next
    void (*forget_shadows)(Stream *stream) noexcept nogil       # set with `shadows`
    Stream *next                # pool queue, free list
    Stream *previous
    Stream *younger             # the other requests of a multiplexed client connection
    Stream *older
    Stream *younger_up          # the other requests of a multiplexed upstream connection
    Stream *older_up
    void *rpc                   # RpcExchange, in the arena
    H1BodyDecoder body          # of the request (HTTP/1.1 downstream)
    Buf line                    # its unfinished trailer line; HTTP/2 downstream: request bytes that are held back
    void *down_stream           # H2Stream, NULL when it is gone
    void *up_stream             # likewise, of this attempt
    Buf up_rest                 # of the response, while it is held back (HTTP/2 upstream)
    uint8_t down_end            # what follows `line` (HTTP/2 downstream): 0 more, 1 the end, 2 trailers
    uint8_t up_end              # what follows `up_rest`
    uint64_t upstream_start_us
    uint8_t upstream_was_used   # this attempt's connection had served before


# -- connections

cdef enum H1ServerState:
    SERVER_HEAD = 0             # between requests, or inside a head
    SERVER_BODY                 # inside a request's body
    SERVER_ANSWER               # the request is complete, its answer is not
    SERVER_TUNNEL
    SERVER_CLOSING              # nothing more is read


cdef struct H1Server:
    Conn conn                   # first
    Proxy *proxy
    ListenerRuntime *listener
    HttpManager *manager        # valid while `generation` is the snapshot's
    Listener *config
    FilterChain *chain
    Stream *stream
    H1HeadParser parser
    const char *protocol        # Accepted.protocol
    Address *direct_remote      # NULL: it is `remote` (no PROXY header said otherwise)
    Address remote
    Address local
    uint64_t id
    uint64_t opened_us
    uint64_t since_ms           # when it became idle, or (headers_timer) when the unfinished head began
    uint32_t generation
    uint32_t requests
    uint32_t idle_ms
    uint32_t max_ms             # longest life; 0 none
    uint8_t state
    uint8_t response_body       # how the response is framed: H1BodyKind
    uint8_t closing             # no further request on this connection
    uint8_t headers_timer
    H1Server *next              # all connections of the worker
    H1Server *previous
    uint32_t stats              # of the manager, kept for close
    uint32_t gauges
    uint32_t listener_stats
    uint32_t listener_gauges
    uint32_t listener_limit_row
    uint32_t box_limit_row
    uint32_t manager_histogram
    uint8_t draining
    uint8_t remote_closed
    uint8_t gone                # counted out


cdef enum H1ClientState:
    CLIENT_CONNECTING = 0
    CLIENT_IDLE
    CLIENT_BUSY
    CLIENT_TUNNEL
    CLIENT_CLOSED


cdef struct H1Client:
    Conn conn                   # first
    Proxy *proxy
    Host *host
    Cluster *cluster            # of the snapshot that made it; only numbers below outlive it
    Stream *stream              # NULL: idle or connecting
    H1HeadParser parser
    H1BodyDecoder body
    Buf line
    H1Client *next              # idle list of the host
    H1Client *previous
    uint64_t opened_us
    uint64_t idle_since_ms
    uint32_t requests
    uint32_t max_requests
    uint32_t idle_ms
    uint32_t max_ms             # longest life; 0 none
    uint32_t stats
    uint32_t gauges
    uint32_t histograms
    uint32_t limit_row
    uint8_t state
    uint8_t request_body        # how the request is framed: H1BodyKind
    uint8_t request_done
    uint8_t response_done
    uint8_t keep                # may be pooled after this exchange
    uint8_t proper_case
    uint8_t counted             # the connection limit's slot is held
    uint8_t splicing
    uint8_t remote_closed       # the upstream ended the connection
    Pipe pipe


cdef struct HostPool:
    # Host.cluster_runtime: what one worker has towards one host.
    Host *host
    H1Client *idle
    Stream *waiting             # oldest first
    Stream *waiting_last
    uint32_t waiting_count
    uint32_t connecting
    uint32_t connections        # of every protocol
    void *rpc                   # RpcPool list: the multiplexed ones
    void *h2                    # H2Pool


# -- the whole

cdef struct Proxy:
    Engine *engine
    Snapshot *snapshot
    Region *region
    Limits limits
    ListenerRuntime *listeners
    H1Server *servers           # every client connection that speaks HTTP/1
    void *waiting               # every connection whose listener filters are not done
    void *sessions              # every TCP session
    void *h2_servers            # every client connection that speaks HTTP/2
    uint32_t h2_stats           # of all HTTP/2 connections to clients
    uint32_t h2_gauges
    void *rpc_servers           # every client connection that speaks an RPC protocol
    Stream *free_streams
    uint32_t free_stream_count
    uint32_t connections        # clients'
    uint64_t next_connection_id
    uint32_t worker
    uint32_t draining
    uint64_t drain_deadline_ms
    char date[32]               # IMF-fixdate of date_second
    uint64_t date_second
    uint32_t server_stats
    uint32_t server_gauges
    Host *retired               # hosts that no snapshot names any more; pushed by the main thread
    void (*upstream_free)(H1Client *client) noexcept nogil      # set by pool: the exchange is over
    void (*upstream_gone)(H1Client *client) noexcept nogil      # set by pool: the connection is closed
    void (*upstream_connected)(H1Client *client) noexcept nogil
    void (*upstream_failed)(H1Client *client, int reason, int error) noexcept nogil
    void (*rpc_retire)(HostPool *pool) noexcept nogil           # set by rpc_pool: the host is going
    void (*rpc_free)(HostPool *pool) noexcept nogil             # set by rpc_pool: the host is gone
    void (*h2_acquire)(Stream *stream) noexcept nogil           # set by h2_pool, for clusters that speak HTTP/2
    void (*h2_forget)(Stream *stream) noexcept nogil
    void (*h2_retire)(HostPool *pool) noexcept nogil            # set by h2_pool, as for rpc
    void (*h2_free)(HostPool *pool) noexcept nogil
    void (*host_unused)(Proxy *proxy, HostPool *pool) noexcept nogil    # set by pool: look whether it can go now
