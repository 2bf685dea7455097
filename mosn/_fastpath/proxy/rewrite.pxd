# Path and host rewrites, and the Location of redirects.

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.types cimport RequestInfo, Route, WeightedCluster


# As declared and explained in route.pxd, which passes them on.
cdef int rewrite_request(Route *route, WeightedCluster *picked, RequestInfo *info) noexcept nogil
cdef Slice redirect_location(Route *route, const RequestInfo *info, bint https) noexcept nogil
cdef Slice tls_location(const RequestInfo *info) noexcept nogil
