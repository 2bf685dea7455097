# An upstream host as one worker sees it: its pool, a socket to it, its end.

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.runtime cimport HostPool, Proxy
from mosn._fastpath.proxy.types cimport Address, Cluster, Host


# Made when needed; NULL when out of memory.
cdef HostPool *host_pool(Host *host) noexcept nogil
cdef void host_stat(Proxy *proxy, Host *host, uint32_t stat) noexcept nogil
# No snapshot names this host any more: close its idle connections, free it when the last one has gone.
cdef void host_retire(Proxy *proxy, Host *host) noexcept nogil
cdef void host_free_if_unused(Proxy *proxy, HostPool *pool) noexcept nogil
# A connected or connecting non-blocking socket to a host, or -1 (errno).
cdef int upstream_socket(Cluster *cluster, Host *host, bint *connecting) noexcept nogil
# The host of an ORIGINAL_DST cluster for this destination (made when needed; used by both proxies).
cdef Host *original_dst_host(Proxy *proxy, Cluster *cluster, const Address *destination) noexcept nogil
