# The streams of a connection: finding, opening, closing, and which were closed lately.

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.h2_types cimport H2, H2Stream


cdef H2Stream *h2_find(const H2 *h2, uint32_t id) noexcept nogil
# NULL: no memory.
cdef H2Stream *h2_open(H2 *h2, uint32_t id) noexcept nogil
# After END_STREAM or RST_STREAM went or came: leaves the table when nothing more can happen.
cdef void h2_settle(H2 *h2, H2Stream *stream) noexcept nogil
# RST_STREAM, and forget what is queued.
cdef void h2_reset(H2 *h2, H2Stream *stream, uint32_t code) noexcept nogil
# The owner hears nothing more of it (stream.owner is free for others).
cdef void h2_detach(H2 *h2, H2Stream *stream) noexcept nogil
# How a stream that is not in the table ended: H2S_REMOTE_END, H2S_RESET (by us), 0 (by the peer), or -1 not known.
cdef int h2_closed(const H2 *h2, uint32_t id) noexcept nogil
cdef void h2_unblock(H2 *h2, H2Stream *stream) noexcept nogil
cdef void h2_block(H2 *h2, H2Stream *stream) noexcept nogil
# Count a stream that the peer ended too early; may fail the connection.
cdef void h2_judge_reset(H2 *h2, const H2Stream *stream) noexcept nogil
cdef void h2_streams_free(H2 *h2) noexcept nogil
