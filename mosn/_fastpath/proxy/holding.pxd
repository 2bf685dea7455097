# What a client's connection holds while it is open, whatever its protocol.

from libc.stdint cimport uint32_t

from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.runtime cimport FilterChain, H1Server, ListenerRuntime, Proxy
from mosn._fastpath.proxy.types cimport Address


# The live snapshot's chain for a connection with these addresses and this Accepted.protocol, or NULL.
cdef FilterChain *chain_now(ListenerRuntime *listener, const Address *remote, const Address *direct_remote,
                            const Address *local, const char *protocol, const Conn *conn) noexcept nogil
# Point a connection at the live snapshot's chain.  False when no HTTP chain wants it any more.
cdef bint rebind_chain(H1Server *server) noexcept nogil
# Give back a connection's slots of the listener's and the box's limit; row 0 holds none.
cdef void give_limits(Proxy *proxy, uint32_t row, uint32_t box_row) noexcept nogil
# The runtime of a listener name (made when needed; lives as long as the proxy), or NULL when out of memory.
cdef ListenerRuntime *listener_runtime(Proxy *proxy, const char *name, unsigned int n) noexcept nogil
