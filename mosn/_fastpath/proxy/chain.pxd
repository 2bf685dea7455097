# Envoy's filter chain matching.

from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Listener


# The chain for a connection; the default chain, or NULL, when none matches.
cdef FilterChain *chain_find(Listener *config, const Accepted *accepted) noexcept nogil
