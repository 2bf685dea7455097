# What the owner sends: heads, bodies within both flow-control windows, trailers.

from libc.stdint cimport uint8_t, uint32_t

from mosn._fastpath.codec.h2_types cimport H2, H2Stream
from mosn._fastpath.head cimport Head


# A new stream of ours (client); NULL: the peer's limit, its GOAWAY, no ids or no memory left.
cdef H2Stream *h2_new_stream(H2 *h2) noexcept nogil
cdef bint h2_can_open(const H2 *h2) noexcept nogil
# Fields that are about an HTTP/1.1 connection are left out.  -1: no memory; the connection has failed.
cdef int h2_send_request(H2 *h2, H2Stream *stream, const Head *head, bint end) noexcept nogil
cdef int h2_send_response(H2 *h2, H2Stream *stream, const Head *head, bint end) noexcept nogil
# Copied: sent as far as the windows allow, the rest is queued in the stream.
cdef int h2_send_data(H2 *h2, H2Stream *stream, const char *p, size_t n, bint end) noexcept nogil
cdef int h2_send_trailers(H2 *h2, H2Stream *stream, const Head *trailers) noexcept nogil
# Windows or the output have room again: send what is queued, a frame of each stream in turn.
cdef void h2_flush(H2 *h2) noexcept nogil
cdef void h2_flush_stream(H2 *h2, H2Stream *stream) noexcept nogil
# The owner is done with n bytes of a body: the peer may send as many again.
cdef void h2_consumed(H2 *h2, H2Stream *stream, uint32_t n) noexcept nogil
# The same for the connection alone (of a stream that is gone).
cdef void h2_consumed_here(H2 *h2, uint32_t n) noexcept nogil
