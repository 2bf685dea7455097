# Connections: reading, writing, pausing, closing.

from libc.stdint cimport uint32_t

from mosn._fastpath.engine.types cimport Conn, ConnOps, Engine


# Take over a socket that is non-blocking.  `connecting`: connect() is under way.  0, or -1 with errno.
cdef int conn_init(Conn *conn, Engine *engine, const ConnOps *ops, int fd, bint connecting) noexcept nogil
# Move an open connection (socket, unread bytes) into another owner's struct.
cdef int conn_move(Conn *target, Conn *source, const ConnOps *ops) noexcept nogil
# Read and deliver until drained, paused or the fairness budget is used up.
cdef void conn_read(Conn *conn) noexcept nogil
cdef void conn_pause(Conn *conn) noexcept nogil
# Go on reading; bytes that are waiting in inbuf are offered before the batch is over.
cdef void conn_resume(Conn *conn) noexcept nogil

# Queue bytes (copied) to be sent when the event has been handled.  0, or -1 when out of memory.
cdef int conn_write(Conn *conn, const char *p, size_t n) noexcept nogil
# As conn_write, but large pieces go to the kernel at once, without a copy.
cdef int conn_write_large(Conn *conn, const char *p, size_t n) noexcept nogil
# Send now what is queued, as far as the kernel takes it; errors are left to the flush that comes.
cdef void conn_push(Conn *conn) noexcept nogil
cdef void conn_flush_soon(Conn *conn) noexcept nogil
cdef void conn_flush(Conn *conn) noexcept nogil
# After the queued bytes: half-close.
cdef void conn_shutdown(Conn *conn) noexcept nogil
# After the queued bytes: half-close, throw away what the peer still sends, close at its EOF or after delay_ms
# (a close with unread input would make the kernel send RST and the peer lose the answer).
cdef void conn_close_gently(Conn *conn, uint32_t delay_ms) noexcept nogil
# Close once the queued bytes are out.
cdef void conn_close_flushed(Conn *conn) noexcept nogil
# Close now.  The owner hears nothing more; ops.destroy is called when the batch is over.
cdef void conn_close(Conn *conn) noexcept nogil
# Close now with RST instead of FIN.
cdef void conn_abort(Conn *conn) noexcept nogil
# Make the engine look at the connection again in this batch (fairness).
cdef void conn_ready_again(Conn *conn) noexcept nogil
cdef void conn_timer(Conn *conn, uint32_t delay_ms) noexcept nogil
cdef void conn_timer_cancel(Conn *conn) noexcept nogil
