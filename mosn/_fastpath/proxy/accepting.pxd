# From an accepted socket to a protocol.

from mosn._fastpath.engine.system cimport sockaddr_storage, socklen_t
from mosn._fastpath.proxy.runtime cimport ListenerRuntime, Proxy


# A new socket (non-blocking) of this listener: admitted or closed, given to its filter chain's protocol.
cdef void connection_accepted(ListenerRuntime *runtime, int fd, const sockaddr_storage *peer,
                              socklen_t peer_len) noexcept nogil
# Close every connection whose listener filters or TLS handshake are not done: the drain time is over.
cdef void accepting_kill_all(Proxy *proxy) noexcept nogil
