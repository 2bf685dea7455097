# Route tables: compiled from mosn.model.RouteTable on the main thread, searched on the engine thread.

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Slice
from mosn._fastpath.proxy.types cimport HeaderOps, RequestInfo, Retry, Route, RouteTable, WeightedCluster


# The route for info.request (Envoy's rules: domain precedence, then first match), or NULL.
# https: the scheme that the client used (require_tls turns into a redirect: *tls_redirect is set to 1).
cdef Route *route_find(const RouteTable *table, const RequestInfo *info, bint https, bint *tls_redirect) noexcept nogil
# The entry that info.random picks by weight (the only one for a plain cluster).  cluster_header: *by_header is set
# to the header's value and NULL returned; the caller looks the name up.
cdef WeightedCluster *route_pick(Route *route, const RequestInfo *info, Slice *by_header) noexcept nogil
# Header operations; values are formatted into info.arena.  `request` says which head of info is changed.
# Returns 0, or -1 when out of memory.
cdef int header_ops_apply(const HeaderOps *ops, RequestInfo *info, bint request, BlockPool *pool) noexcept nogil
# Path and host rewrites of a ROUTE_CLUSTER route, in Envoy's order; sets info.original_path and x-envoy-original-*.
cdef int route_rewrite(Route *route, WeightedCluster *picked, RequestInfo *info, BlockPool *pool) noexcept nogil
# The Location value of a ROUTE_REDIRECT route, in info.arena.
cdef Slice route_redirect_location(Route *route, const RequestInfo *info, bint https) noexcept nogil
# Location for require_tls.
cdef Slice route_tls_location(const RequestInfo *info) noexcept nogil
# Hash policy: sets info.hash and info.has_hash.  When a cookie must be made, *set_cookie gets the Set-Cookie value.
cdef void route_hash(Route *route, RequestInfo *info, Slice *set_cookie) noexcept nogil
# UpgradeState for this upgrade type (lower case; "connect" for CONNECT).
# Equal, with ASCII letters in either case.
cdef bint same_word(Slice a, Slice b) noexcept nogil
cdef int route_upgrade(Route *route, Slice upgrade_type) noexcept nogil
# The retry decision on a response head / on a reset (reset_bits: RetryOn bits that describe the failure).
# `on` is policy.on or what x-envoy-retry-on made of it.
cdef bint retry_on_response(const Retry *policy, uint32_t on, const Head *response) noexcept nogil
# Bits named in an x-envoy-retry-on / x-envoy-retry-grpc-on value ("5xx,reset"); unknown names are skipped.
cdef uint32_t retry_bits(Slice names, bint grpc) noexcept nogil
# retriable_request_headers: true when the list is empty or one matches.
cdef bint retry_request_allowed(const Retry *policy, const Head *request) noexcept nogil
# RFC 3986 normalisation as Envoy's normalize_path / merge_slashes / escaped slashes do it.  The result is in the
# arena (or path itself when nothing changed).  escaped: 0 keep, 1 reject, 2 unescape and redirect, 3 unescape and
# forward.  *verdict: 0 go on, 1 answer 400, 2 redirect to the result (307).
cdef Slice path_normalize(Slice path, bint normalize, bint merge_slashes, int escaped, Arena *arena,
                          int *verdict) noexcept nogil


cdef class RouteTableObject:
    # RouteTableObject(spec: mosn.model.RouteTable, clusters: dict[str, ClusterObject])
    # Raises ValueError naming the virtual host and route for what cannot be compiled.
    cdef RouteTable *table
    cdef object _keep
