# Requests of an HTTP/1.1 client.

from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.runtime cimport H1Server


# ConnOps.on_data.
cdef size_t h1_server_on_data(Conn *conn, char *p, size_t n) noexcept nogil
# A head that never ends: 408, or a close when nobody could say so.
cdef void h1_server_head_timeout(H1Server *server) noexcept nogil
