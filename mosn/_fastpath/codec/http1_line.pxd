# Request lines and status lines of HTTP/1.1 heads (private to the codec).

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from mosn._fastpath.head cimport Head


cdef struct FirstLine:
    uint32_t method_len
    uint32_t target
    uint32_t target_len
    uint32_t authority      # within the target: absolute-form and authority-form
    uint32_t authority_len
    uint16_t status
    uint8_t method
    uint8_t http10
    uint8_t absolute        # length of the scheme, 0 for other forms


# line[0, n) is the line without CRLF; line[n] is its CR.  H1_OK or what is wrong with it.
cdef int h1_request_line(const char *line, uint32_t n, bint allow_http10, FirstLine *out) noexcept nogil
cdef int h1_status_line(const char *line, uint32_t n, FirstLine *out) noexcept nogil
# Can a method begin with this byte?
cdef bint h1_method_byte(char c) noexcept nogil
# uri-host [ ":" port ] (RFC 9110 4.2, 7.2): neither empty nor with user information.
cdef bint h1_valid_authority(const char *p, uint32_t n, bint port_required) noexcept nogil
# Fill the request's part of a head whose arena holds `line`.
cdef int h1_set_request_line(const char *line, const FirstLine *first, Head *head) noexcept nogil
