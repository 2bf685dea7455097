# Mirrored ("shadow") requests: copies whose answers are thrown away.

from mosn._fastpath.proxy.runtime cimport Stream


# Start the copies that the route asks for.  The request's head is final.
cdef void mirrors_start(Stream *stream) noexcept nogil
# Request bytes (and end) for the copies.
cdef void mirrors_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil
# The request is over before its body was complete: so are its copies.
cdef void mirrors_forget(Stream *stream) noexcept nogil
