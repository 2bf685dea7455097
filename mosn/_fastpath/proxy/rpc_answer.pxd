# Answers to the clients of an RPC protocol.

from mosn._fastpath.proxy.rpc_types cimport RpcServer
from mosn._fastpath.proxy.runtime cimport DownstreamOps


cdef const DownstreamOps *rpc_answer_ops() noexcept nogil
# Close after what is queued: nothing is in flight and the sidecar drains.
cdef void rpc_goodbye(RpcServer *server) noexcept nogil
