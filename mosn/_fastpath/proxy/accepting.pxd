# From an accepted socket to a protocol.

from mosn._fastpath.engine.system cimport sockaddr_storage, socklen_t
from mosn._fastpath.proxy.runtime cimport ListenerRuntime, Proxy


# A new socket (non-blocking) of this listener: admitted or closed, given to its filter chain's protocol.
cdef void connection_accepted(ListenerRuntime *runtime, int fd, const sockaddr_storage *peer,
                              socklen_t peer_len) noexcept nogil
# Close every connection whose listener filters are not done: the drain time is over.
cdef void accepting_kill_all(Proxy *proxy) noexcept nogil
# Set by the data plane: h1_server_open, tcp_open, rpc_server_open.
cdef void accepting_set_protocols(void *open_http, void *open_tcp, void *open_rpc, void *open_h2) noexcept nogil
