"""An upstream host as one worker sees it (see upstream_host.pxd)."""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp, memset

from mosn._fastpath.engine.system cimport (
    EINPROGRESS, IPPROTO_TCP, SOCK_CLOEXEC, SOCK_NONBLOCK, SOCK_STREAM, SOL_SOCKET, SO_KEEPALIVE, TCP_NODELAY, bind,
    close, connect, errno, setsockopt, sockaddr, socket,
)
from mosn._fastpath.memory cimport slice_of
from mosn._fastpath.proxy.cluster cimport host_free, host_new
from mosn._fastpath.proxy.h1_client_end cimport h1_client_close
from mosn._fastpath.proxy.info cimport address_text, address_to_sockaddr
from mosn._fastpath.proxy.runtime cimport HostPool, Proxy
from mosn._fastpath.proxy.types cimport Address, Cluster, Host
from mosn._fastpath.shm.segment cimport count


cdef enum:
    DESTINATIONS = 1024         # of an ORIGINAL_DST cluster, from which on unused ones are dropped


cdef HostPool *host_pool(Host *host) noexcept nogil:
    cdef HostPool *pool = <HostPool *>host.cluster_runtime
    if pool == NULL:
        pool = <HostPool *>calloc(1, sizeof(HostPool))
        if pool != NULL:
            pool.host = host
            host.cluster_runtime = pool
    return pool


cdef void host_stat(Proxy *proxy, Host *host, uint32_t stat) noexcept nogil:
    if host.stats:
        count(proxy.region, host.stats + stat, 1)


cdef inline void free_pool(Proxy *proxy, HostPool *pool) noexcept nogil:
    if pool != NULL:
        proxy.rpc_free(pool)
        if pool.h2 != NULL:
            proxy.h2_free(pool)
    free(pool)


cdef void host_free_if_unused(Proxy *proxy, HostPool *pool) noexcept nogil:
    cdef Host *host = pool.host
    if host.retired and pool.connections == 0 and pool.waiting == NULL and host.references == 0:
        free_pool(proxy, pool)
        host_free(host)


cdef void host_retire(Proxy *proxy, Host *host) noexcept nogil:
    cdef HostPool *pool = <HostPool *>host.cluster_runtime
    if pool == NULL:
        host_free(host)
        return
    host.references += 1
    host.retired = True
    while pool.idle != NULL:
        h1_client_close(pool.idle)
    if pool.rpc != NULL:
        proxy.rpc_retire(pool)
    if pool.h2 != NULL:
        proxy.h2_retire(pool)
    host.references -= 1
    host_free_if_unused(proxy, pool)


cdef inline bint is_unused(const Host *host) noexcept nogil:
    cdef const HostPool *pool = <const HostPool *>host.cluster_runtime
    if host.active_connections or host.active_requests or host.references:
        return False
    return pool == NULL or (pool.connections == 0 and pool.waiting_count == 0)


cdef void drop_unused_hosts(Proxy *proxy, Cluster *cluster) noexcept nogil:
    # Clients name the destinations: without an end to it they could take all memory.
    cdef Host **link = <Host **>&cluster.lb.state
    cdef Host *host
    while link[0] != NULL:
        host = link[0]
        if is_unused(host):
            link[0] = host.next
            free_pool(proxy, <HostPool *>host.cluster_runtime)
            host_free(host)
        else:
            link = &host.next


cdef Host *original_dst_host(Proxy *proxy, Cluster *cluster, const Address *destination) noexcept nogil:
    # Kept in a list on the cluster's load balancer state; ORIGINAL_DST clusters have few destinations per worker.
    cdef Host *host = <Host *>cluster.lb.state
    cdef unsigned char wanted[128]
    cdef uint32_t known = 0
    cdef uint32_t n
    cdef char text[160]
    memset(wanted, 0, sizeof(wanted))
    n = address_to_sockaddr(destination, wanted)
    if n == 0:
        return NULL
    while host != NULL:
        if host.socket_address_len == n and memcmp(host.socket_address, wanted, n) == 0:
            return host
        known += 1
        host = host.next
    if known >= DESTINATIONS:
        drop_unused_hosts(proxy, cluster)
    host = host_new(wanted, n, slice_of(text, address_text(destination, True, text, sizeof(text))), slice_of(NULL, 0))
    if host == NULL:
        return NULL
    host.dynamic = True
    host.next = <Host *>cluster.lb.state
    cluster.lb.state = host
    return host


cdef int upstream_socket(Cluster *cluster, Host *host, bint *connecting) noexcept nogil:
    cdef int one = 1
    cdef const sockaddr *address = <const sockaddr *>host.socket_address
    cdef int fd = socket(address.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)
    if fd < 0:
        return -1
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one))
    if cluster.tcp_keepalive:
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one))
    if cluster.bind_address_len and bind(fd, <sockaddr *>cluster.bind_address, cluster.bind_address_len) < 0:
        close(fd)
        return -1
    connecting[0] = False
    if connect(fd, address, host.socket_address_len) < 0:
        if errno != EINPROGRESS:
            close(fd)
            return -1
        connecting[0] = True
    return fd
