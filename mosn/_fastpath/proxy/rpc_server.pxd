# An RPC protocol towards a client: one connection, many requests in flight, answers in any order.

from mosn._fastpath.proxy.rpc_types cimport RpcServer
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy


# Serve an accepted connection (accepted.conn, when set, is moved from).  NULL when out of memory.
cdef RpcServer *rpc_server_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil
# Say goodbye: connections close as soon as nothing is in flight on them.
cdef void rpc_drain_all(Proxy *proxy) noexcept nogil
cdef void rpc_kill_all(Proxy *proxy) noexcept nogil
