# Connections that outlive a snapshot.

from mosn._fastpath.proxy.runtime cimport H1Server


# Point a connection at the live snapshot's chain.  False when no HTTP chain wants it any more.
cdef bint rebind_chain(H1Server *server) noexcept nogil
