"""Bodies of HTTP/1.1 messages: lengths and chunks (RFC 9112 6, 7).

Chunks are read byte by byte at their edges only.  Refused: a size with anything but 1 to 16 hex digits in front of
";" or CRLF, sizes of 2^63 and more, bare CR or LF, control characters in extensions, a chunk that does not end in CRLF.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy

from mosn._fastpath.codec.http1_head cimport h1_parse_field
from mosn._fastpath.codec.http1_types cimport (
    H1_BAD_CHUNK_END,
    H1_BAD_CHUNK_EXTENSION,
    H1_BAD_CHUNK_SIZE,
    H1_BAD_LINE_END,
    H1_BAD_TRAILER,
    H1_BODY_CHUNKED,
    H1_BODY_LENGTH,
    H1_BODY_NONE,
    H1_HEAD_TOO_LARGE,
    H1_OK,
    H1_OUT_OF_MEMORY,
    H1_TOO_MANY_HEADERS,
    H1BodyDecoder,
    H1Limits,
)
from mosn._fastpath.head cimport (
    H_AUTHORIZATION,
    H_CONTENT_TYPE,
    H_COOKIE,
    H_HTTP2_SETTINGS,
    H_SET_COOKIE,
    H_UNKNOWN,
    Head,
    Header,
    head_add,
)
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, arena_copy, buf_append, buf_release, slice_of

cdef enum State:
    SIZE = 0                # hex digits
    EXTENSION
    SIZE_LF
    DATA
    DATA_CR
    DATA_LF
    TRAILERS

cdef enum:
    MAX_DIGITS = 16

cdef uint8_t HEX[256]       # 1 + value of a hex digit, 0 for others


def _fill_classes() -> None:
    for value in range(16):
        HEX[ord(f"{value:x}")] = value + 1
        HEX[ord(f"{value:X}")] = value + 1


_fill_classes()


cdef inline bint _control(uint8_t c) noexcept nogil:
    return (c < 0x20 and c != 0x09) or c == 0x7f


# -- chunk lines

cdef int _size_byte(H1BodyDecoder *body, uint8_t c) noexcept nogil:
    cdef uint8_t digit = HEX[c]
    if digit:
        if body.digits == MAX_DIGITS or body.remaining >> 59:
            return H1_BAD_CHUNK_SIZE
        body.remaining = body.remaining << 4 | (digit - 1)
        body.digits += 1
        return H1_OK
    if body.digits == 0:
        return H1_BAD_CHUNK_SIZE
    if c == c"\r":
        body.state = SIZE_LF
    elif c == c";":
        body.state = EXTENSION
    else:
        return H1_BAD_LINE_END if c == c"\n" else H1_BAD_CHUNK_SIZE
    return H1_OK


cdef int _extension_byte(H1BodyDecoder *body, uint8_t c) noexcept nogil:
    # Extensions are not forwarded; they only must not hide a line end.
    if c == c"\r":
        body.state = SIZE_LF
    elif c == c"\n":
        return H1_BAD_LINE_END
    elif _control(c):
        return H1_BAD_CHUNK_EXTENSION
    return H1_OK


cdef int _size_end(H1BodyDecoder *body, uint8_t c) noexcept nogil:
    if c != c"\n":
        return H1_BAD_LINE_END
    body.state = DATA if body.remaining else TRAILERS
    body.line_bytes = 0
    return H1_OK


cdef int _chunk_end(H1BodyDecoder *body, uint8_t c) noexcept nogil:
    if body.state == DATA_CR:
        body.state = DATA_LF
        return H1_OK if c == c"\r" else H1_BAD_CHUNK_END
    body.state = SIZE
    body.digits = 0
    return H1_OK if c == c"\n" else H1_BAD_CHUNK_END


cdef int _edge_byte(H1BodyDecoder *body, uint8_t c, const H1Limits *limits) noexcept nogil:
    # One byte between the payloads of two chunks.
    if body.state >= DATA:
        return _chunk_end(body, c)
    body.line_bytes += 1
    if body.line_bytes > limits.chunk_line_bytes:
        return H1_BAD_CHUNK_EXTENSION
    if body.state == SIZE:
        return _size_byte(body, c)
    if body.state == EXTENSION:
        return _extension_byte(body, c)
    return _size_end(body, c)


# -- trailers

cdef bint _forbidden(uint16_t id) noexcept nogil:
    if id == H_UNKNOWN:
        return False
    return (id <= H_HTTP2_SETTINGS or id == H_AUTHORIZATION or id == H_CONTENT_TYPE
            or id == H_COOKIE or id == H_SET_COOKIE)


cdef int _check_trailer_line(const char *line, uint32_t n) noexcept nogil:
    # [line, line + n) ends in LF.
    cdef uint32_t i
    if n < 2 or line[n - 2] != c"\r":
        return H1_BAD_LINE_END
    for i in range(n - 2):
        if _control(<uint8_t>line[i]):
            return H1_BAD_LINE_END if line[i] == c"\r" else H1_BAD_TRAILER
    return H1_OK


cdef int _keep_trailer(char *line, uint32_t n, Head *trailers) noexcept nogil:
    # `line` is writable; its CR is still behind it.
    cdef Header field
    cdef char *copy
    if h1_parse_field(line, n, &field) != H1_OK:
        return H1_BAD_TRAILER
    if trailers == NULL or _forbidden(field.id):
        return H1_OK
    copy = arena_copy(trailers.arena, line, n)
    if copy == NULL:
        return H1_OUT_OF_MEMORY
    if head_add(trailers, field.id, copy, field.name_len, copy + (field.value - line), field.value_len) == NULL:
        return H1_OUT_OF_MEMORY
    return H1_OK


cdef int _trailer_line(H1BodyDecoder *body, Buf *scratch, const H1Limits *limits, Head *trailers) noexcept nogil:
    cdef char *line = scratch.data + scratch.start
    cdef uint32_t n = scratch.end - scratch.start
    cdef int error = _check_trailer_line(line, n)
    if error != H1_OK:
        return error
    if n == 2:
        body.done = True
        return H1_OK
    if body.fields >= limits.headers:
        return H1_TOO_MANY_HEADERS
    body.fields += 1
    return _keep_trailer(line, n - 2, trailers)


cdef int64_t _trailers(H1BodyDecoder *body, const char *p, size_t n, const H1Limits *limits, Head *trailers,
                       BlockPool *pool, Buf *scratch) noexcept nogil:
    # Lines are looked at one by one, once their LF is there; all of them count against the limit.
    cdef const char *lf
    cdef size_t used = 0
    cdef size_t part
    while used < n and not body.done:
        lf = <const char *>memchr(p + used, c"\n", n - used)
        part = n - used if lf == NULL else <size_t>(lf - p) + 1 - used
        # The empty line is not counted.
        if body.line_bytes + part > <size_t>limits.trailer_bytes + 2:
            body.error = H1_HEAD_TOO_LARGE
            return -1
        body.line_bytes += <uint32_t>part
        if part == 2 and p[used] == c"\r" and lf != NULL and scratch.data == NULL:
            body.done = True
            return <int64_t>used + 2
        if buf_append(pool, scratch, p + used, part) < 0:
            body.error = H1_OUT_OF_MEMORY
            return -1
        used += part
        if lf != NULL:
            body.error = <uint8_t>_trailer_line(body, scratch, limits, trailers)
            if body.error:
                return -1
            buf_release(pool, scratch)
    return <int64_t>used


# -- bodies

cdef int64_t _payload(H1BodyDecoder *body, const char *p, size_t n, Slice *data) noexcept nogil:
    # The bytes of the body or chunk that are there; Slice counts in 32 bits.
    if n > body.remaining:
        n = <size_t>body.remaining
    if n > 0x40000000:
        n = 0x40000000
    data[0] = slice_of(p, n)
    body.remaining -= n
    return <int64_t>n


cdef int64_t _chunked(H1BodyDecoder *body, const char *p, size_t n, const H1Limits *limits, Slice *data,
                      Head *trailers, BlockPool *pool, Buf *scratch) noexcept nogil:
    cdef size_t used = 0
    cdef int64_t more
    while used < n:
        if body.state == DATA:
            used += <size_t>_payload(body, p + used, n - used, data)
            if body.remaining == 0:
                body.state = DATA_CR
            return <int64_t>used
        if body.state == TRAILERS:
            more = _trailers(body, p + used, n - used, limits, trailers, pool, scratch)
            return more if more < 0 else <int64_t>used + more
        body.error = <uint8_t>_edge_byte(body, <uint8_t>p[used], limits)
        if body.error:
            return -1
        used += 1
    return <int64_t>used


cdef int64_t h1_body_feed(H1BodyDecoder *body, const char *p, size_t n, const H1Limits *limits, Slice *data,
                          Head *trailers, BlockPool *pool, Buf *scratch) noexcept nogil:
    cdef int64_t used
    data[0] = slice_of(p, 0)
    if body.error:
        return -1
    if body.kind == H1_BODY_CHUNKED:
        return 0 if body.done else _chunked(body, p, n, limits, data, trailers, pool, scratch)
    if body.kind == H1_BODY_LENGTH:
        used = _payload(body, p, n, data)
        body.done = body.remaining == 0
        return used
    if body.kind == H1_BODY_NONE:
        return 0
    body.remaining = ~<uint64_t>0       # until close, tunnel: without end
    return _payload(body, p, n, data)


cdef uint32_t h1_chunk_head(char *out, uint64_t n) noexcept nogil:
    cdef uint32_t digits = 1
    cdef uint32_t i
    cdef uint8_t value
    while digits < MAX_DIGITS and n >> (4 * digits):
        digits += 1
    for i in range(digits):
        value = (n >> (4 * (digits - 1 - i))) & 15
        out[i] = <char>(value + (c"0" if value < 10 else c"a" - 10))
    memcpy(out + digits, b"\r\n", 2)
    return digits + 2
