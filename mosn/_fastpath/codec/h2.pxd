# HTTP/2 as a codec without I/O (RFC 9113).  The contracts stand beside the functions in the files named here.

from mosn._fastpath.codec.h2_types cimport H2, H2Config, H2Events


# Envoy's defaults, with windows of 256 KiB a stream and 1 MiB a connection.
cdef void h2_default_config(H2Config *config) noexcept nogil
# A connection; its first bytes are in the output.  All pointers are the owner's and outlive it.
cdef void h2_init(H2 *h2, const H2Config *config, const H2Events *events, bint client) noexcept nogil
cdef void h2_free(H2 *h2) noexcept nogil
# Drain in two steps: no new streams, please; then (a round trip later) those that came meanwhile are the last.
cdef void h2_drain(H2 *h2, bint last) noexcept nogil
# The owner took the output away: answers that were in it no longer count as unread.
cdef void h2_output_taken(H2 *h2) noexcept nogil
