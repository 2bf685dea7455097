# Frames that are written (RFC 9113 section 6), and the end of a connection.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.h2_types cimport H2


cdef char *h2_put_head(char *out, uint32_t n, uint32_t kind, uint32_t flags, uint32_t id) noexcept nogil
# Our preface (clients), SETTINGS and the connection's window.
cdef void h2_write_preface(H2 *h2) noexcept nogil
cdef void h2_write_settings_ack(H2 *h2) noexcept nogil
cdef void h2_write_ping(H2 *h2, const char *eight_bytes, bint ack) noexcept nogil
cdef void h2_write_reset(H2 *h2, uint32_t id, uint32_t code) noexcept nogil
cdef void h2_write_window(H2 *h2, uint32_t id, uint32_t bytes) noexcept nogil
cdef void h2_write_goaway(H2 *h2, uint32_t last_id, uint32_t code) noexcept nogil
# A connection error: GOAWAY, and nothing more is read.  The first one counts.
cdef void h2_fail(H2 *h2, uint32_t code, const char *why) noexcept nogil
cdef void h2_note(H2 *h2, int what) noexcept nogil
