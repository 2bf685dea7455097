# Requests on an upstream's HTTP/2 connection: what streams send (UpstreamOps) and what the codec tells them.

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.h2_types cimport H2Events
from mosn._fastpath.proxy.h2_client_types cimport H2Client
from mosn._fastpath.proxy.runtime cimport Stream, UpstreamOps


cdef const UpstreamOps *h2_client_ops() noexcept nogil
cdef const H2Events *h2_client_events() noexcept nogil
# The stream and the connection know nothing of each other any more.
cdef void h2_client_let_go(H2Client *client, Stream *stream) noexcept nogil
# Something was written since the output had `before` bytes, for `stream` (or NULL).
cdef void h2_client_wrote(H2Client *client, Stream *stream, uint32_t before) noexcept nogil
