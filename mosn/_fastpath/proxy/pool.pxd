# Upstream connections of one worker: connecting, keeping, lending, limits (Envoy's circuit breakers).

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.runtime cimport Proxy, Stream
from mosn._fastpath.proxy.types cimport Address, Cluster, Host


cdef void pool_init_proxy(Proxy *proxy) noexcept nogil
# Get a connection to stream.host for stream.  stream.events.ready is called when there is one (perhaps before this
# returns), stream.events.reset when there will be none.
cdef void pool_acquire(Stream *stream) noexcept nogil
# The stream does not want to wait any more.
cdef void pool_forget(Stream *stream) noexcept nogil
# No snapshot names this host any more: close its idle connections, free it when the last one has gone.
cdef void pool_retire(Proxy *proxy, Host *host) noexcept nogil
# A connected or connecting non-blocking socket to a host, or -1 (errno).
cdef int upstream_socket(Cluster *cluster, Host *host, bint *connecting) noexcept nogil
# The host of an ORIGINAL_DST cluster for this destination (made when needed; used by both proxies).
cdef Host *original_dst_host(Proxy *proxy, Cluster *cluster, const Address *destination) noexcept nogil
# Close every idle connection (drain).
cdef void host_stat(Proxy *proxy, Host *host, uint32_t stat) noexcept nogil
