# The end of an exchange, and of a connection, with an upstream that speaks HTTP/1.1.

from mosn._fastpath.proxy.runtime cimport H1Client


# Before the last event of a response: the stream and the connection let go of each other.
cdef void h1_client_detach(H1Client *client) noexcept nogil
# After it: back to the pool, or closed when either direction did not end cleanly.
cdef void h1_client_release(H1Client *client) noexcept nogil
# Reset the stream (ResetReason; text may be NULL) and close.
cdef void h1_client_fail(H1Client *client, int reason, const char *text) noexcept nogil
# Milliseconds until an idle connection has to go: 0 now, -1 never.
cdef long long h1_client_idle_left(const H1Client *client) noexcept nogil
cdef void h1_client_stop_splicing(H1Client *client) noexcept nogil
# Close and tell the pool.
cdef void h1_client_close(H1Client *client) noexcept nogil
# Has a free connection nothing to say, and has it not ended?  Else it must not be used again.
cdef bint h1_client_silent(H1Client *client) noexcept nogil
