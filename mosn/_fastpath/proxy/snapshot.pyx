"""Compiling a snapshot into tables (see snapshot.pxd).  Runs on the worker's main thread.

Everything that the engine will read is in C memory that the SnapshotObject owns, or in objects that it keeps alive:
clusters, route tables, access logs.  What is equal to the running snapshot's is taken over, so that a push which
changes one cluster compiles one cluster.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.codec.declared_make cimport declared_codec
from mosn._fastpath.codec.frame cimport SKIP_HEADERS, SKIP_PATH, FrameCodec
from mosn._fastpath.codec.frames cimport frame_codec
from mosn._fastpath.codec.h2 cimport h2_default_config
from mosn._fastpath.engine.system cimport AF_INET6
from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.cluster cimport ClusterObject
from mosn._fastpath.proxy.detect cimport detect_compile
from mosn._fastpath.proxy.info cimport address_parse_ip
from mosn._fastpath.proxy.log cimport AccessLogs, AccessLogsObject
from mosn._fastpath.proxy.route cimport RouteTableObject
from mosn._fastpath.proxy.runtime cimport (
    ChainMatch, FilterChain, HttpManager, Listener, PrefixRange, RpcManager, Snapshot, TcpProxy, UpgradeConfig,
)
from mosn._fastpath.proxy.types cimport P_BOLT, P_DUBBO, P_XPROTOCOL, Address, Cluster, WeightedCluster


FORMAT = 1
SERVER_HEADER = {"overwrite": 0, "append_if_absent": 1, "pass_through": 2}
CODECS = {"auto": 0, "http1": 1, "http2": 2}
UNDERSCORES = {"allow": 0, "reject": 1, "drop": 2}
STRIP_PORT = {"none": 0, "matching": 1, "any": 2}
ESCAPED_SLASHES = {"keep": 0, "reject": 1, "unescape_redirect": 2, "unescape_forward": 3}
PROTOCOLS = {"bolt": P_BOLT, "dubbo": P_DUBBO}
SOURCE_TYPE = {"any": 0, "same_ip_or_loopback": 1, "external": 2}


cdef int order(Slice a, Slice b) noexcept nogil:
    cdef int difference = memcmp(a.p, b.p, a.n if a.n < b.n else b.n)
    if difference:
        return difference
    return <int>a.n - <int>b.n


cdef Cluster *snapshot_cluster(const Snapshot *snapshot, Slice name) noexcept nogil:
    cdef uint32_t low = 0
    cdef uint32_t high = snapshot.cluster_count
    cdef uint32_t middle
    cdef int said
    while low < high:
        middle = (low + high) // 2
        said = order(name, snapshot.clusters[middle].name)
        if said == 0:
            return snapshot.clusters[middle]
        if said < 0:
            high = middle
        else:
            low = middle + 1
    return NULL


def parse_bound(str text):
    """("1.2.3.4", 80) of "1.2.3.4:80" or "[::1]:80"; None for unix sockets."""
    if text.startswith("unix:"):
        return None
    host, _, port = text.rpartition(":")
    return host.strip("[]"), int(port)


cdef class SnapshotObject:
    def __cinit__(self, dict spec not None, SnapshotObject previous, registry):
        if spec["format"] != FORMAT:
            raise ValueError(f"snapshot format {spec['format']} is not {FORMAT}: "
                             "controller and worker differ in version")
        self._keep = []
        self._blocks = []
        self.spec = spec
        self.version = spec["version"]
        self.compile_clusters(previous, registry)
        self.compile_routes(previous)
        self.compile_listeners()
        self.snapshot.max_connections = spec["max_downstream_connections"]
        self.snapshot.limit_row = spec["downstream_limit_row"]
        self.snapshot.owner = <void *>self

    def __dealloc__(self):
        cdef size_t block
        if self._blocks is not None:
            for block in self._blocks:
                free(<void *>block)

    # -- memory

    cdef void *take(self, size_t n) except NULL:
        cdef void *p = calloc(1, n if n else 1)
        if p == NULL:
            raise MemoryError
        self._blocks.append(<size_t>p)
        return p

    cdef Slice keep(self, str text):
        cdef bytes data = text.encode("utf-8", "surrogateescape")
        self._keep.append(data)
        return slice_of(<char *>data, len(data))

    # -- clusters and routes

    cdef int compile_clusters(self, SnapshotObject previous, registry) except -1:
        cdef ClusterObject cluster
        cdef dict known = previous.clusters if previous is not None else {}
        cdef uint32_t i
        self.clusters = {}
        for name, spec in self.spec["clusters"].items():
            before = known.get(name)
            if before is not None and before[0] == spec:
                self.clusters[name] = before
                continue
            try:
                self.clusters[name] = (spec, ClusterObject(spec, registry.hosts(spec)))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"cluster {name}: {error}") from error
        names = sorted(self.clusters, key=lambda name: name.encode("utf-8", "surrogateescape"))
        self.snapshot.cluster_count = len(names)
        self.snapshot.clusters = <Cluster **>self.take(len(names) * sizeof(Cluster *))
        for i, name in enumerate(names):
            cluster = self.clusters[name][1]
            self.snapshot.clusters[i] = cluster.cluster
        return 0

    cdef int compile_routes(self, SnapshotObject previous) except -1:
        cdef bint same = previous is not None and self.same_clusters(previous)
        cdef dict objects = {name: pair[1] for name, pair in self.clusters.items()}
        self.routes = {}
        for name, spec in self.spec["route_tables"].items():
            before = previous.routes.get(name) if same else None
            if before is not None and before[0] == spec:
                self.routes[name] = before
                continue
            try:
                self.routes[name] = (spec, RouteTableObject(spec, objects))
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"route table {name}: {error}") from error
        return 0

    cdef bint same_clusters(self, SnapshotObject previous):
        if self.clusters.keys() != previous.clusters.keys():
            return False
        return all(pair[1] is previous.clusters[name][1] for name, pair in self.clusters.items())

    cdef WeightedCluster *weighted(self, list specs) except NULL:
        cdef WeightedCluster *out = <WeightedCluster *>self.take(len(specs) * sizeof(WeightedCluster))
        cdef ClusterObject cluster
        cdef uint32_t i
        for i, spec in enumerate(specs):
            out[i].name = self.keep(spec["name"])
            out[i].weight = spec["weight"]
            pair = self.clusters.get(spec["name"])
            if pair is not None:
                cluster = pair[1]
                out[i].cluster = cluster.cluster
        return out

    # -- listeners

    cdef int compile_listeners(self) except -1:
        cdef list specs = self.spec["listeners"]
        cdef uint32_t i
        self.snapshot.listener_count = len(specs)
        self.snapshot.listeners = <Listener *>self.take(len(specs) * sizeof(Listener))
        for i, spec in enumerate(specs):
            try:
                self.compile_listener(&self.snapshot.listeners[i], spec)
            except (KeyError, TypeError, ValueError) as error:
                raise ValueError(f"listener {spec.get('name')}: {error}") from error
        return 0

    cdef int compile_listener(self, Listener *out, dict spec) except -1:
        cdef uint32_t i
        out.name = self.keep(spec["name"])
        out.address = self.keep(spec["address"])
        bound = parse_bound(spec["address"])
        if bound is not None:
            self.parse_ip(&out.bound, bound[0])
            out.bound.port = bound[1]
        out.use_original_dst = spec["use_original_dst"]
        out.original_dst_filter = spec["original_dst_filter"]
        out.proxy_protocol = spec["proxy_protocol"]
        out.proxy_protocol_optional = spec["proxy_protocol_optional"]
        out.protocols = <const FrameCodec **>self.take(len(spec["protocol_inspector"]) * sizeof(void *))
        detect_compile(out, spec)
        out.continue_on_timeout = spec["continue_on_listener_filters_timeout"]
        out.filters_timeout_ms = spec["listener_filters_timeout_ms"]
        out.buffer_limit = spec["per_connection_buffer_limit_bytes"]
        out.max_connections = spec["max_connections"]
        out.limit_row = spec["limit_row"]
        out.stats, out.gauges = spec["stats"], spec["gauges"]
        out.histogram = spec["histogram"]
        out.logs = self.logs(spec["access_logs"])
        out.chain_count = len(spec["filter_chains"])
        out.chains = <FilterChain *>self.take(out.chain_count * sizeof(FilterChain))
        for i, chain in enumerate(spec["filter_chains"]):
            self.compile_chain(&out.chains[i], chain)
        if spec["default_filter_chain"] is not None:
            out.default_chain = <FilterChain *>self.take(sizeof(FilterChain))
            self.compile_chain(out.default_chain, spec["default_filter_chain"])
        return 0

    cdef int parse_ip(self, Address *out, str text) except -1:
        cdef bytes data = text.encode()
        if address_parse_ip(out, data, len(data)) < 0:
            raise ValueError(f"{text!r} is not an IP address")
        return 0

    cdef AccessLogs *logs(self, list specs) except? NULL:
        cdef AccessLogsObject made
        if not specs:
            return NULL
        made = AccessLogsObject(specs)
        self._keep.append(made)
        return &made.logs

    cdef int compile_chain(self, FilterChain *out, dict spec) except -1:
        out.name = self.keep(spec["name"])
        if spec["match"] is not None:
            out.match = <ChainMatch *>self.take(sizeof(ChainMatch))
            self.compile_match(out.match, spec["match"])
        if spec["kind"] == "http":
            out.http = <HttpManager *>self.take(sizeof(HttpManager))
            self.compile_http(out.http, spec["http"])
        elif spec["kind"] == "rpc":
            out.rpc = <RpcManager *>self.take(sizeof(RpcManager))
            self.compile_rpc(out.rpc, spec["rpc"])
        else:
            out.tcp = <TcpProxy *>self.take(sizeof(TcpProxy))
            self.compile_tcp(out.tcp, spec["tcp"])
        return 0

    cdef PrefixRange *prefixes(self, list specs) except NULL:
        cdef PrefixRange *out = <PrefixRange *>self.take(len(specs) * sizeof(PrefixRange))
        cdef Address address
        cdef uint32_t i
        for i, spec in enumerate(specs):
            memset(&address, 0, sizeof(address))
            self.parse_ip(&address, spec["address"])
            if address.family == AF_INET6:
                memcpy(out[i].ip, address.ip, 16)
                out[i].bits = spec["prefix_len"]
            else:
                out[i].ip[10] = 0xFF
                out[i].ip[11] = 0xFF
                memcpy(out[i].ip + 12, address.ip, 4)
                out[i].bits = 96 + <uint32_t>spec["prefix_len"]
        return out

    cdef Slice *slices(self, list texts) except NULL:
        cdef Slice *out = <Slice *>self.take(len(texts) * sizeof(Slice))
        cdef uint32_t i
        for i, text in enumerate(texts):
            out[i] = self.keep(text)
        return out

    cdef int compile_match(self, ChainMatch *out, dict spec) except -1:
        cdef uint32_t i
        out.destination_port = spec["destination_port"]
        out.source_type = SOURCE_TYPE[spec["source_type"]]
        out.prefixes = self.prefixes(spec["prefix_ranges"])
        out.prefix_count = len(spec["prefix_ranges"])
        out.direct_source_prefixes = self.prefixes(spec["direct_source_prefix_ranges"])
        out.direct_source_prefix_count = len(spec["direct_source_prefix_ranges"])
        out.source_prefixes = self.prefixes(spec["source_prefix_ranges"])
        out.source_prefix_count = len(spec["source_prefix_ranges"])
        out.source_port_count = len(spec["source_ports"])
        out.source_ports = <unsigned short *>self.take(out.source_port_count * sizeof(unsigned short))
        for i, port in enumerate(spec["source_ports"]):
            out.source_ports[i] = port
        out.server_names = self.slices(spec["server_names"])
        out.server_name_count = len(spec["server_names"])
        out.transport_protocol = self.keep(spec["transport_protocol"])
        out.application_protocols = self.slices(spec["application_protocols"])
        out.application_protocol_count = len(spec["application_protocols"])
        return 0

    # -- filters

    cdef int compile_http(self, HttpManager *out, dict spec) except -1:
        cdef RouteTableObject table
        cdef uint32_t i
        pair = self.routes.get(spec["route_table"])
        if pair is not None:
            table = pair[1]
            out.routes = table.table
        out.logs = self.logs(spec["access_logs"])
        self.http_headers(out, spec)
        self.http_limits(out, spec)
        out.upgrade_count = len(spec["upgrades"])
        out.upgrades = <UpgradeConfig *>self.take(out.upgrade_count * sizeof(UpgradeConfig))
        for i, upgrade in enumerate(spec["upgrades"]):
            out.upgrades[i].type = self.keep(upgrade["type"])
            out.upgrades[i].enabled = upgrade["enabled"]
        return 0

    cdef int http_headers(self, HttpManager *out, dict spec) except -1:
        out.stat_prefix = self.keep(spec["stat_prefix"])
        out.server_name = self.keep(spec["server_name"])
        out.via = self.keep(spec["via"])
        out.default_host = self.keep(spec["default_host_for_http_10"])
        out.server_header = SERVER_HEADER[spec["server_header"]]
        out.add_user_agent = spec["add_user_agent"]
        out.use_remote_address = spec["use_remote_address"]
        out.skip_xff_append = spec["skip_xff_append"]
        out.append_x_forwarded_port = spec["append_x_forwarded_port"]
        out.generate_request_id = spec["generate_request_id"]
        out.preserve_external_request_id = spec["preserve_external_request_id"]
        out.request_id_in_response = spec["always_set_request_id_in_response"]
        out.normalize_path = spec["normalize_path"]
        out.merge_slashes = spec["merge_slashes"]
        out.escaped_slashes = ESCAPED_SLASHES[spec["path_with_escaped_slashes"]]
        out.strip_port = STRIP_PORT[spec["strip_port"]]
        out.strip_trailing_dot = spec["strip_trailing_host_dot"]
        out.proper_case = spec["header_casing"] == "proper"
        out.underscores = UNDERSCORES[spec["headers_with_underscores"]]
        out.proxy_100_continue = spec["proxy_100_continue"]
        out.suppress_envoy_headers = spec["suppress_envoy_headers"]
        out.respect_expected_timeout = spec["respect_expected_rq_timeout"]
        out.xff_trusted_hops = spec["xff_num_trusted_hops"]
        return 0

    cdef int http_limits(self, HttpManager *out, dict spec) except -1:
        out.limits.head_bytes = spec["max_request_headers_bytes"]
        out.limits.headers = spec["max_headers_count"]
        out.limits.chunk_line_bytes = 4096
        out.limits.trailer_bytes = spec["max_request_headers_bytes"]
        out.limits.allow_http10 = spec["accept_http_10"]
        out.codec = CODECS[spec["codec"]]
        self.http2_limits(out, spec["http2"])
        out.max_requests = spec["max_requests_per_connection"]
        out.idle_timeout_ms = spec["idle_timeout_ms"]
        out.max_connection_ms = spec["max_connection_duration_ms"]
        out.stream_idle_ms = spec["stream_idle_timeout_ms"]
        out.request_timeout_ms = spec["request_timeout_ms"]
        out.headers_timeout_ms = spec["request_headers_timeout_ms"]
        out.max_stream_ms = spec["max_stream_duration_ms"]
        out.delayed_close_ms = spec["delayed_close_timeout_ms"]
        out.drain_ms = spec["drain_timeout_ms"]
        out.stats, out.gauges, out.histogram = spec["stats"], spec["gauges"], spec["histogram"]
        return 0

    cdef int http2_limits(self, HttpManager *out, dict spec) except -1:
        h2_default_config(&out.h2)
        out.h2.max_streams = spec["max_concurrent_streams"]
        out.h2.table_size = spec["hpack_table_size"]
        out.h2.stream_window = spec["initial_stream_window_size"]
        out.h2.connection_window = spec["initial_connection_window_size"]
        out.h2.limits.list_bytes, out.h2.limits.fields = out.limits.head_bytes, out.limits.headers
        return 0

    cdef int compile_rpc(self, RpcManager *out, dict spec) except -1:
        cdef RouteTableObject table
        cdef bytes name = spec["protocol"].encode()
        declaration = spec["declaration"]
        out.codec = declared_codec(declaration) if declaration is not None else frame_codec(name, len(name))
        if out.codec == NULL:
            raise ValueError(f"the protocol {spec['protocol']!r} is not built in")
        out.protocol = PROTOCOLS.get(spec["protocol"], P_XPROTOCOL)
        pair = self.routes.get(spec["route_table"])
        if pair is not None:
            table = pair[1]
            out.http.routes = table.table
        out.http.logs = self.logs(spec["access_logs"])
        out.http.stat_prefix = self.keep(spec["stat_prefix"])
        out.http.suppress_envoy_headers = True
        out.http.idle_timeout_ms = spec["idle_timeout_ms"]
        out.http.max_stream_ms = spec["max_stream_duration_ms"]
        out.http.stats, out.http.gauges, out.http.histogram = spec["stats"], spec["gauges"], spec["histogram"]
        out.limits.frame_bytes = spec["max_frame_bytes"]
        out.limits.headers = spec["max_headers_count"]
        out.max_streams = spec["max_concurrent_requests"]
        out.limits.skip = ((0 if spec["reads_headers"] else SKIP_HEADERS)
                           | (0 if spec["reads_path"] else SKIP_PATH))
        out.connections = spec["upstream_connections"]
        out.per_client = spec["upstream_connection_mode"] == "per_client"
        # A protocol without heartbeats is not asked for one.
        silent = declaration is not None and not declaration["heartbeat"]
        out.heartbeat_ms = 0 if silent else spec["heartbeat_interval_ms"]
        out.heartbeat_timeout_ms = spec["heartbeat_timeout_ms"]
        out.heartbeat_failures = spec["heartbeat_failures"]
        return 0

    cdef int compile_tcp(self, TcpProxy *out, dict spec) except -1:
        out.logs = self.logs(spec["access_logs"])
        out.clusters = self.weighted(spec["clusters"])
        out.cluster_count = len(spec["clusters"])
        out.total_weight = spec["total_weight"]
        out.idle_timeout_ms = spec["idle_timeout_ms"]
        out.max_connection_ms = spec["max_downstream_connection_duration_ms"]
        out.max_connect_attempts = spec["max_connect_attempts"]
        out.hash_source_ip = spec["hash_source_ip"]
        out.stats, out.gauges = spec["stats"], spec["gauges"]
        return 0
