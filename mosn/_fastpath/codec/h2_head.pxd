# What the fields of HTTP/2 heads may be (RFC 9113 section 8), so that routing and HTTP/1.1 behind it see what an
# HTTP/1.1 client could have said, and nothing else.

from mosn._fastpath.head cimport Head


# Each takes a decoded head (pseudo-header fields in items) and makes it the project's: method, path, authority ...
# set, pseudo-header fields and Host gone from items, cookies joined, flags and content_length set.  NULL, or what is
# malformed.
cdef const char *h2_request_head(Head *head, bint end, bint connect_protocol) noexcept nogil
cdef const char *h2_response_head(Head *head, bint end) noexcept nogil
cdef const char *h2_trailers(Head *trailers) noexcept nogil
