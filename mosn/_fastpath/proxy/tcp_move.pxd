# Bytes of a TCP session from side to side (the ConnOps of both sides).

from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.tcp_session cimport Side


cdef size_t tcp_on_data(Conn *conn, char *p, size_t n) noexcept nogil
cdef void tcp_on_readable(Conn *conn) noexcept nogil
cdef void tcp_on_writable(Conn *conn) noexcept nogil
cdef void tcp_on_drained(Conn *conn) noexcept nogil
cdef void tcp_stop_splicing(Side *side) noexcept nogil
