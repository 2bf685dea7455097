# A client's TLS handshake, between the filter chain that wants it and that chain's protocol.

from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy


# Shake hands, then open the chain's protocol; or close, when that fails, takes too long, or too many are at it.
cdef void tls_begin(Proxy *proxy, Accepted *facts, FilterChain *chain) noexcept nogil
# Close every connection whose handshake is not done.
cdef void tls_kill_all(Proxy *proxy) noexcept nogil
