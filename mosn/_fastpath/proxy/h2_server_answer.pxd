# Answers to an HTTP/2 client (DownstreamOps), and the request bytes that wait meanwhile.

from mosn._fastpath.proxy.runtime cimport DownstreamOps, Stream


cdef const DownstreamOps *h2_server_answer_ops() noexcept nogil
# Bytes of a request's body: to the upstream, or kept until it takes them.
cdef void h2_server_body(Stream *stream, const char *p, size_t n, bint end) noexcept nogil
cdef void h2_server_trailers(Stream *stream) noexcept nogil
