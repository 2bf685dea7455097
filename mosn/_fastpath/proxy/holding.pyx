"""A connection that outlives a snapshot finds its place in the next one (see holding.pxd)."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.codec.client_hello cimport ClientHello
from mosn._fastpath.engine.system cimport mosn_store
from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.chain cimport chain_find
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, H1Server, ListenerRuntime, Proxy
from mosn._fastpath.proxy.types cimport Address
from mosn._fastpath.shm.segment cimport LIMIT_CONNECTIONS, limit_give


cdef FilterChain *chain_now(ListenerRuntime *listener, const Address *remote, const Address *direct_remote,
                            const Address *local, const char *protocol, const Conn *conn) noexcept nogil:
    cdef Accepted accepted
    memset(&accepted, 0, sizeof(accepted))
    accepted.config = listener.config
    if accepted.config == NULL:
        return NULL
    accepted.direct_remote = direct_remote[0]
    accepted.remote = remote[0]
    accepted.local = local[0]
    accepted.protocol = protocol
    if conn.tls != NULL:
        accepted.hello = <const ClientHello *>conn.tls.hello
    return chain_find(accepted.config, &accepted)


cdef bint rebind_chain(H1Server *server) noexcept nogil:
    cdef FilterChain *chain = chain_now(
        server.listener, &server.remote, &server.remote if server.direct_remote == NULL else server.direct_remote,
        &server.local, server.protocol, &server.conn)
    if chain == NULL or chain.http == NULL or (chain.tls != NULL) != (server.conn.tls != NULL):
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


cdef ListenerRuntime *listener_runtime(Proxy *proxy, const char *name, unsigned int n) noexcept nogil:
    cdef ListenerRuntime *runtime = proxy.listeners
    while runtime != NULL:
        if runtime.name_len == n and memcmp(runtime.name, name, n) == 0:
            return runtime
        runtime = runtime.next
    runtime = <ListenerRuntime *>calloc(1, sizeof(ListenerRuntime))
    if runtime == NULL:
        return NULL
    runtime.name = <char *>malloc(n + 1)
    if runtime.name == NULL:
        free(runtime)
        return NULL
    memcpy(runtime.name, name, n)
    runtime.name_len = n
    runtime.proxy = proxy
    # Only the main thread adds (before a snapshot names the listener), the engine may be walking the list.
    runtime.next = proxy.listeners
    mosn_store(<uint64_t *>&proxy.listeners, <uint64_t>runtime)
    return runtime
