# The structs that routing, balancing, formatting and the stream share.  Functions are declared in the modules
# that implement them; structs stand here together because they point at one another.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, Slice


cdef struct Regex:
    void *re2                   # re2::RE2 *


cdef struct FormatStep:
    uint16_t op                 # private to format.pyx
    uint16_t flags
    uint32_t max_len            # 0 = no limit
    Slice text                  # literal, or first argument (a lower-case header name, a strftime format ...)
    Slice alternative           # second argument (%REQ(A?B)%)
    uint16_t id
    uint16_t alternative_id
    uint8_t pseudo              # of text and alternative, when they name pseudo headers
    uint8_t alternative_pseudo
    uint32_t first              # numbers whose meaning depends on op: offsets into RequestInfo, a mask, a count
    uint32_t second


cdef struct Format:
    FormatStep *steps
    uint32_t count
    bint json                   # a JSON line: values are escaped and typed


cdef struct Host:
    # -- what it is
    uint8_t socket_address[128]     # struct sockaddr
    uint32_t socket_address_len
    Slice address                   # text, "1.2.3.4:80"
    Slice hostname
    uint32_t weight
    uint8_t priority
    uint8_t health                  # 0 healthy, 1 degraded, 2 unhealthy, 3 draining
    uint8_t retired                 # no snapshot names it any more: close its idle connections
    uint8_t dynamic                 # made by the engine for ORIGINAL_DST
    uint32_t references             # connections and snapshots that hold it (engine thread)
    # -- this worker's state
    uint32_t active_requests
    uint32_t active_connections
    void *idle                      # first idle upstream connection (newest first); owned by pool.pyx
    uint32_t idle_count
    void *cluster_runtime           # private to pool.pyx
    # -- statistics of the host (Envoy /clusters): bases of its blocks in shared memory, 0 none
    uint32_t stats
    uint32_t gauges
    Host *next                      # free use by the registry


cdef struct LoadBalancer:
    uint8_t policy                  # private to balance.pyx
    void *state


cdef struct Breaker:
    uint32_t max_connections
    uint32_t max_pending
    uint32_t max_requests
    uint32_t max_retries
    double retry_budget_percent     # 0 none
    uint32_t min_retry_concurrency
    uint32_t index                  # row of the shared limit table


cdef enum ClusterType:
    CLUSTER_STATIC = 0
    CLUSTER_STRICT_DNS, CLUSTER_LOGICAL_DNS, CLUSTER_ORIGINAL_DST, CLUSTER_EDS


cdef struct Cluster:
    Slice name
    Slice stat_name
    uint8_t type                    # ClusterType
    uint8_t protocol                # 1 http1, 2 http2, 0 tcp
    uint8_t proxy_protocol          # 0 none, 1, 2: header to write after connecting
    uint8_t proper_case
    uint8_t tcp_keepalive
    uint32_t connect_timeout_ms
    uint32_t idle_timeout_ms
    uint32_t max_connection_duration_ms
    uint32_t max_requests_per_connection
    uint32_t buffer_limit
    uint32_t h2_max_streams         # of protocol 2: on one connection
    uint32_t h2_stream_window
    uint32_t h2_connection_window
    uint32_t h2_table_size
    uint32_t stats                  # bases in shared memory
    uint32_t gauges
    uint32_t histograms
    Breaker breakers[2]             # default, high
    Host **hosts
    uint32_t host_count
    uint8_t bind_address[128]       # struct sockaddr; length 0 none
    uint32_t bind_address_len
    Slice original_dst_header
    LoadBalancer lb
    double panic_threshold          # percent


cdef struct PickContext:
    uint64_t hash
    bint has_hash
    uint64_t *random                # xorshift state of the engine
    Host **tried                    # hosts already tried by this request
    uint32_t tried_count
    uint32_t attempts               # host_selection_retry_max_attempts; with previous_hosts only


cdef struct HeaderOp:
    uint8_t kind                # private: append, add, overwrite, replace, remove
    uint8_t keep_empty
    uint16_t id
    Slice name
    Format *format              # NULL for a literal
    Slice literal


cdef struct HeaderOps:
    HeaderOp *items
    uint32_t count


cdef struct WeightedCluster:
    Cluster *cluster            # NULL: the name does not resolve
    Slice name
    uint32_t weight
    HeaderOps request_ops
    HeaderOps response_ops
    Slice host_rewrite


cdef enum RetryOn:
    RETRY_5XX = 1
    RETRY_GATEWAY_ERROR = 2
    RETRY_CONNECT_FAILURE = 4
    RETRY_RETRIABLE_4XX = 8
    RETRY_REFUSED_STREAM = 16
    RETRY_RETRIABLE_STATUS_CODES = 32
    RETRY_RETRIABLE_HEADERS = 64
    RETRY_RESET = 128
    RETRY_RESET_BEFORE_REQUEST = 256
    RETRY_ENVOY_RATELIMITED = 512
    RETRY_HTTP3_POST_CONNECT_FAILURE = 1024
    RETRY_GRPC_CANCELLED = 1 << 16
    RETRY_GRPC_DEADLINE_EXCEEDED = 1 << 17
    RETRY_GRPC_INTERNAL = 1 << 18
    RETRY_GRPC_RESOURCE_EXHAUSTED = 1 << 19
    RETRY_GRPC_UNAVAILABLE = 1 << 20


cdef struct Retry:
    uint32_t on                 # RetryOn bits
    uint32_t num_retries
    uint32_t per_try_timeout_ms
    uint32_t per_try_idle_timeout_ms
    uint32_t base_interval_ms
    uint32_t max_interval_ms
    uint32_t host_attempts
    bint previous_hosts
    uint16_t *status_codes
    uint32_t status_code_count
    void *retriable_headers     # private: header matchers
    uint32_t retriable_header_count
    void *retriable_request_headers
    uint32_t retriable_request_header_count


cdef enum RouteKind:
    ROUTE_NONE = 0              # non_forwarding_action
    ROUTE_CLUSTER
    ROUTE_REDIRECT
    ROUTE_DIRECT


cdef enum UpgradeState:
    UPGRADE_DEFAULT = 0         # the HTTP manager decides
    UPGRADE_ALLOWED
    UPGRADE_REFUSED
    UPGRADE_CONNECT             # CONNECT terminated here


cdef struct Mirror:
    Cluster *cluster
    uint32_t numerator          # 0 denominator: always
    uint32_t denominator


cdef struct Route:
    uint8_t kind                # RouteKind
    uint8_t priority            # 0 default, 1 high
    uint8_t include_attempt_count           # x-envoy-attempt-count to the upstream
    uint8_t include_attempt_count_response
    uint8_t append_x_forwarded_host
    uint8_t auto_host_rewrite   # Stream sets :authority from the host's hostname once picked
    Slice name
    Slice virtual_host
    # ROUTE_CLUSTER
    WeightedCluster *clusters
    uint32_t cluster_count
    uint32_t total_weight
    uint16_t cluster_not_found_code
    int64_t timeout_ms          # 0 none
    int64_t idle_timeout_ms     # -1 the manager's
    int64_t max_stream_duration_ms          # -1 the manager's
    Retry *retry                # NULL none
    Mirror *mirrors
    uint32_t mirror_count
    # ROUTE_DIRECT and ROUTE_REDIRECT
    uint16_t status
    Slice body
    HeaderOps request_ops
    HeaderOps response_ops
    void *hidden                # private: match, rewrites, redirect, hash policy, upgrades


cdef struct RouteTable:
    void *hidden


cdef struct Address:
    # family AF_INET, AF_INET6 or AF_UNIX (0: not known); ip in network order (4 or 16 bytes), port in host order.
    # For AF_UNIX, unix_path is NUL-terminated text owned elsewhere ("" for an unnamed peer, "@name" for abstract).
    uint16_t family
    uint16_t port
    uint8_t ip[16]
    const char *unix_path


cdef enum ResponseFlag:
    # Envoy's response flags, bits of RequestInfo.response_flags.  Names and short forms: mosn/_fastpath/proxy/info.pyx.
    FLAG_LH = 1 << 0            # failed local health check
    FLAG_UH = 1 << 1            # no healthy upstream
    FLAG_UT = 1 << 2            # upstream request timeout
    FLAG_LR = 1 << 3            # local reset
    FLAG_UR = 1 << 4            # upstream remote reset
    FLAG_UF = 1 << 5            # upstream connection failure
    FLAG_UC = 1 << 6            # upstream connection termination
    FLAG_UO = 1 << 7            # upstream overflow
    FLAG_NR = 1 << 8            # no route found
    FLAG_DI = 1 << 9            # delay injected
    FLAG_FI = 1 << 10           # fault injected
    FLAG_RL = 1 << 11           # rate limited
    FLAG_UAEX = 1 << 12         # unauthorized external service
    FLAG_RLSE = 1 << 13
    FLAG_DC = 1 << 14           # downstream connection termination
    FLAG_URX = 1 << 15          # upstream retry limit exceeded
    FLAG_SI = 1 << 16           # stream idle timeout
    FLAG_IH = 1 << 17           # invalid Envoy request headers
    FLAG_DPE = 1 << 18          # downstream protocol error
    FLAG_UMSDR = 1 << 19        # upstream max stream duration reached
    FLAG_RFCF = 1 << 20
    FLAG_NFCF = 1 << 21
    FLAG_DT = 1 << 22           # duration timeout
    FLAG_UPE = 1 << 23          # upstream protocol error
    FLAG_NC = 1 << 24           # no cluster found
    FLAG_OM = 1 << 25           # overload manager
    FLAG_DF = 1 << 26           # DNS resolution failed
    FLAG_DO = 1 << 27           # drop overload
    FLAG_DR = 1 << 28           # downstream remote reset
    FLAG_UDO = 1 << 29          # unconditional drop overload
    FLAG_COUNT = 30


cdef enum Protocol:
    P_NONE = 0                  # TCP
    P_HTTP10, P_HTTP11, P_HTTP2, P_BOLT, P_DUBBO, P_XPROTOCOL


cdef struct RequestInfo:
    Arena *arena                # for text that must live as long as the request
    Head *request               # NULL for TCP
    Head *response              # NULL until there is one
    Head *trailers              # response trailers, or NULL
    Route *route                # NULL before routing and for TCP
    Cluster *cluster
    Host *host                  # the picked upstream host of the newest attempt
    Slice original_path         # path as it came, when the router changed it (else n = 0)
    Slice route_name
    Slice cluster_name
    Slice filter_chain_name
    Slice response_code_details
    Slice connection_termination_details
    Slice upstream_failure_reason
    Slice requested_server_name
    Slice request_id
    Slice listener_name
    Address remote              # after X-Forwarded-For / PROXY protocol
    Address direct_remote       # the socket's peer
    Address local               # the address the client connected to (original destination if restored)
    Address upstream_local
    uint64_t response_flags     # ResponseFlag bits
    uint64_t connection_id
    uint64_t bytes_received     # body bytes
    uint64_t bytes_sent
    uint64_t wire_received      # with heads
    uint64_t wire_sent
    uint64_t upstream_wire_received
    uint64_t upstream_wire_sent
    uint64_t start_wall_us      # time of day, microseconds since 1970
    # Monotonic microseconds; 0 = has not happened.  Durations are differences to start_us.
    uint64_t start_us
    uint64_t request_end_us     # last byte of the request was read
    uint64_t upstream_first_tx_us
    uint64_t upstream_last_tx_us
    uint64_t upstream_first_rx_us
    uint64_t upstream_last_rx_us
    uint64_t downstream_first_tx_us
    uint64_t end_us             # the request is over (logs only)
    uint64_t random             # one per request; fractions and weighted picks use it
    uint64_t hash               # of the hash policy
    uint32_t attempts           # upstream attempts so far
    uint16_t response_code      # 0: none was sent
    uint8_t protocol            # Protocol of the client
    uint8_t has_hash
    uint8_t is_internal         # x-envoy-internal decision
    uint8_t tls                 # the client came over TLS
