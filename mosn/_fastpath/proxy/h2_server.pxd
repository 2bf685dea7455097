# HTTP/2 towards a client: one connection, many requests in flight.

from mosn._fastpath.proxy.h2_server_types cimport H2Server
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, H1Server, Proxy


# Serve an accepted connection (accepted.conn, when set, is moved from).  NULL when out of memory.
cdef H2Server *h2_server_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil
# A connection that was taken for HTTP/1 begins with HTTP/2's preface: n bytes at p, none of them used.  The H1Server
# is dead afterwards.
cdef void h2_server_adopt(H1Server *server, const char *p, size_t n) noexcept nogil
# Say goodbye in two steps; connections close as soon as nothing is in flight on them.
cdef void h2_drain_all(Proxy *proxy) noexcept nogil
cdef void h2_kill_all(Proxy *proxy) noexcept nogil
