# HTTP/1.1 as a codec without I/O (RFC 9112): bytes in; head, body range, error or need-more out.
#
# Incremental: each byte is searched once for line ends, so the result is the same however the bytes are split and the
# work is linear in the bytes.  The contracts stand beside the functions in the files that are named here.

from libc.stdint cimport uint8_t, uint16_t

from mosn._fastpath.codec.http1_body cimport h1_body_feed, h1_chunk_head
from mosn._fastpath.codec.http1_framing cimport h1_request_body, h1_response_body
from mosn._fastpath.codec.http1_head cimport h1_head_reset, h1_parse_request, h1_parse_response
from mosn._fastpath.codec.http1_types cimport (
    H1_BAD_CHUNK_END,
    H1_BAD_CHUNK_EXTENSION,
    H1_BAD_CHUNK_SIZE,
    H1_BAD_CONTENT_LENGTH,
    H1_BAD_HEADER_NAME,
    H1_BAD_HEADER_VALUE,
    H1_BAD_HOST,
    H1_BAD_LINE_END,
    H1_BAD_METHOD,
    H1_BAD_STATUS,
    H1_BAD_TARGET,
    H1_BAD_TRAILER,
    H1_BAD_TRANSFER_ENCODING,
    H1_BAD_VERSION,
    H1_BODY_CHUNKED,
    H1_BODY_LENGTH,
    H1_BODY_NONE,
    H1_BODY_TUNNEL,
    H1_BODY_UNTIL_CLOSE,
    H1_CONFLICTING_LENGTH,
    H1_ERROR_COUNT,
    H1_HEAD_TOO_LARGE,
    H1_HTTP10_REFUSED,
    H1_OBS_FOLD,
    H1_OK,
    H1_OUT_OF_MEMORY,
    H1_TARGET_TOO_LONG,
    H1_TOO_MANY_HEADERS,
    H1BodyDecoder,
    H1BodyKind,
    H1Error,
    H1HeadParser,
    H1Limits,
)
from mosn._fastpath.codec.http1_write cimport (
    h1_reason,
    h1_write_request,
    h1_write_response,
    h1_write_trailers,
)
from mosn._fastpath.head cimport Head


cdef const char *h1_error_text(uint8_t error) noexcept nogil
# Mark as removed what concerns only this connection (RFC 9110 7.6.1, as Envoy does it): Connection, Keep-Alive,
# Proxy-Connection, Transfer-Encoding, Upgrade, HTTP2-Settings, TE unless it has "trailers" (which is all that is
# kept of it), and every field that Connection names.  Trailer stays.
# Returns 0, or -1 when Connection names what must not be removed (Host, a pseudo header, Content-Length,
# X-Forwarded-For/-Host/-Proto) or more than 10 fields: an attack, answered 400.  The fields in the
# list above are removed even then.
cdef int h1_strip_hop_by_hop(Head *head) noexcept nogil
