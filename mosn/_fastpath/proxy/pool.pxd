# Upstream connections of one worker: connecting, keeping, lending, limits (Envoy's circuit breakers).

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.runtime cimport HostPool, PoolOps, Proxy, Stream
from mosn._fastpath.proxy.types cimport Address, Breaker, Cluster, Host


cdef void pool_init_proxy(Proxy *proxy) noexcept nogil
# One exchange at a time on a connection, idle ones are kept.
cdef const PoolOps *h1_pool_ops() noexcept nogil
# A slot of the limit of requests, and the counts of a request that begins; attempt_release gives it back.
cdef bint pool_take_request(Stream *stream) noexcept nogil
# Count, and reset the stream: a limit is reached.
cdef void pool_refuse(Stream *stream, uint32_t stat) noexcept nogil

cdef inline Breaker *breaker_of(Stream *stream) noexcept nogil:
    return &stream.cluster.breakers[stream.route.priority if stream.route != NULL else 0]

# What this worker has towards a host; NULL when out of memory.
cdef HostPool *pool_of(Host *host) noexcept nogil
# No snapshot names this host any more: close its idle connections, free it when the last one has gone.
cdef void pool_retire(Proxy *proxy, Host *host) noexcept nogil
# A connected or connecting non-blocking socket to a host, or -1 (errno).
cdef int upstream_socket(Cluster *cluster, Host *host, bint *connecting) noexcept nogil
# The host of an ORIGINAL_DST cluster for this destination (made when needed; used by both proxies).
cdef Host *original_dst_host(Proxy *proxy, Cluster *cluster, const Address *destination) noexcept nogil
# Close every idle connection (drain).
cdef void host_stat(Proxy *proxy, Host *host, uint32_t stat) noexcept nogil
