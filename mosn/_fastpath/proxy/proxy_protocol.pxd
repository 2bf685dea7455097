# PROXY protocol v1 and v2 (HAProxy's doc/proxy-protocol.txt), both directions.

from libc.stdint cimport int64_t

from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.types cimport Address, RequestInfo


# Queue the header for an upstream connection that carries info's client.
cdef int proxy_protocol_write(Conn *conn, int version, const RequestInfo *info) noexcept nogil
# Read a header.  Bytes it took (> 0; remote/local set unless LOCAL/UNKNOWN), 0 need-more, -1 malformed,
# -2 these bytes are not a PROXY header.
cdef int64_t proxy_protocol_read(const char *p, size_t n, Address *remote, Address *local) noexcept nogil
