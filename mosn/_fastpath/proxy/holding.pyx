"""A connection that outlives a snapshot finds its place in the next one (see holding.pxd)."""

from libc.stdint cimport uint32_t
from libc.string cimport memset

from mosn._fastpath.proxy.chain cimport chain_find
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, H1Server, Proxy
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, limit_give


cdef bint rebind_chain(H1Server *server) noexcept nogil:
    cdef Accepted accepted
    cdef FilterChain *chain
    memset(&accepted, 0, sizeof(accepted))
    accepted.config = server.listener.config
    if accepted.config == NULL:
        return False
    accepted.direct_remote = server.remote if server.direct_remote == NULL else server.direct_remote[0]
    accepted.remote = server.remote
    accepted.local = server.local
    chain = chain_find(accepted.config, &accepted)
    if chain == NULL or chain.http == NULL:
        return False
    server.config = accepted.config
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
