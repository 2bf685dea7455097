# HTTP/1.1 towards an upstream: one connection, one exchange at a time.

from mosn._fastpath.engine.types cimport ConnOps
from mosn._fastpath.proxy.runtime cimport H1Client, Stream, UpstreamOps


cdef const UpstreamOps *h1_client_ops() noexcept nogil
cdef const ConnOps *h1_client_conn_ops() noexcept nogil
# Give a connected, free connection to a stream.
cdef void h1_client_attach(H1Client *client, Stream *stream) noexcept nogil
