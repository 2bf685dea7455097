# HTTP/2 towards an upstream: one connection, many streams.

from mosn._fastpath.engine.types cimport ConnOps
from mosn._fastpath.proxy.h2_client_types cimport H2Client
from mosn._fastpath.proxy.runtime cimport Stream


# It is connected: begin to speak.
cdef void h2_client_opened(H2Client *client) noexcept nogil
# May another stream begin here now?
cdef bint h2_client_has_room(const H2Client *client) noexcept nogil
# A stream gets this connection (it has room).
cdef void h2_client_serve(H2Client *client, Stream *stream) noexcept nogil
# No new requests; it closes after the last answer.
cdef void h2_client_retire(H2Client *client) noexcept nogil
# Close now; streams under way are reset with this ResetReason.
cdef void h2_client_close(H2Client *client, int reason) noexcept nogil
cdef const ConnOps *h2_client_conn_ops() noexcept nogil
