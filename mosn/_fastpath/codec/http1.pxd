# HTTP/1.1 as a codec without I/O (RFC 9112): bytes in; head, body range, error or need-more out.
#
# Incremental: a line is looked at once its LF has arrived, so the result is the same however the bytes are split
# and the work is linear in the bytes.  The caller keeps the bytes of an unfinished head contiguous and passes them
# again from the head's first byte; the parser remembers how far it came.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Buf, Slice


cdef enum H1Error:
    H1_OK = 0
    H1_BAD_LINE_END             # bare CR or LF
    H1_BAD_METHOD
    H1_BAD_TARGET
    H1_BAD_VERSION
    H1_BAD_HEADER_NAME          # empty, space before colon, not a token
    H1_BAD_HEADER_VALUE         # control characters
    H1_OBS_FOLD
    H1_BAD_CONTENT_LENGTH       # not digits, too large, repeated with another value
    H1_CONFLICTING_LENGTH       # Content-Length beside Transfer-Encoding
    H1_BAD_TRANSFER_ENCODING    # anything but exactly "chunked", or on HTTP/1.0
    H1_BAD_HOST                 # missing (HTTP/1.1), repeated or malformed
    H1_HEAD_TOO_LARGE           # -> 431
    H1_TOO_MANY_HEADERS         # -> 431
    H1_TARGET_TOO_LONG          # reserved
    H1_BAD_STATUS
    H1_BAD_CHUNK_SIZE
    H1_BAD_CHUNK_EXTENSION
    H1_BAD_CHUNK_END
    H1_BAD_TRAILER
    H1_HTTP10_REFUSED           # -> 426
    H1_OUT_OF_MEMORY
    H1_ERROR_COUNT


cdef struct H1Limits:
    uint32_t head_bytes         # request line or status line and headers, with line ends
    uint32_t headers            # how many
    uint32_t chunk_line_bytes   # size and extensions of one chunk
    uint32_t trailer_bytes
    bint allow_http10


cdef struct H1Line:
    # One finished header line: offsets from the first byte of the head.
    uint32_t name
    uint32_t value
    uint32_t value_len
    uint16_t name_len
    uint16_t id


cdef struct H1HeadParser:
    # State of one unfinished head.  Zeroed = start.  `lines` comes from malloc and is kept between heads
    # only when the caller keeps the parser; h1_head_reset frees it.
    uint32_t line_start         # first byte of the first unfinished line
    uint32_t scanned            # bytes already searched for LF
    uint16_t count
    uint16_t capacity
    uint8_t in_headers          # first line is done
    uint8_t error
    uint32_t first_line[6]      # offsets and lengths within the first line
    H1Line *lines


cdef enum H1BodyKind:
    H1_BODY_NONE = 0
    H1_BODY_LENGTH
    H1_BODY_CHUNKED
    H1_BODY_UNTIL_CLOSE
    H1_BODY_TUNNEL              # after CONNECT or 101: bytes without end


cdef struct H1BodyDecoder:
    uint64_t remaining          # of the length, or of the current chunk
    uint32_t line_bytes         # bytes of the current chunk line / trailer section so far
    uint8_t kind                # H1BodyKind
    uint8_t state               # chunked: private
    uint8_t done
    uint8_t error               # H1Error
    uint8_t digits


# Parse a head that starts at p.  Returns the bytes it took (> 0) with `head` filled (everything copied into
# head.arena, names lower case, framing facts in flags/content_length, framing headers kept in items), 0 for
# need-more, -1 for an error (parser.error says which).  Leading CRLFs before a request are skipped (RFC 9112 2.2).
cdef int64_t h1_parse_request(H1HeadParser *parser, const char *p, size_t n, const H1Limits *limits,
                              Head *head) noexcept nogil
cdef int64_t h1_parse_response(H1HeadParser *parser, const char *p, size_t n, const H1Limits *limits,
                               Head *head) noexcept nogil
cdef void h1_head_reset(H1HeadParser *parser) noexcept nogil

# How the body of a parsed head is framed (RFC 9112 6.3).  request_method is a Method id.
cdef void h1_request_body(const Head *head, H1BodyDecoder *body) noexcept nogil
cdef void h1_response_body(const Head *head, uint8_t request_method, H1BodyDecoder *body) noexcept nogil

# Take bytes of a body.  Returns how many bytes of p were used (or -1 on error) and sets data to the range of
# payload inside p that the used bytes held (n 0 if none).  Call again while unused bytes are left and not done.
# Trailer fields go into `trailers` (its arena) when it is not NULL, else they are checked and dropped.
# One caller-visible guarantee: payload bytes are never copied.  `scratch` holds an unfinished trailer line.
cdef int64_t h1_body_feed(H1BodyDecoder *body, const char *p, size_t n, const H1Limits *limits, Slice *data,
                          Head *trailers, BlockPool *pool, Buf *scratch) noexcept nogil

# Writing.  Both return 0, or -1 when out of memory.  The writer emits exactly what is in the head: the caller
# has set or removed framing and hop-by-hop headers.  proper_case writes "Content-Length" instead of "content-length".
cdef int h1_write_request(const Head *head, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil
cdef int h1_write_response(const Head *head, bint http10, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil
cdef int h1_write_trailers(const Head *trailers, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil
cdef const char *h1_reason(uint16_t status) noexcept nogil
cdef const char *h1_error_text(uint8_t error) noexcept nogil
