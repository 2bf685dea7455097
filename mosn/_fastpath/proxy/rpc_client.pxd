# An RPC protocol towards an upstream: one connection, many requests in flight, under ids of its own.

from mosn._fastpath.engine.types cimport ConnOps
from mosn._fastpath.proxy.rpc_types cimport RpcClient
from mosn._fastpath.proxy.runtime cimport Stream


cdef const ConnOps *rpc_client_conn_ops() noexcept nogil
# Room for the first requests.  0, or -1: no memory.
cdef int rpc_client_init(RpcClient *client) noexcept nogil
# The connection is open: start its clocks.
cdef void rpc_client_opened(RpcClient *client) noexcept nogil
# Send a stream's request (events.ready and what follows from it).
cdef void rpc_client_serve(RpcClient *client, Stream *stream) noexcept nogil
# Take no new requests; close when nothing is pending.
cdef void rpc_client_retire(RpcClient *client) noexcept nogil
# Close, and reset what is pending.
cdef void rpc_client_close(RpcClient *client, int reason) noexcept nogil
