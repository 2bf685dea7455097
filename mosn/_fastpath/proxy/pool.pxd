# Upstream connections of one worker: connecting, keeping, lending, limits (Envoy's circuit breakers).

from mosn._fastpath.proxy.runtime cimport Proxy, Stream


cdef void pool_init_proxy(Proxy *proxy) noexcept nogil
# Get a connection to stream.host for stream.  stream.events.ready is called when there is one (perhaps before this
# returns), stream.events.reset when there will be none.
cdef void pool_acquire(Stream *stream) noexcept nogil
# The stream does not want to wait any more.
cdef void pool_forget(Stream *stream) noexcept nogil
