# The connection of an HTTP/1.1 client between and after its requests.

from libc.stdint cimport uint64_t

from mosn._fastpath.proxy.runtime cimport H1Server


# Is it beyond max_connection_duration?
cdef bint h1_server_too_old(const H1Server *server) noexcept nogil
# The connection is idle from now on.
cdef void h1_server_arm_idle(H1Server *server) noexcept nogil
# Milliseconds until an idle connection has to go: 0 it has to go now; -1 it may stay for ever.
cdef long long h1_server_idle_left(const H1Server *server) noexcept nogil
# An exchange has ended: ready for the next request.
cdef void h1_server_next(H1Server *server) noexcept nogil
cdef void h1_server_close(H1Server *server) noexcept nogil
# Statistics and lists, once per connection.
cdef void h1_server_gone(H1Server *server, bint remote) noexcept nogil
