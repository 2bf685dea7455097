# TLS's ClientHello (RFC 8446 4.1.2, RFC 6066 3, RFC 7301 3.1), as far as it chooses a filter chain.

from libc.stdint cimport uint16_t


cdef enum:
    CLIENT_HELLO_NOT_TLS = -1       # or a ClientHello that no TLS stack would take
    CLIENT_HELLO_MORE = 0
    CLIENT_HELLO_FOUND = 1
    CLIENT_HELLO_TOO_LARGE = -2     # over CLIENT_HELLO_BYTES
    CLIENT_HELLO_BYTES = 16384      # of the message, its records not counted
    ALPN_KEPT = 256


cdef struct ClientHello:
    uint16_t name_length            # 0 without server_name
    uint16_t protocols_length
    char server_name[256]           # lower case
    char protocols[256]             # ALPN's list as on the wire: a length byte, then the name; whole names only


# Looks at the first n bytes of a connection: one of CLIENT_HELLO_*; `out` is set with CLIENT_HELLO_FOUND.
cdef int client_hello_read(const char *p, size_t n, ClientHello *out) noexcept nogil
