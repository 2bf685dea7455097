# Is this HTTP?  What the first bytes of a connection say, by Envoy's http_inspector.

from libc.stdint cimport uint32_t


cdef enum:
    HTTP_NOT = -1
    HTTP_MORE = 0
    HTTP_10 = 1                 # a request line of any version but 1.1
    HTTP_11 = 2
    HTTP_2 = 3                  # the connection preface (RFC 9113 3.4)
    HTTP_TOO_LONG = -2          # no line end within REQUEST_LINE_BYTES
    REQUEST_LINE_BYTES = 65536


# One of HTTP_*.  `seen` is 0 at first and is kept between calls with more of the same bytes (how many were searched).
cdef int request_line_detect(const char *p, size_t n, uint32_t *seen) noexcept nogil
