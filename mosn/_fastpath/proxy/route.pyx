"""Route tables (interface: route.pxd).

The parts are in modules of their own: route_rules compiles, route_search finds, rewrite changes path and host,
header_ops changes headers, route_hash and route_retry decide.  What the engine calls is gathered here.
"""

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Slice
from mosn._fastpath.proxy.header_ops cimport apply_header_ops
from mosn._fastpath.proxy.match cimport header_value
from mosn._fastpath.proxy.rewrite cimport redirect_location, rewrite_request, tls_location
from mosn._fastpath.proxy.rewrite_path cimport normal_path
from mosn._fastpath.proxy.route_hash cimport hash_request
from mosn._fastpath.proxy.route_retry cimport answer_is_retriable, request_is_retriable, retry_names
from mosn._fastpath.proxy.route_rules cimport RouteRules, Tables, VirtualHost, compile_table, rules_of
from mosn._fastpath.proxy.route_search cimport host_of, needs_tls, search_routes
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport (
    UPGRADE_DEFAULT, HeaderOps, RequestInfo, Retry, Route, RouteTable, WeightedCluster,
)


cdef Route *route_find(const RouteTable *table, const RequestInfo *info, bint https, bint *tls_redirect) noexcept nogil:
    cdef const VirtualHost *host = host_of(<const Tables *>table.hidden, info)
    tls_redirect[0] = 0
    if host == NULL:
        return NULL
    if needs_tls(host, info, https):
        tls_redirect[0] = 1
        return NULL
    return search_routes(host, info)


cdef WeightedCluster *route_pick(Route *route, const RequestInfo *info, Slice *by_header) noexcept nogil:
    cdef const RouteRules *rules
    cdef uint64_t at
    cdef uint32_t i
    if route.cluster_count == 1:
        return route.clusters
    if route.cluster_count == 0:
        rules = rules_of(route)
        if not header_value(info.request, &rules.cluster_header, by_header):
            by_header.p = NULL
            by_header.n = 0
        return NULL
    at = info.random % route.total_weight
    for i in range(route.cluster_count):
        if at < route.clusters[i].weight:
            return &route.clusters[i]
        at -= route.clusters[i].weight
    return NULL


cdef int header_ops_apply(const HeaderOps *ops, RequestInfo *info, bint request, BlockPool *pool) noexcept nogil:
    cdef Head *head = info.request if request else info.response
    if ops.count == 0 or head == NULL:
        return 0
    return apply_header_ops(ops, info, head, pool)


cdef int route_rewrite(Route *route, WeightedCluster *picked, RequestInfo *info, BlockPool *pool) noexcept nogil:
    return rewrite_request(route, picked, info)


cdef Slice route_redirect_location(Route *route, const RequestInfo *info, bint https) noexcept nogil:
    return redirect_location(route, info, https)


cdef Slice route_tls_location(const RequestInfo *info) noexcept nogil:
    return tls_location(info)


cdef void route_hash(Route *route, RequestInfo *info, Slice *set_cookie) noexcept nogil:
    if rules_of(route).hash_policy_count:
        hash_request(route, info, set_cookie)


cdef bint same_word(Slice a, Slice b) noexcept nogil:
    # ASCII letters in either case.
    cdef uint32_t i
    if a.n != b.n:
        return False
    for i in range(a.n):
        if a.p[i] != b.p[i] and ((a.p[i] | 32) != (b.p[i] | 32) or not c"a" <= (a.p[i] | 32) <= c"z"):
            return False
    return True


cdef int route_upgrade(Route *route, Slice upgrade_type) noexcept nogil:
    cdef const RouteRules *rules = rules_of(route)
    cdef uint32_t i
    for i in range(rules.upgrade_count):
        if same_word(rules.upgrades[i].type, upgrade_type):
            return rules.upgrades[i].state
    return UPGRADE_DEFAULT


cdef bint retry_on_response(const Retry *policy, uint32_t on, const Head *response) noexcept nogil:
    return answer_is_retriable(policy, on, response)


cdef uint32_t retry_bits(Slice names, bint grpc) noexcept nogil:
    return retry_names(names, grpc)


cdef bint retry_request_allowed(const Retry *policy, const Head *request) noexcept nogil:
    return request_is_retriable(policy, request)


cdef Slice path_normalize(Slice path, bint normalize, bint merge_slashes, int escaped, Arena *arena,
                          int *verdict) noexcept nogil:
    return normal_path(path, normalize, merge_slashes, escaped, arena, verdict)


cdef class RouteTableObject:
    def __cinit__(self):
        self.table = NULL

    def __init__(self, dict spec not None, dict clusters not None):
        cdef Store store = Store()
        cdef RouteTable *table = <RouteTable *>store.take(sizeof(RouteTable))
        try:
            table.hidden = compile_table(spec, clusters, store)
        except (KeyError, TypeError, OverflowError, AttributeError) as error:
            raise ValueError(f"route table {spec.get('name')!r} is malformed: {error!r}") from error
        self._keep = store
        self.table = table
