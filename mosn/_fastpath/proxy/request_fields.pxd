# What is dropped, joined and refused among a request's fields before and after routing.

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.runtime cimport Stream


# Underscores, hop-by-hop fields, Expect, repeated fields.  0, or a negative status that ends the connection.
cdef int clean_fields(Stream *stream, Slice *details) noexcept nogil
# What a client that is not internal may not say; at the edge its address is told to the upstream.
cdef void clean_untrusted(Stream *stream) noexcept nogil
# What only the router reads.
cdef void remove_router_headers(Head *head) noexcept nogil
