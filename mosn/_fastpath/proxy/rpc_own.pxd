# Upstream connections that serve only one client: what stands in for the slots of the pools.

from mosn._fastpath.proxy.rpc_types cimport RpcClient, RpcPool, RpcServer, RpcSlot


# The client's own slot at this pool; NULL: no memory.
cdef RpcSlot *rpc_own_slot(RpcServer *server, RpcPool *pool) noexcept nogil
# This connection serves only this client: it is kept as long as the client.
cdef void rpc_own_join(RpcServer *server, RpcClient *client) noexcept nogil
# The connection is gone.
cdef void rpc_own_leave(RpcClient *client) noexcept nogil
# The client is gone, and its requests are: close what it had.
cdef void rpc_own_close(RpcServer *server) noexcept nogil
