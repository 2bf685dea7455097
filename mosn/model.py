"""The snapshot: configuration as the fast path takes it.

A snapshot is a plain tree of dicts, lists, strings, numbers and booleans (so that msgpack carries it), made by
`mosn.config` in the controller and compiled by `mosn._fastpath` in each worker.  It is complete and immutable:
every default is already filled in, every duration is a whole number of milliseconds (0 = none/disabled unless a
field says otherwise), every name in it resolves or the route that uses it says what is answered instead.

These TypedDicts are the contract between the two sides.  Nothing here imports anything of ours.
Field names follow Envoy's v3 API where the field exists there.
"""

from __future__ import annotations

from typing import Literal, NotRequired, TypedDict

SNAPSHOT_FORMAT = 1
"""Bumped when an old worker could misread a new snapshot."""


class StringMatcher(TypedDict):
    """Envoy `type.matcher.v3.StringMatcher`; `regex` is RE2 and must match the whole value."""

    kind: Literal["exact", "prefix", "suffix", "contains", "regex"]
    value: str
    ignore_case: bool


class HeaderMatcher(TypedDict):
    """Envoy `config.route.v3.HeaderMatcher`.

    `present`: value of `present_match` (only for kind "present").  `range` is [start, end).
    """

    name: str  # lower case; pseudo headers as ":method", ":path", ":authority", ":scheme"
    kind: Literal["present", "string", "range"]
    present: bool
    string: StringMatcher | None
    range_start: int
    range_end: int
    invert: bool
    treat_missing_as_empty: bool


class QueryMatcher(TypedDict):
    """Envoy `config.route.v3.QueryParameterMatcher`; `string` None means "is present", or is not."""

    name: str
    present: bool  # False: it must not be there (present_match: false)
    string: StringMatcher | None


class PathMatcher(TypedDict):
    kind: Literal["prefix", "path", "path_separated_prefix", "regex", "connect"]
    value: str
    case_sensitive: bool


class Fraction(TypedDict):
    """Matches when a per-request random number below `denominator` is below `numerator`."""

    numerator: int
    denominator: Literal[100, 10_000, 1_000_000]


class RouteMatch(TypedDict):
    path: PathMatcher
    headers: list[HeaderMatcher]
    query: list[QueryMatcher]
    grpc: bool
    fraction: Fraction | None


class HeaderOp(TypedDict):
    """One header change.  `value` is an Envoy format string (`%REQ(x)%` ...), "" for remove.

    append: add another value; add: only if absent; overwrite: replace or add; replace: only if it exists.
    """

    op: Literal["append", "add", "overwrite", "replace", "remove"]
    name: str  # lower case
    value: str
    keep_empty: bool


class RegexRewrite(TypedDict):
    pattern: str
    substitution: str  # RE2 form: \1 ... \9, \0 the whole match


class HostRewrite(TypedDict):
    """literal: `value` is the host; header: `value` names a request header; auto: the picked host's
    hostname; path_regex: `regex` is applied to the path without query and its result is the host."""

    kind: Literal["literal", "header", "auto", "path_regex"]
    value: str
    regex: RegexRewrite | None


class WeightedCluster(TypedDict):
    name: str
    weight: int
    request_header_ops: list[HeaderOp]
    response_header_ops: list[HeaderOp]
    host_rewrite: str  # "" = none


class RetryPolicy(TypedDict):
    """Envoy `config.route.v3.RetryPolicy` with defaults filled in."""

    retry_on: list[str]  # Envoy's names: "5xx", "connect-failure", "retriable-status-codes", ...
    num_retries: int
    per_try_timeout_ms: int
    per_try_idle_timeout_ms: int
    retriable_status_codes: list[int]
    retriable_headers: list[HeaderMatcher]
    retriable_request_headers: list[HeaderMatcher]
    base_interval_ms: int  # 25
    max_interval_ms: int  # 250
    previous_hosts: bool  # envoy.retry_host_predicates.previous_hosts
    host_selection_retry_max_attempts: int


class HashPolicy(TypedDict):
    """kind header: `name`, optional `regex`; cookie: `name`, `ttl_ms` (-1: do not make one), `path`;
    source_ip; query: `name`.  `terminal` stops when this one gave a value."""

    kind: Literal["header", "cookie", "source_ip", "query"]
    name: str
    regex: RegexRewrite | None
    ttl_ms: int
    path: str
    terminal: bool


class Mirror(TypedDict):
    cluster: str
    fraction: Fraction | None


class Upgrade(TypedDict):
    """`type` is lower case: "websocket", "connect", ..."""

    type: str
    enabled: bool
    connect: bool  # CONNECT is terminated here (connect_config): the payload goes to the upstream as TCP


class BridgeParameter(TypedDict):
    """A parameter of a Java method."""

    name: str  # "": told by its place only
    type: str  # as Class.getName says it
    kind: str  # "int", "string", "list", ...: mosn._fastpath.codec.json_hessian.JavaKind
    element: str  # kind of a list's elements or a map's values
    primitive: bool
    wire: str  # what stands in front of a list or map on the wire; "" nothing


class RpcBridge(TypedDict):
    """`mosn.protocol.v1.RpcBridge`, defaults filled in: HTTP and JSON to a Java service."""

    protocol: Literal["bolt", "dubbo"]
    bolt_version: int  # 1, 2
    service: str  # "": from the path
    method: str
    version: str
    group: str
    parameters: list[BridgeParameter]
    any_parameters: bool  # none are declared: the provider knows them
    descriptors: str  # of all parameters: "Ljava/lang/String;I"
    generic: bool  # Dubbo's $invoke
    class_names: bool
    forward_headers: list[str]
    max_request_bytes: int  # 1 MiB
    max_response_bytes: int  # 16 MiB
    upstream_connections: int  # 1; to one host, from one worker
    heartbeat_interval_ms: int  # 15_000
    heartbeat_timeout_ms: int
    heartbeat_failures: int


class RouteAction(TypedDict):
    clusters: list[WeightedCluster]  # one entry with weight 1 for a plain `cluster`
    total_weight: int
    cluster_header: str  # "" = none; then `clusters` is empty
    cluster_not_found_response_code: int
    prefix_rewrite: str
    prefix_rewrite_set: bool
    regex_rewrite: RegexRewrite | None
    host_rewrite: HostRewrite | None
    append_x_forwarded_host: bool
    timeout_ms: int  # 15000 when unset; 0 none
    idle_timeout_ms: int  # -1: the HTTP manager's stream_idle_timeout
    max_stream_duration_ms: int  # -1: the HTTP manager's
    retry_policy: RetryPolicy | None
    hash_policy: list[HashPolicy]
    priority: Literal["default", "high"]
    mirrors: list[Mirror]
    upgrades: list[Upgrade]
    bridge: RpcBridge | None  # the cluster speaks an RPC protocol; None: HTTP


class Redirect(TypedDict):
    """Envoy `RedirectAction`; "" and 0 mean "keep"."""

    https_redirect: bool
    scheme_redirect: str
    host_redirect: str
    port_redirect: int
    path_redirect: str
    prefix_rewrite: str
    prefix_rewrite_set: bool
    regex_rewrite: RegexRewrite | None
    response_code: Literal[301, 302, 303, 307, 308]
    strip_query: bool


class DirectResponse(TypedDict):
    status: int
    body: bytes


class Fault(TypedDict):
    """Envoy `extensions.filters.http.fault.v3.HTTPFault`.  Shares are of a million requests."""

    delay_ms: int
    delay_share: int
    delay_by_header: bool  # x-envoy-fault-delay-request
    abort_status: int
    abort_share: int
    abort_by_header: bool  # x-envoy-fault-abort-request
    cluster: str  # "": any
    headers: list[HeaderMatcher]


class Route(TypedDict):
    """Exactly one of `action`, `redirect`, `direct_response` is set; none is `non_forwarding_action`."""

    name: str
    match: RouteMatch
    action: RouteAction | None
    redirect: Redirect | None
    direct_response: DirectResponse | None
    # Already flattened and in the order in which they are applied (route, virtual host, table; or the
    # reverse when most_specific_header_mutations_wins).  A weighted cluster's own ops come first.
    request_header_ops: list[HeaderOp]
    response_header_ops: list[HeaderOp]
    include_request_attempt_count: bool
    include_attempt_count_in_response: bool
    fault: Fault | None
    stats: NotRequired[int]


class VirtualHost(TypedDict):
    name: str
    domains: list[str]  # lower case
    require_tls: Literal["none", "external_only", "all"]
    routes: list[Route]


class RouteTable(TypedDict):
    name: str
    virtual_hosts: list[VirtualHost]
    ignore_port_in_host_matching: bool


class Host(TypedDict):
    """An endpoint.  `address` is "1.2.3.4:80", "[::1]:80" or "unix:/path" (never a name to resolve)."""

    address: str
    hostname: str  # for auto host rewrite; "" if none
    weight: int  # 1..
    priority: int  # 0..127
    health: Literal["healthy", "unhealthy", "draining", "degraded"]
    region: str
    zone: str
    sub_zone: str
    metadata: dict[str, str]  # envoy.lb, values as text
    stats: int  # base of mosn._fastpath.shm.stats.HOST_COUNTERS; scope "host.CLUSTER.ADDRESS"
    gauges: int


class CircuitBreaker(TypedDict):
    max_connections: int  # 1024
    max_pending_requests: int  # 1024
    max_requests: int  # 1024
    max_retries: int  # 3
    retry_budget_percent: float  # 0 = none; replaces max_retries
    min_retry_concurrency: int
    index: int  # row in the shared limit table (mosn._fastpath.shm.limits)


class LoadBalancing(TypedDict):
    policy: Literal["round_robin", "least_request", "random", "ring_hash", "maglev", "original_dst"]
    choice_count: int  # least_request; 2
    active_request_bias: float  # least_request with weights; 1.0
    minimum_ring_size: int  # ring_hash; 1024
    maximum_ring_size: int  # ring_hash; 8 Mi
    hash_function: Literal["xx_hash", "murmur_hash_2"]
    table_size: int  # maglev; 65537
    use_hostname_for_hashing: bool
    hash_balance_factor: int  # bounded load in percent, 0 = off
    healthy_panic_threshold: float  # percent; 50
    original_dst_header: str  # "" = none; e.g. "x-envoy-original-dst-host"


class Cluster(TypedDict):
    name: str
    stat_name: str  # alt_stat_name or name
    type: Literal["static", "strict_dns", "logical_dns", "original_dst", "eds"]
    hosts: list[Host]
    lb: LoadBalancing
    connect_timeout_ms: int  # 5000
    circuit_breakers: dict[Literal["default", "high"], CircuitBreaker]
    idle_timeout_ms: int  # 3_600_000; of pooled upstream connections
    max_connection_duration_ms: int
    max_requests_per_connection: int  # 0 = no limit
    per_connection_buffer_limit_bytes: int  # 1 MiB
    protocol: Literal["http1", "http2", "tcp"]
    http2: Http2Options
    proxy_protocol: Literal["", "v1", "v2"]  # header sent to the upstream
    bind_address: str  # "" = any
    tcp_keepalive: bool
    header_casing: Literal["lower", "proper"]
    stats: int  # base of its counter block (mosn._fastpath.shm.stats.CLUSTER_COUNTERS)
    gauges: int
    histogram: int  # upstream_rq_time; then upstream_cx_connect_ms and upstream_cx_length_ms follow


class AccessLogFilter(TypedDict):
    """A tree.  kinds: status (op,value), duration (op,value), header (matcher), flags (values), not_health_check,
    fraction, and, or (children).  op is "eq", "ge", "le" or "ne"."""

    kind: Literal["status", "duration", "header", "flags", "not_health_check", "fraction", "and", "or"]
    op: NotRequired[Literal["eq", "ge", "le", "ne"]]
    value: NotRequired[int]
    header: NotRequired[HeaderMatcher]
    flags: NotRequired[list[str]]
    fraction: NotRequired[Fraction]
    children: NotRequired[list[AccessLogFilter]]


class AccessLog(TypedDict):
    """A log that workers write records for.  The controller owns the file: `sink` is its number there.

    Workers format the line (format strings are compiled once) and put it into their record ring."""

    sink: int
    format: str  # text format with a final newline, or "" when json is set
    json: list[tuple[str, object]] | None  # (key, format); also dicts, lists, numbers, booleans and None of JSON
    omit_empty_values: bool
    filter: AccessLogFilter | None


class LogSink(TypedDict):
    """Where a sink number goes: a file path, "/dev/stdout" or "/dev/stderr"."""

    path: str


class TcpProxy(TypedDict):
    stat_prefix: str
    clusters: list[WeightedCluster]
    total_weight: int
    idle_timeout_ms: int  # 3_600_000
    max_connect_attempts: int  # 1
    max_downstream_connection_duration_ms: int
    hash_source_ip: bool
    access_logs: list[AccessLog]
    stats: int
    gauges: int


class Http2Options(TypedDict):
    """What we let the other side do; what it lets us do, it says itself."""

    max_concurrent_streams: int  # 1024
    initial_stream_window_size: int  # 256 KiB
    initial_connection_window_size: int  # 1 MiB
    hpack_table_size: int  # 4096


class HttpManager(TypedDict):
    """Envoy HttpConnectionManager, defaults filled in."""

    stat_prefix: str
    codec: Literal["auto", "http1", "http2"]
    route_table: str  # name in Snapshot.route_tables
    server_name: str
    server_header: Literal["overwrite", "append_if_absent", "pass_through"]
    via: str
    add_user_agent: bool
    use_remote_address: bool
    xff_num_trusted_hops: int
    skip_xff_append: bool
    append_x_forwarded_port: bool
    generate_request_id: bool
    preserve_external_request_id: bool
    always_set_request_id_in_response: bool
    normalize_path: bool
    merge_slashes: bool
    path_with_escaped_slashes: Literal["keep", "reject", "unescape_redirect", "unescape_forward"]
    strip_port: Literal["none", "matching", "any"]
    strip_trailing_host_dot: bool
    accept_http_10: bool
    default_host_for_http_10: str
    header_casing: Literal["lower", "proper"]
    headers_with_underscores: Literal["allow", "reject", "drop"]
    max_request_headers_bytes: int  # 60 KiB
    max_headers_count: int  # 100
    max_requests_per_connection: int  # 0 = no limit
    idle_timeout_ms: int  # 3_600_000
    max_connection_duration_ms: int
    stream_idle_timeout_ms: int  # 300_000
    request_timeout_ms: int
    request_headers_timeout_ms: int
    max_stream_duration_ms: int
    delayed_close_timeout_ms: int  # 1000
    drain_timeout_ms: int  # 5000
    http2: Http2Options
    upgrades: list[Upgrade]
    proxy_100_continue: bool
    suppress_envoy_headers: bool  # router filter
    respect_expected_rq_timeout: bool
    start_child_span: bool
    access_logs: list[AccessLog]
    stats: int  # base of mosn._fastpath.shm.stats.HTTP_COUNTERS
    gauges: int
    histogram: int  # downstream_rq_time, downstream_cx_length_ms


class WireNumber(TypedDict):
    """fixed: `width` bytes, `little` first or last; varint, zigzag: base 128; jce: Tars' with `tag`."""

    type: Literal["fixed", "varint", "zigzag", "jce"]
    width: int
    little: bool
    tag: int


class DeclaredCondition(TypedDict):
    """(value & mask) == wanted; mask 0: the field is there (wanted 1) or not (0).  `either`: this or the next."""

    field: int
    mask: int
    wanted: int
    either: bool


class DeclaredField(TypedDict):
    """One field of a frame, in the order of the wire.  Fields are named by their index; -1 is none.

    size: fixed (`plus`), prefix (`number` before it), field (an earlier field's value * times + plus), rest (what is
    left but for `plus` bytes).  `allowed`: other values are not the protocol."""

    type: Literal["number", "bytes", "sum", "headers", "tagged"]
    number: WireNumber | None
    value_number: WireNumber | None  # headers as pairs
    count_number: WireNumber | None
    size: Literal["fixed", "prefix", "field", "rest"]
    size_field: int  # of a sum: how many numbers
    times: int
    plus: int
    format: Literal["", "pairs", "lines", "theader", "protobuf", "jce"]  # of headers and tagged blocks
    tag: int  # the field's number in a tagged block
    needs: int  # a tagged block: it is there only when it has a field of this number; 0 any
    parent: int  # that block
    when: list[DeclaredCondition]
    allowed: list[DeclaredCondition]


class DeclaredKind(TypedDict):
    """`code` 0: what the status says."""

    kind: Literal["request", "oneway", "response", "heartbeat", "heartbeat_answer", "goaway", "event"]
    code: int
    when: list[DeclaredCondition]


class DeclaredPiece(TypedDict):
    """Of a frame that is made here.  `bytes` is hexadecimal; size counts all up to its end, and `plus`;
    text with `plus` has no quotes, so that it fits a string of JSON."""

    type: Literal["bytes", "id", "text", "status", "copy", "size", "end", "crc32"]
    bytes: str
    number: WireNumber | None
    field: int
    plus: int


class DeclaredSource(TypedDict):
    """Where a name comes from: this header, else this field, else these words."""

    header: str
    field: int
    otherwise: str


class Declaration(TypedDict):
    """An RPC protocol that is described (docs/reference/protocol-declarations.md), names resolved to indexes."""

    name: str
    fields: list[DeclaredField]
    kinds: list[DeclaredKind]
    ids: list[int]
    id_mask: int
    length: int  # the field that tells the frame's length: value * length_times + length_plus
    length_times: int
    length_plus: int
    timeout: int
    timeout_unit_ms: int
    status: int
    bodies: list[int]  # the first that is there
    headers: int
    checksum: int  # CRC-32 of all before it
    service: DeclaredSource
    method: DeclaredSource
    separator: str  # a method with it in is service, separator, method
    exposed: list[tuple[str, int]]  # header name, field
    statuses: list[tuple[int, int]]  # status, HTTP's code
    other_code: int
    errors: list[tuple[int, int]]  # status, HTTP's code
    other_error: int
    reply: list[DeclaredPiece]
    heartbeat: list[DeclaredPiece]  # empty: there are none
    heartbeat_answer: list[DeclaredPiece]


class RpcManager(TypedDict):
    """`mosn.rpc_proxy.v1.RpcProxy`, defaults filled in: an RPC protocol of length-framed, multiplexed messages."""

    protocol: str  # a name of mosn._fastpath.codec.frames.protocols(), or the declaration's
    declaration: Declaration | None
    stat_prefix: str
    route_table: str  # name in Snapshot.route_tables
    max_frame_bytes: int  # 16 MiB; head and body
    max_headers_count: int  # 256
    max_concurrent_requests: int  # 4096 on one client connection; then it is not read
    upstream_connections: int  # 1; to one host, from one worker
    upstream_connection_mode: Literal["shared", "per_client"]
    reads_path: bool  # something looks at :path
    reads_headers: bool  # something looks at, or changes, the headers of requests
    idle_timeout_ms: int  # 90_000; of a client connection without a frame, heartbeats count
    max_stream_duration_ms: int
    heartbeat_interval_ms: int  # 15_000; upstream connections that are silent for so long are asked; 0 never
    heartbeat_timeout_ms: int  # 5_000
    heartbeat_failures: int  # 3
    access_logs: list[AccessLog]
    stats: int  # base of mosn._fastpath.shm.stats.HTTP_COUNTERS; scope "rpc.STAT_PREFIX"
    gauges: int
    histogram: int


class PrefixRange(TypedDict):
    address: str
    prefix_len: int


class FilterChainMatch(TypedDict):
    destination_port: int  # 0 = any
    prefix_ranges: list[PrefixRange]
    server_names: list[str]
    transport_protocol: str
    application_protocols: list[str]
    direct_source_prefix_ranges: list[PrefixRange]
    source_type: Literal["any", "same_ip_or_loopback", "external"]
    source_prefix_ranges: list[PrefixRange]
    source_ports: list[int]


class FilterChain(TypedDict):
    """`kind` says which of `http`, `tcp` and `rpc` is set."""

    name: str
    match: FilterChainMatch | None
    kind: Literal["http", "tcp", "rpc"]
    http: HttpManager | None
    tcp: TcpProxy | None
    rpc: RpcManager | None


class Listener(TypedDict):
    name: str
    address: str  # "0.0.0.0:80", "[::]:80", "unix:/path", "unix:@abstract"
    bind_to_port: bool
    ipv4_compat: bool
    freebind: bool
    transparent: bool
    backlog: int
    mode: int  # permission bits of a unix socket, 0 = default
    use_original_dst: bool  # hand the connection to the listener that its original destination names
    original_dst_filter: bool  # listener filter original_dst: the local address becomes SO_ORIGINAL_DST
    proxy_protocol: bool  # listener filter proxy_protocol: v1 and v2 accepted
    proxy_protocol_optional: bool  # allow_requests_without_proxy_protocol
    tls_inspector: bool
    http_inspector: bool
    protocol_inspector: list[str]  # RPC protocols to tell by their first bytes, in the order in which they are asked
    http_inspector_stats: int  # bases of HTTP_INSPECTOR_COUNTERS ...; 0 where there is no such filter
    tls_inspector_stats: int
    protocol_inspector_stats: int
    listener_filters_timeout_ms: int  # 15000; 0 none
    continue_on_listener_filters_timeout: bool
    per_connection_buffer_limit_bytes: int  # 1 MiB
    max_connections: int  # 0 = no limit
    limit_row: int  # in the shared limit table
    filter_chains: list[FilterChain]
    default_filter_chain: FilterChain | None
    access_logs: list[AccessLog]
    stats: int
    gauges: int
    histogram: int


class StatsScope(TypedDict):
    kind: str  # a key of mosn._fastpath.shm.stats.NAMES, or "limit", whose counters is the row
    counters: int
    gauges: int
    histograms: int


class Snapshot(TypedDict):
    format: int  # SNAPSHOT_FORMAT
    version: str  # shown to people: file digest or xDS versions
    listeners: list[Listener]
    route_tables: dict[str, RouteTable]
    clusters: dict[str, Cluster]
    log_sinks: list[LogSink]
    max_downstream_connections: int  # per box; 0 = no limit
    downstream_limit_row: int
    max_heap_bytes: int  # 0 = no limit
    # Every block of statistics there ever was in this run, so that numbers keep their place over reloads:
    # scope ("cluster.a", "http.ingress", "listener.127.0.0.1_80", "tcp.db") -> its bases in shared memory.
    stats_scopes: dict[str, StatsScope]
    admin_address: str  # "127.0.0.1:9901", "unix:/path" or ""
    node_id: str
    node_cluster: str
