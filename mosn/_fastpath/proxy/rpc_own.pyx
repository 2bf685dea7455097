"""Upstream connections of one client (see rpc_own.pxd)."""

from libc.stdlib cimport calloc, free

from mosn._fastpath.proxy.rpc_calls cimport rpc_calls_forget, rpc_calls_free
from mosn._fastpath.proxy.rpc_client cimport rpc_client_close
from mosn._fastpath.proxy.rpc_types cimport RpcClient, RpcOwnSlot, RpcPool, RpcServer, RpcSlot
from mosn._fastpath.proxy.runtime cimport RESET_LOCAL


cdef inline bint empty(const RpcOwnSlot *own) noexcept nogil:
    return own.slot.client == NULL and own.slot.waiting == NULL


cdef RpcSlot *rpc_own_slot(RpcServer *server, RpcPool *pool) noexcept nogil:
    # A pool goes with its host: a slot that is empty may name one that is no more, and serves the next.
    cdef RpcOwnSlot *own = server.own_slots
    cdef RpcOwnSlot *spare = NULL
    while own != NULL:
        if own.pool == pool:
            return &own.slot
        if empty(own):
            spare = own
        own = own.next
    if spare == NULL:
        spare = <RpcOwnSlot *>calloc(1, sizeof(RpcOwnSlot))
        if spare == NULL:
            return NULL
        spare.next = server.own_slots
        server.own_slots = spare
    spare.pool = pool
    return &spare.slot


cdef void rpc_own_join(RpcServer *server, RpcClient *client) noexcept nogil:
    client.only = server
    client.next_own = server.own
    server.own = client
    client.idle_ms = 0
    client.max_requests = 0


cdef void rpc_own_leave(RpcClient *client) noexcept nogil:
    cdef RpcClient **at
    if client.only == NULL:
        return
    rpc_calls_forget(client.only, client)
    at = &client.only.own
    while at[0] != client:
        at = &at[0].next_own
    at[0] = client.next_own
    client.only = NULL


cdef void rpc_own_close(RpcServer *server) noexcept nogil:
    cdef RpcOwnSlot *own
    while server.own != NULL:
        rpc_client_close(server.own, RESET_LOCAL)
    while server.own_slots != NULL:
        own = server.own_slots
        server.own_slots = own.next
        free(own)
    rpc_calls_free(server)
