# The connection of an HTTP/2 client: what it writes, how it ends.

from mosn._fastpath.proxy.h2_server_types cimport H2Server


# Something was written to the output: see that it is sent, and whether it is too much.
cdef void h2_server_wrote(H2Server *server) noexcept nogil
# No new requests, please; the connection ends with the last of those that are under way.
cdef void h2_server_goodbye(H2Server *server) noexcept nogil
# After the end of a request: the connection's own end, if it is time.
cdef void h2_server_after(H2Server *server) noexcept nogil
# Every request of this client is over, and so is the connection; what is queued is sent when `flushed`.
cdef void h2_server_lost(H2Server *server, const char *details, bint protocol_error, bint flushed) noexcept nogil
# Once per connection: statistics, lists.
cdef void h2_server_gone(H2Server *server) noexcept nogil
cdef void h2_server_arm(H2Server *server) noexcept nogil
