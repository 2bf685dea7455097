# Writing HTTP/1.1 heads.  Users cimport from http1.pxd.

from libc.stdint cimport uint16_t

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf


# All return 0, or -1 when out of memory.  The writer emits exactly what is in the head: the caller has set or removed
# framing and hop-by-hop headers, and values hold no CR, LF or NUL.  proper_case writes "Content-Length" instead of
# "content-length" (Envoy's proper_case_words).
# "host: AUTHORITY" follows the request line; the target is the path, or the authority for CONNECT.
cdef int h1_write_request(const Head *head, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil
cdef int h1_write_response(const Head *head, bint http10, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil
# What follows the last chunk's line ("0" CRLF): the fields (none for NULL) and the empty line.
cdef int h1_write_trailers(const Head *trailers, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil
# The reason phrase of a status, "" when it has none.
cdef const char *h1_reason(uint16_t status) noexcept nogil
