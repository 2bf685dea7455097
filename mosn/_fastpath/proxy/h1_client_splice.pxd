# Large response bodies of HTTP/1.1: spliced from the upstream's socket to the client's.

from mosn._fastpath.proxy.runtime cimport H1Client, Stream


# After a head or a piece of body: change over when what comes is long enough and the client's framing allows it.
cdef void h1_client_maybe_splice(H1Client *client) noexcept nogil
# Move what can be moved now.
cdef void h1_client_splice(H1Client *client) noexcept nogil
# UpstreamOps.splice_on.
cdef void h1_client_splice_on(Stream *stream) noexcept nogil
