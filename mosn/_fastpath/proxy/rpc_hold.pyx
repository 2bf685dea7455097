"""Client connections that wait for an upstream (see rpc_hold.pxd)."""

from mosn._fastpath.engine.conn cimport conn_pause, conn_resume
from mosn._fastpath.engine.types cimport C_DEAD
from mosn._fastpath.proxy.rpc_types cimport RpcClient, RpcServer


cdef void rpc_hold(RpcClient *client, RpcServer *server) noexcept nogil:
    server.held_by = client
    server.next_held = client.held
    client.held = server
    conn_pause(&server.conn)


cdef void rpc_unhold(RpcServer *server) noexcept nogil:
    cdef RpcServer **at
    if server.held_by == NULL:
        return
    at = &server.held_by.held
    while at[0] != server:
        at = &at[0].next_held
    at[0] = server.next_held
    server.held_by = NULL


cdef void rpc_release(RpcClient *client) noexcept nogil:
    cdef RpcServer *server = client.held
    cdef RpcServer *following
    client.held = NULL
    while server != NULL:
        following = server.next_held
        server.held_by = NULL
        if not server.conn.flags & C_DEAD:
            conn_resume(&server.conn)
        server = following
