# HEADERS and CONTINUATION: from frames to a head, and what it means for the stream.

from mosn._fastpath.codec.h2_types cimport H2, H2Frame


cdef void h2_block_start(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
cdef void h2_block_continue(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
