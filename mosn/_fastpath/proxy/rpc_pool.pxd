# Upstream connections of multiplexed RPC protocols: few to each host, shared by all clients of a worker.

from mosn._fastpath.proxy.runtime cimport PoolOps, Proxy


cdef void rpc_pool_init(Proxy *proxy) noexcept nogil
cdef const PoolOps *rpc_pool_ops() noexcept nogil
