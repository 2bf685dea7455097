# Faults on purpose, for every protocol: delays and aborts (Envoy's envoy.filters.http.fault).

from mosn._fastpath.proxy.route_fault cimport Fault
from mosn._fastpath.proxy.runtime cimport Stream


# The stream has its route.  True: it was answered, or waits (S_DELAYED until retry_at) and fault_delay_over follows.
cdef bint fault_begin(Stream *stream, const Fault *fault) noexcept nogil
# True: it was answered.
cdef bint fault_delay_over(Stream *stream, const Fault *fault) noexcept nogil
