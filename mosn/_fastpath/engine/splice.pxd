# Moving bytes from socket to socket inside the kernel: splice(2) through a pipe.

from libc.stdint cimport uint32_t

from mosn._fastpath.engine.types cimport Conn, Engine, Pipe


# An empty pipe, from those that the engine keeps or a new one.  0, or -1 (no descriptors).
cdef int pipe_take(Engine *engine, Pipe *pipe) noexcept nogil
# Give it back; one that still holds bytes is closed.
cdef void pipe_give(Engine *engine, Pipe *pipe) noexcept nogil
# Up to n bytes from a connection.  How many; 0 at end of stream; -1 nothing there now (C_READABLE is cleared);
# -2 failed (errno).
cdef ssize_t pipe_fill(Pipe *pipe, Conn *source, size_t n) noexcept nogil
# Everything to a connection whose outbuf is empty.  1 done; 0 it takes no more now (C_WRITABLE is cleared);
# -2 failed (errno).
cdef int pipe_drain(Pipe *pipe, Conn *target) noexcept nogil
