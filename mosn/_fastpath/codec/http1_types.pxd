# What the parts of the HTTP/1.1 codec share (http1.pxd re-exports it).

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t


cdef enum H1Error:
    H1_OK = 0
    H1_BAD_LINE_END             # bare CR or LF
    H1_BAD_METHOD
    H1_BAD_TARGET
    H1_BAD_VERSION
    H1_BAD_HEADER_NAME          # empty, space before colon, not a token
    H1_BAD_HEADER_VALUE         # control characters
    H1_OBS_FOLD
    H1_BAD_CONTENT_LENGTH       # not digits, too large, repeated
    H1_CONFLICTING_LENGTH       # Content-Length beside Transfer-Encoding
    H1_BAD_TRANSFER_ENCODING    # anything but exactly "chunked", or on HTTP/1.0
    H1_BAD_HOST                 # missing (HTTP/1.1), repeated or malformed
    H1_HEAD_TOO_LARGE           # -> 431; also the trailer section
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
    bint allow_http10           # requests; responses of HTTP/1.0 are always read


cdef struct H1HeadParser:
    # State of one unfinished head.  Zeroed = start.  It owns nothing.
    uint32_t line_start         # first byte of the first unfinished line
    uint32_t scanned            # bytes already searched for line ends and control characters
    uint32_t lines              # finished lines, the first one included
    uint8_t error               # H1Error


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
    uint16_t fields             # trailer fields so far
