# Listening sockets: accepting, listener filters, handing connections to their protocol.

from mosn._fastpath.proxy.runtime cimport H1Server, ListenerRuntime, Proxy


# Start accepting from a listening socket.  0, or -1.
cdef int listener_add_socket(ListenerRuntime *runtime, int fd) noexcept nogil
cdef void listener_remove_sockets(ListenerRuntime *runtime) noexcept nogil
# The same, after accepting who is in their queues.
cdef void listener_drain(ListenerRuntime *runtime) noexcept nogil
