# HTTP/1.1 towards a client: one connection, requests one after the other.

from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, H1Server, Proxy


# Serve an accepted connection (accepted.conn, when set, is moved from and must be dead to its owner afterwards).
# NULL when out of memory; the socket is then still the caller's.
cdef H1Server *h1_server_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil
# Say goodbye at the next chance (drain): idle connections close now.
cdef void h1_server_drain(H1Server *server) noexcept nogil
cdef void h1_server_kill(H1Server *server) noexcept nogil
