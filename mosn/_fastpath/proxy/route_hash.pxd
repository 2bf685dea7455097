# Hash policies: what consistent-hashing balancers choose by.

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.types cimport RequestInfo, Route


# As declared and explained in route.pxd, which passes it on.
cdef void hash_request(Route *route, RequestInfo *info, Slice *set_cookie) noexcept nogil
