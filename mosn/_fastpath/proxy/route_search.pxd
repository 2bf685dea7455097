# Finding a route, and saying why one does not match: one implementation of both.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.route_rules cimport PathTest, RouteRules, Tables, VirtualHost
from mosn._fastpath.proxy.types cimport RequestInfo, Route


cdef enum Mismatch:
    MATCHES = 0
    MISMATCH_PATH
    MISMATCH_NO_PATH            # the request has none (CONNECT)
    MISMATCH_NOT_CONNECT
    MISMATCH_FRACTION
    MISMATCH_GRPC
    MISMATCH_HEADER             # which: index
    MISMATCH_QUERY


# The path of a request, looked at once.
cdef struct PathKey:
    Slice path                  # without query and fragment
    uint64_t first              # its first 8 bytes, zeros behind its end
    bint connect


cdef PathKey path_key(const RequestInfo *info) noexcept nogil
cdef Mismatch path_mismatch(const PathTest *test, const PathKey *key) noexcept nogil
cdef Mismatch rules_mismatch(const RouteRules *rules, const RequestInfo *info, uint32_t *which) noexcept nogil
# NULL when none.
cdef const VirtualHost *host_of(const Tables *tables, const RequestInfo *info) noexcept nogil
cdef bint needs_tls(const VirtualHost *host, const RequestInfo *info, bint https) noexcept nogil
cdef Route *search_routes(const VirtualHost *host, const RequestInfo *info) noexcept nogil
