# Which answers and failures are tried again (Envoy's RetryPolicy).

from libc.stdint cimport uint32_t

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport Retry


# As declared and explained in route.pxd, which passes them on.
cdef bint answer_is_retriable(const Retry *policy, uint32_t on, const Head *response) noexcept nogil
cdef uint32_t retry_names(Slice names, bint grpc) noexcept nogil
cdef bint request_is_retriable(const Retry *policy, const Head *request) noexcept nogil

# Names that Envoy does not know are skipped, as Envoy does.
cdef Retry *compile_retry(dict spec, Store store) except NULL
