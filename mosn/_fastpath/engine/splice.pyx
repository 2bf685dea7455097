"""splice(2) from socket to socket (see splice.pxd).

About a third of the CPU of reading and writing 64 KiB, because nothing is copied; two more system calls, so it is used
for bulk only.  Pipes are kept: making one costs more than using it.
"""

from mosn._fastpath.engine.system cimport (
    EAGAIN,
    EINTR,
    O_CLOEXEC,
    O_NONBLOCK,
    SPLICE_F_MOVE,
    SPLICE_F_NONBLOCK,
    close,
    errno,
    pipe2,
    splice,
)
from mosn._fastpath.engine.types cimport C_READABLE, C_WRITABLE, KEPT_PIPES, Conn, Engine, Pipe


cdef int pipe_take(Engine *engine, Pipe *pipe) noexcept nogil:
    pipe.bytes = 0
    if engine.kept_pipes:
        engine.kept_pipes -= 1
        pipe.ends[0] = engine.pipes[engine.kept_pipes].ends[0]
        pipe.ends[1] = engine.pipes[engine.kept_pipes].ends[1]
        pipe.open = True
        return 0
    pipe.open = pipe2(pipe.ends, O_NONBLOCK | O_CLOEXEC) == 0
    return 0 if pipe.open else -1


cdef void pipe_give(Engine *engine, Pipe *pipe) noexcept nogil:
    if not pipe.open:
        return
    pipe.open = False
    if pipe.bytes == 0 and engine.kept_pipes < KEPT_PIPES:
        engine.pipes[engine.kept_pipes] = pipe[0]
        engine.kept_pipes += 1
        return
    close(pipe.ends[0])
    close(pipe.ends[1])


cdef ssize_t pipe_fill(Pipe *pipe, Conn *source, size_t n) noexcept nogil:
    cdef ssize_t moved
    while True:
        moved = splice(source.fd, NULL, pipe.ends[1], NULL, n, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
        if moved >= 0:
            pipe.bytes += moved
            return moved
        if errno == EAGAIN:
            source.flags &= ~<unsigned int>C_READABLE
            return -1
        if errno != EINTR:
            return -2


cdef int pipe_drain(Pipe *pipe, Conn *target) noexcept nogil:
    cdef ssize_t moved
    while pipe.bytes:
        if not target.flags & C_WRITABLE:
            return 0
        moved = splice(pipe.ends[0], NULL, target.fd, NULL, pipe.bytes, SPLICE_F_MOVE | SPLICE_F_NONBLOCK)
        if moved > 0:
            pipe.bytes -= moved
        elif moved < 0 and errno == EAGAIN:
            target.flags &= ~<unsigned int>C_WRITABLE
            return 0
        elif moved == 0 or errno != EINTR:
            return -2
    return 1
