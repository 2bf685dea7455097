# HTTP/1.1 towards an upstream: one connection, one exchange at a time.

from mosn._fastpath.engine.types cimport ConnOps
from mosn._fastpath.proxy.runtime cimport H1Client, Stream, UpstreamOps


cdef enum H1ClientState:
    CLIENT_CONNECTING = 0
    CLIENT_IDLE
    CLIENT_BUSY
    CLIENT_TUNNEL
    CLIENT_CLOSED


cdef const UpstreamOps *h1_client_ops() noexcept nogil
cdef const ConnOps *h1_client_conn_ops() noexcept nogil
# Give a connected, free connection to a stream.
cdef void h1_client_attach(H1Client *client, Stream *stream) noexcept nogil
# Has a free connection nothing to say, and has it not ended?  Else it must not be used again.
cdef bint h1_client_silent(H1Client *client) noexcept nogil
# Milliseconds until an idle connection has to go: 0 now, -1 never.
cdef long long h1_client_idle_left(const H1Client *client) noexcept nogil
# Close and tell the pool.
cdef void h1_client_close(H1Client *client) noexcept nogil
