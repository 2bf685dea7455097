# Compiling a snapshot (mosn.model.Snapshot) into the tables that the engine swaps in.

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.log cimport AccessLogs
from mosn._fastpath.proxy.runtime cimport (
    ChainMatch,
    FilterChain,
    HttpManager,
    Listener,
    PrefixRange,
    RpcManager,
    Snapshot,
    TcpProxy,
)
from mosn._fastpath.proxy.types cimport Address, Cluster, WeightedCluster


# By name, or NULL.
cdef Cluster *snapshot_cluster(const Snapshot *snapshot, Slice name) noexcept nogil


cdef class SnapshotObject:
    # SnapshotObject(spec, previous, registry): parts equal to previous' are reused; registry is the HostRegistry.
    # Raises ValueError naming the resource.
    cdef Snapshot snapshot
    cdef readonly str version
    cdef readonly dict spec
    cdef dict clusters          # name -> (spec, ClusterObject)
    cdef dict routes            # name -> (spec, RouteTableObject)
    cdef list _keep
    cdef list _blocks
    # Private.
    cdef void *take(self, size_t n) except NULL
    cdef Slice keep(self, str text)
    cdef int compile_clusters(self, SnapshotObject previous, registry) except -1
    cdef int compile_routes(self, SnapshotObject previous) except -1
    cdef bint same_clusters(self, SnapshotObject previous)
    cdef WeightedCluster *weighted(self, list specs) except NULL
    cdef int compile_listeners(self) except -1
    cdef int compile_listener(self, Listener *out, dict spec) except -1
    cdef int parse_ip(self, Address *out, str text) except -1
    cdef AccessLogs *logs(self, list specs) except? NULL
    cdef int compile_chain(self, FilterChain *out, dict spec) except -1
    cdef PrefixRange *prefixes(self, list specs) except NULL
    cdef Slice *slices(self, list texts) except NULL
    cdef int compile_match(self, ChainMatch *out, dict spec) except -1
    cdef int compile_http(self, HttpManager *out, dict spec) except -1
    cdef int http_headers(self, HttpManager *out, dict spec) except -1
    cdef int http_limits(self, HttpManager *out, dict spec) except -1
    cdef int http2_limits(self, HttpManager *out, dict spec) except -1
    cdef int compile_rpc(self, RpcManager *out, dict spec) except -1
    cdef int compile_tcp(self, TcpProxy *out, dict spec) except -1
