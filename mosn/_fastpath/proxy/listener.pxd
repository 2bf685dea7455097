# Listening sockets: accepting, listener filters, handing connections to their protocol.

from mosn._fastpath.proxy.runtime cimport H1Server, ListenerRuntime, Proxy


# The runtime of a listener name (made when needed; lives as long as the proxy), or NULL when out of memory.
cdef ListenerRuntime *listener_runtime(Proxy *proxy, const char *name, unsigned int n) noexcept nogil
# Start accepting from a listening socket.  0, or -1.
cdef int listener_add_socket(ListenerRuntime *runtime, int fd) noexcept nogil
cdef void listener_remove_sockets(ListenerRuntime *runtime) noexcept nogil
# The same, after accepting who is in their queues.
cdef void listener_drain(ListenerRuntime *runtime) noexcept nogil
# Set by the data plane: h1_server_open, tcp_open, rpc_server_open (they in turn need this module).
cdef void listener_set_protocols(void *open_http, void *open_tcp, void *open_rpc) noexcept nogil
