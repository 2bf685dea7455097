# Client connections that are not read because an upstream's queue is full.

from mosn._fastpath.proxy.rpc_types cimport RpcClient, RpcServer


cdef void rpc_hold(RpcClient *client, RpcServer *server) noexcept nogil
# The client goes away, or is not held at all.
cdef void rpc_unhold(RpcServer *server) noexcept nogil
# The upstream takes bytes again, or is gone: read on.
cdef void rpc_release(RpcClient *client) noexcept nogil
