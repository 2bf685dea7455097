# TCP proxy (Envoy's envoy.filters.network.tcp_proxy).

from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy


# Serve an accepted connection; the client's Conn, or NULL when out of memory (the socket is then still the caller's).
cdef void *tcp_open(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil
# Close every session (end of a drain).
cdef void tcp_kill_all(Proxy *proxy) noexcept nogil
