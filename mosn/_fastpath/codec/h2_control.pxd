# Frames that are not about bytes of messages: SETTINGS, PING, GOAWAY, WINDOW_UPDATE, RST_STREAM, PRIORITY.

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.h2_types cimport H2, H2Frame, H2Stream


cdef void h2_on_settings(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
cdef void h2_on_ping(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
cdef void h2_on_goaway(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
cdef void h2_on_window(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
cdef void h2_on_reset(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
cdef void h2_on_priority(H2 *h2, const char *payload, const H2Frame *frame) noexcept nogil
# A stream error (RFC 9113 5.4.2): RST_STREAM, and the owner is told.
cdef void h2_stream_error(H2 *h2, H2Stream *stream, uint32_t code) noexcept nogil
# Was this stream never opened?
cdef bint h2_is_idle(const H2 *h2, uint32_t id) noexcept nogil
# Count an empty frame, or that one was not.  False: too many in a row, the connection has failed.
cdef bint h2_empty_frame(H2 *h2, bint empty) noexcept nogil
# The values of a SETTINGS payload (also of an Upgrade's HTTP2-Settings); may fail the connection.
cdef void h2_apply_settings(H2 *h2, const char *payload, uint32_t n) noexcept nogil
