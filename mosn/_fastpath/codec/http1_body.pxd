# Bodies of HTTP/1.1 messages.  Users cimport from http1.pxd.

from libc.stdint cimport int64_t, uint32_t, uint64_t

from mosn._fastpath.codec.http1_types cimport H1BodyDecoder, H1Limits
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


# Take bytes of a body.  Returns how many bytes of p were used (or -1 on error) and sets data to the range of
# payload inside p that the used bytes held (n 0 if none).  Call again while unused bytes are left and not done.
# Trailer fields go into `trailers` (its arena) when it is not NULL, else they are checked and dropped.  Fields that
# frame, route or authenticate are dropped always (RFC 9110 6.5.1).
# One caller-visible guarantee: payload bytes are never copied.  `scratch` holds an unfinished trailer line; it is
# empty again when the body is done (buf_release it after an error).
cdef int64_t h1_body_feed(H1BodyDecoder *body, const char *p, size_t n, const H1Limits *limits, Slice *data,
                          Head *trailers, BlockPool *pool, Buf *scratch) noexcept nogil
# Write the line that begins a chunk of n bytes; returns its length (at most 18).  n 0 gives the last chunk's line.
cdef uint32_t h1_chunk_head(char *out, uint64_t n) noexcept nogil
