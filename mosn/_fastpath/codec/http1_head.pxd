# Heads of HTTP/1.1 messages: bytes in, a Head out.  Users cimport from http1.pxd.

from libc.stdint cimport int64_t, uint32_t

from mosn._fastpath.codec.http1_types cimport H1HeadParser, H1Limits
from mosn._fastpath.head cimport Head, Header


# Parse a head that starts at p.  Returns the bytes it took (> 0) with `head` filled (everything copied into
# head.arena, names lower case, framing facts in flags/content_length, framing headers kept in items), 0 for
# need-more, -1 for an error (parser.error says which).  The caller keeps the bytes of an unfinished head contiguous
# and passes them again from the head's first byte.  `head` (head.arena must be set) is touched only when the head
# is complete.  Leading CRLFs before a request are skipped (RFC 9112 2.2) and count as bytes taken.
#
# Host: Head.authority, without an item.  An absolute-form target gives scheme and authority and replaces Host
# (RFC 9112 3.2.2); `scheme` is empty otherwise.  CONNECT: authority is the target, path is empty.
cdef int64_t h1_parse_request(H1HeadParser *parser, const char *p, size_t n, const H1Limits *limits,
                              Head *head) noexcept nogil
cdef int64_t h1_parse_response(H1HeadParser *parser, const char *p, size_t n, const H1Limits *limits,
                               Head *head) noexcept nogil
cdef void h1_head_reset(H1HeadParser *parser) noexcept nogil

# One field line [line, line + n), without its CRLF and without control characters, into `out` (which points into
# the line); the name is lower-cased in place.  line[n] must be readable and not be a token character.
cdef int h1_parse_field(char *line, uint32_t n, Header *out) noexcept nogil
