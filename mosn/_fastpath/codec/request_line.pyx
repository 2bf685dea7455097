"""Is this HTTP (see request_line.pxd)?

A request line is taken for one as soon as it has ended; it is given up at the first byte that cannot stand in one, so
that a binary protocol is not waited for.
"""

from libc.stdint cimport uint32_t
from libc.string cimport memchr, memcmp

cdef enum:
    PREFACE_BYTES = 24
    LONGEST_METHOD = 64
    LONGEST_SCHEME = 64
    VERSION_BYTES = 8           # HTTP/1.1

cdef const char *PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
cdef const char *TOKEN_SIGNS = b"!#$%&'*+-.^_`|~"


cdef inline bint is_digit(char c) noexcept nogil:
    return c'0' <= c <= c'9'


cdef inline bint is_alpha(char c) noexcept nogil:
    return c'a' <= (c | 0x20) <= c'z'


cdef inline bint is_token(char c) noexcept nogil:
    return is_alpha(c) or is_digit(c) or (c and memchr(TOKEN_SIGNS, c, 15) != NULL)


cdef inline bint is_visible(char c) noexcept nogil:
    return c'!' <= c <= c'~'


cdef int method_length(const char *p, size_t n) noexcept nogil:
    # Of the method that a space follows; 0 not seen yet, -1 none.
    cdef uint32_t i
    for i in range(LONGEST_METHOD + 1):
        if i == n:
            return 0
        if p[i] == c' ' and i:
            return <int>i
        if not is_token(p[i]):
            return -1
    return -1


cdef int target_begins(const char *p, size_t n, bint authority) noexcept nogil:
    # 1 a path, *, or scheme://; for CONNECT any name; 0 not seen yet, -1 neither.
    cdef uint32_t i = 0
    if n == 0:
        return 0
    if p[0] == c'/' or p[0] == c'*' or (authority and is_visible(p[0])):
        return 1
    if not is_alpha(p[0]):
        return -1
    while i < n and (is_alpha(p[i]) or is_digit(p[i]) or p[i] == c'+' or p[i] == c'-' or p[i] == c'.'):
        i += 1
        if i > LONGEST_SCHEME:
            return -1
    n -= i
    if memcmp(p + i, b"://", n if n < 3 else 3) != 0:
        return -1
    return 1 if n >= 3 else 0


cdef int version_of(const char *target, const char *end) noexcept nogil:
    # Of a line that has ended, seen from its target on.  Whether the target is a good one is for HTTP to say.
    cdef const char *space = <const char *>memchr(target, c' ', end - target)
    cdef const char *version
    if space == NULL:
        space = end             # HTTP/0.9
    if space == target:
        return HTTP_NOT
    if space == end:
        return HTTP_10
    version = space + 1
    if end - version != VERSION_BYTES or memcmp(version, b"HTTP/", 5) != 0 or version[6] != c'.':
        return HTTP_NOT
    if not is_digit(version[5]) or not is_digit(version[7]):
        return HTTP_NOT
    return HTTP_11 if version[5] == c'1' and version[7] == c'1' else HTTP_10


cdef int request_line_detect(const char *p, size_t n, uint32_t *seen) noexcept nogil:
    cdef const char *end
    cdef int method, begins
    if memcmp(p, PREFACE, n if n < PREFACE_BYTES else PREFACE_BYTES) == 0:
        return HTTP_2 if n >= PREFACE_BYTES else HTTP_MORE
    method = method_length(p, n)
    if method <= 0:
        return HTTP_NOT if method < 0 else HTTP_MORE
    begins = target_begins(p + method + 1, n - method - 1, method == 7 and memcmp(p, b"CONNECT", 7) == 0)
    if begins < 0:
        return HTTP_NOT
    end = <const char *>memchr(p + seen[0], c'\n', n - seen[0])
    if end == NULL:
        seen[0] = <uint32_t>n
        return HTTP_TOO_LONG if n >= REQUEST_LINE_BYTES else HTTP_MORE
    if begins == 0:
        return HTTP_NOT
    if (end - 1)[0] == c'\r':
        end -= 1
    return version_of(p + method + 1, end)
