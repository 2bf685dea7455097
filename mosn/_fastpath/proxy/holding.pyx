"""A connection that outlives a snapshot finds its place in the next one (see holding.pxd)."""

from libc.stdint cimport uint32_t
from libc.string cimport memset

from mosn._fastpath.proxy.chain cimport chain_find
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, H1Server, ListenerRuntime, Proxy
from mosn._fastpath.proxy.types cimport Address
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, limit_give


cdef FilterChain *chain_now(ListenerRuntime *listener, const Address *remote, const Address *direct_remote,
                            const Address *local) noexcept nogil:
    cdef Accepted accepted
    memset(&accepted, 0, sizeof(accepted))
    accepted.config = listener.config
    if accepted.config == NULL:
        return NULL
    accepted.direct_remote = direct_remote[0]
    accepted.remote = remote[0]
    accepted.local = local[0]
    return chain_find(accepted.config, &accepted)


cdef bint rebind_chain(H1Server *server) noexcept nogil:
    cdef FilterChain *chain = chain_now(
        server.listener, &server.remote, &server.remote if server.direct_remote == NULL else server.direct_remote,
        &server.local)
    if chain == NULL or chain.http == NULL:
        return False
    server.config = server.listener.config
    server.chain = chain
    server.manager = chain.http
    server.idle_ms = chain.http.idle_timeout_ms
    server.max_ms = chain.http.max_connection_ms
    server.generation = server.proxy.snapshot.generation
    return True


cdef void give_limits(Proxy *proxy, uint32_t row, uint32_t box_row) noexcept nogil:
    if row:
        limit_give(proxy.region, row, LIMIT_CONNECTIONS)
    if box_row:
        limit_give(proxy.region, box_row, LIMIT_CONNECTIONS)
