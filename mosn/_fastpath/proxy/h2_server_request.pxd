# Requests of an HTTP/2 client: the codec's events become streams.

from mosn._fastpath.codec.h2_types cimport H2Events
from mosn._fastpath.proxy.h2_server_types cimport H2Server


cdef const H2Events *h2_server_events() noexcept nogil
# Make chain and manager those of the live snapshot.  False: none wants this connection any more.
cdef bint h2_server_refresh(H2Server *server) noexcept nogil
