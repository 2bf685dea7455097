"""Connections of the engine: non-blocking sockets, edge-triggered, with bounded buffers (see conn.pxd).

One epoll registration for the life of a connection (IN, OUT, RDHUP, edge-triggered); what the kernel said last is
kept in C_READABLE and C_WRITABLE.  Reading goes into the engine's one scratch buffer; a connection owns memory only
while its owner left bytes unread or the kernel took less than was written.
"""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from mosn._fastpath.engine.system cimport (
    EAGAIN, EINTR, EPOLLET, EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLL_CTL_ADD, EPOLL_CTL_MOD, MSG_NOSIGNAL, SHUT_WR,
    SOL_SOCKET, SO_LINGER, close, epoll_ctl, epoll_event, errno, iovec, linger, msghdr, recv, send, sendmsg,
    setsockopt, shutdown,
)
from mosn._fastpath.engine.timer cimport timer_arm, timer_cancel
from mosn._fastpath.engine.tls cimport tls_flush, tls_goodbye, tls_moved, tls_recv, tls_write_large
from mosn._fastpath.engine.types cimport (
    C_CLOSE_AFTER, C_CONNECTING, C_DEAD, C_EOF, C_HIGH, C_IN_FLUSH, C_IN_READY, C_LATE, C_LINGER, C_LINGERED, C_PAUSED,
    C_RDHUP, C_READABLE, C_REDELIVER, C_SHUT, C_SHUT_AFTER, C_WRITABLE, SCRATCH_BYTES, T_FAILED, Conn, ConnOps, Engine,
    Timer,
)
from mosn._fastpath.memory cimport buf_append, buf_consume, buf_len, buf_release, buf_reserve


cdef enum:
    READS_PER_TURN = 4          # then other connections get their turn
    GROW_BYTES = 4096
    CARRIED_BYTES = 8192
    DIRECT_BYTES = 4096         # from here on a copy costs more than a second iovec
    DEFAULT_HIGH_WATER = 1 << 20
    FLUSH_TIMEOUT_MS = 10000    # of a close that waits for a peer that takes nothing


cdef int register(Conn *conn, int op) noexcept nogil:
    cdef epoll_event event
    event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET
    event.data.ptr = conn
    return epoll_ctl(conn.engine.epoll_fd, op, conn.fd, &event)


cdef void on_timer(Engine *engine, Timer *timer) noexcept nogil:
    cdef Conn *conn = <Conn *>(<char *>timer - <size_t>&(<Conn *>NULL).timer)
    if conn.flags & C_DEAD:
        return
    if conn.flags & C_LINGER or conn.ops.on_timer == NULL:
        conn.flags |= C_LINGERED
        conn_close(conn)
        return
    conn.ops.on_timer(conn)


cdef int conn_init(Conn *conn, Engine *engine, const ConnOps *ops, int fd, bint connecting) noexcept nogil:
    memset(conn, 0, sizeof(Conn))
    conn.engine = engine
    conn.ops = ops
    conn.fd = fd
    conn.high_water = DEFAULT_HIGH_WATER
    conn.timer.fire = on_timer
    conn.flags = C_CONNECTING if connecting else C_WRITABLE
    return register(conn, EPOLL_CTL_ADD)


cdef int conn_move(Conn *target, Conn *source, const ConnOps *ops) noexcept nogil:
    cdef Engine *engine = source.engine
    memset(target, 0, sizeof(Conn))
    target.engine = engine
    target.ops = ops
    target.fd = source.fd
    target.high_water = source.high_water
    target.timer.fire = on_timer
    target.flags = source.flags & (C_READABLE | C_WRITABLE | C_RDHUP | C_EOF)
    target.inbuf = source.inbuf
    target.outbuf = source.outbuf
    memset(&source.inbuf, 0, sizeof(source.inbuf))
    memset(&source.outbuf, 0, sizeof(source.outbuf))
    if source.tls != NULL:
        target.tls = source.tls
        source.tls = NULL
        tls_moved(target)
    timer_cancel(engine, &source.timer)
    source.fd = -1
    bury(source)
    return register(target, EPOLL_CTL_MOD)


cdef void bury(Conn *conn) noexcept nogil:
    # Events of this batch may still point here: memory goes when the batch is over.
    conn.flags |= C_DEAD
    conn.next_dead = conn.engine.dead
    conn.engine.dead = conn


# -- reading

cdef void conn_ready_again(Conn *conn) noexcept nogil:
    cdef Engine *engine = conn.engine
    if conn.flags & (C_IN_READY | C_DEAD):
        return
    conn.flags |= C_IN_READY
    conn.next_ready = NULL
    if engine.ready_last != NULL:
        engine.ready_last.next_ready = conn
    else:
        engine.ready = conn
    engine.ready_last = conn


cdef inline bint wants_bytes(const Conn *conn) noexcept nogil:
    return (conn.flags & (C_PAUSED | C_DEAD | C_EOF | C_CONNECTING)) == 0


cdef bint deliver(Conn *conn, char *p, size_t n) noexcept nogil:
    # Offer bytes; keep what the owner leaves.  False when reading has to stop.
    cdef size_t taken
    cdef bint owned = conn.inbuf.data != NULL
    if conn.flags & C_LINGER:
        buf_release(&conn.engine.pool, &conn.inbuf)
        return True
    taken = conn.ops.on_data(conn, p, n)
    if conn.flags & C_DEAD:
        return False
    if owned:
        if conn.inbuf.data != NULL and taken:
            buf_consume(&conn.engine.pool, &conn.inbuf, taken)
    elif taken < n:
        if buf_append(&conn.engine.pool, &conn.inbuf, p + taken, n - taken) < 0:
            conn_close(conn)
            return False
    return True


cdef inline ssize_t receive(Conn *conn, char *p, size_t room) noexcept nogil:
    if conn.tls != NULL:
        return tls_recv(conn, p, room)
    return recv(conn.fd, p, room, 0)


cdef ssize_t carry(Conn *conn, char **start, size_t *room) noexcept nogil:
    # One recv behind a few unread bytes, which move into the scratch: on a busy shared connection nearly every read
    # ends in the middle of a frame, and a buffer of its own would be filled in small pieces.
    cdef uint32_t held = buf_len(&conn.inbuf)
    cdef char *scratch = conn.engine.scratch
    cdef ssize_t n = receive(conn, scratch + held, SCRATCH_BYTES - held)
    room[0] = SCRATCH_BYTES - held
    if n > 0:
        memcpy(scratch, conn.inbuf.data + conn.inbuf.start, held)
        buf_release(&conn.engine.pool, &conn.inbuf)
        start[0] = scratch
    return n


cdef ssize_t fill(Conn *conn, char **start, size_t *room) noexcept nogil:
    # One recv: into the scratch, or behind the unread bytes.  Returns recv's result.
    cdef ssize_t n
    if conn.flags & C_LATE and 0 < buf_len(&conn.inbuf) <= CARRIED_BYTES:
        return carry(conn, start, room)
    if buf_len(&conn.inbuf) == 0:
        start[0] = conn.engine.scratch
        room[0] = conn.read_limit if conn.read_limit else SCRATCH_BYTES
        return receive(conn, start[0], room[0])
    if buf_reserve(&conn.engine.pool, &conn.inbuf, GROW_BYTES) < 0:
        conn_close(conn)
        return -1
    room[0] = conn.inbuf.capacity - conn.inbuf.end
    n = receive(conn, conn.inbuf.data + conn.inbuf.end, room[0])
    if n > 0:
        conn.inbuf.end += <uint32_t>n
    start[0] = conn.inbuf.data + conn.inbuf.start
    return n


cdef void read_failed(Conn *conn, int error) noexcept nogil:
    conn.flags &= ~<uint32_t>C_READABLE
    if error == EAGAIN or conn.flags & C_DEAD:
        return
    if conn.flags & C_LINGER:
        conn_close(conn)
        return
    conn.ops.on_error(conn, error)


cdef void reached_eof(Conn *conn) noexcept nogil:
    conn.flags = (conn.flags | C_EOF) & ~<uint32_t>C_READABLE
    if conn.flags & C_LINGER:
        conn_close(conn)
        return
    conn.ops.on_eof(conn)


cdef bint redeliver(Conn *conn) noexcept nogil:
    # After a resume: the bytes that waited in inbuf come first.
    if not conn.flags & C_REDELIVER:
        return True
    conn.flags &= ~<uint32_t>C_REDELIVER
    if buf_len(&conn.inbuf) == 0:
        return True
    return deliver(conn, conn.inbuf.data + conn.inbuf.start, buf_len(&conn.inbuf))


cdef void conn_read(Conn *conn) noexcept nogil:
    cdef int turns = 0
    cdef ssize_t n
    cdef size_t room = 0
    cdef size_t held
    cdef char *start = NULL
    if conn.flags & C_REDELIVER and not conn.flags & C_PAUSED and not redeliver(conn):
        return
    while conn.flags & C_READABLE and wants_bytes(conn):
        if turns == READS_PER_TURN:
            conn_ready_again(conn)
            return
        turns += 1
        held = buf_len(&conn.inbuf)
        n = fill(conn, &start, &room)
        if n > 0:
            if <size_t>n < room and not conn.flags & C_RDHUP:
                # A short read means drained; a FIN that comes later is a new edge.
                conn.flags &= ~<uint32_t>C_READABLE
            if not deliver(conn, start, held + <size_t>n):
                return
        elif n == 0:
            reached_eof(conn)
            return
        elif errno != EINTR:
            read_failed(conn, errno)
            return


cdef void conn_pause(Conn *conn) noexcept nogil:
    conn.flags |= C_PAUSED


cdef void conn_resume(Conn *conn) noexcept nogil:
    conn.flags &= ~<uint32_t>C_PAUSED
    if conn.inbuf.data != NULL:
        conn.flags |= C_REDELIVER
    if conn.flags & (C_REDELIVER | C_READABLE):
        conn_ready_again(conn)


# -- writing

cdef void conn_flush_soon(Conn *conn) noexcept nogil:
    if conn.flags & (C_IN_FLUSH | C_DEAD):
        return
    conn.flags |= C_IN_FLUSH
    if conn.flags & C_LATE:
        conn.next_flush = conn.engine.late
        conn.engine.late = conn
        return
    conn.next_flush = conn.engine.flush
    conn.engine.flush = conn


cdef inline void check_high(Conn *conn) noexcept nogil:
    if buf_len(&conn.outbuf) > conn.high_water:
        conn.flags |= C_HIGH


cdef int conn_write(Conn *conn, const char *p, size_t n) noexcept nogil:
    if conn.flags & C_DEAD or buf_append(&conn.engine.pool, &conn.outbuf, p, n) < 0:
        return -1
    check_high(conn)
    conn_flush_soon(conn)
    return 0


cdef int write_sealed(Conn *conn, const char *p, size_t n) noexcept nogil:
    if tls_write_large(conn, p, n) < 0:
        return -1
    check_high(conn)
    conn_flush_soon(conn)
    return 0


cdef int conn_write_large(Conn *conn, const char *p, size_t n) noexcept nogil:
    cdef iovec parts[2]
    cdef msghdr message
    cdef ssize_t sent
    cdef size_t queued = buf_len(&conn.outbuf)
    if n < DIRECT_BYTES or not conn.flags & C_WRITABLE or conn.flags & C_DEAD:
        return conn_write(conn, p, n)
    if conn.tls != NULL:
        return write_sealed(conn, p, n)
    memset(&message, 0, sizeof(message))
    parts[0].iov_base = conn.outbuf.data + conn.outbuf.start if queued else NULL
    parts[0].iov_len = queued
    parts[1].iov_base = <void *>p
    parts[1].iov_len = n
    message.msg_iov = &parts[0] if queued else &parts[1]
    message.msg_iovlen = 2 if queued else 1
    sent = sendmsg(conn.fd, &message, MSG_NOSIGNAL)
    if sent < 0:
        # Errors show again in conn_flush, which reports them.
        return conn_write(conn, p, n)
    if <size_t>sent < queued + n:
        conn.flags &= ~<uint32_t>C_WRITABLE
    if <size_t>sent < queued:
        buf_consume(&conn.engine.pool, &conn.outbuf, <size_t>sent)
        return conn_write(conn, p, n)
    if queued:
        buf_consume(&conn.engine.pool, &conn.outbuf, queued)
    sent -= <ssize_t>queued
    if <size_t>sent < n:
        return conn_write(conn, p + sent, n - <size_t>sent)
    conn_flush_soon(conn)       # for what waits on an empty queue: close, half-close, drained
    return 0


cdef void conn_push(Conn *conn) noexcept nogil:
    cdef ssize_t n
    if not conn.flags & C_WRITABLE or conn.flags & C_DEAD:
        return
    if conn.tls != NULL:
        tls_flush(conn)
        return
    n = send(conn.fd, conn.outbuf.data + conn.outbuf.start, buf_len(&conn.outbuf), MSG_NOSIGNAL)
    if n > 0:
        if <size_t>n < buf_len(&conn.outbuf):
            conn.flags &= ~<uint32_t>C_WRITABLE
        buf_consume(&conn.engine.pool, &conn.outbuf, <size_t>n)


cdef void flushed(Conn *conn) noexcept nogil:
    # outbuf is empty: do what was waiting for that.
    if conn.flags & C_CLOSE_AFTER:
        conn_close(conn)
        return
    if conn.flags & C_SHUT_AFTER and not conn.flags & C_SHUT:
        if conn.tls != NULL and not tls_goodbye(conn):
            return                      # the close_notify waits for the socket
        conn.flags |= C_SHUT
        shutdown(conn.fd, SHUT_WR)
        if conn.flags & C_LINGER and conn.flags & C_EOF:
            conn_close(conn)


cdef void write_failed(Conn *conn, int error) noexcept nogil:
    buf_release(&conn.engine.pool, &conn.outbuf)
    if conn.flags & (C_LINGER | C_CLOSE_AFTER):
        conn_close(conn)
        return
    conn.ops.on_error(conn, error)


cdef inline void rearm_linger(Conn *conn) noexcept nogil:
    # From the last byte that went out: who reads slowly gets all of it (Envoy's delayed_close_timeout does the same).
    timer_arm(conn.engine, &conn.timer, conn.high_water)


cdef bint flush_sealed(Conn *conn) noexcept nogil:
    cdef ssize_t n = tls_flush(conn)
    if n < 0:
        write_failed(conn, errno)
        return False
    if n and conn.flags & C_LINGER:
        rearm_linger(conn)
    return True


cdef void conn_flush(Conn *conn) noexcept nogil:
    cdef ssize_t n
    if conn.tls != NULL and not flush_sealed(conn):
        return
    while conn.tls == NULL and conn.flags & C_WRITABLE and buf_len(&conn.outbuf):
        n = send(conn.fd, conn.outbuf.data + conn.outbuf.start, buf_len(&conn.outbuf), MSG_NOSIGNAL)
        if n >= 0:
            if conn.flags & C_LINGER:
                rearm_linger(conn)
            if <size_t>n < buf_len(&conn.outbuf):
                conn.flags &= ~<uint32_t>C_WRITABLE
            buf_consume(&conn.engine.pool, &conn.outbuf, <size_t>n)
        elif errno == EAGAIN:
            conn.flags &= ~<uint32_t>C_WRITABLE
        elif errno != EINTR:
            write_failed(conn, errno)
            return
    if conn.flags & C_HIGH and buf_len(&conn.outbuf) <= conn.high_water >> 1:
        conn.flags &= ~<uint32_t>C_HIGH
        if conn.ops.on_drained != NULL and not conn.flags & (C_LINGER | C_CLOSE_AFTER):
            conn.ops.on_drained(conn)
    if not conn.flags & C_DEAD and buf_len(&conn.outbuf) == 0 and not conn.flags & C_CONNECTING:
        flushed(conn)


# -- closing

cdef void conn_shutdown(Conn *conn) noexcept nogil:
    conn.flags |= C_SHUT_AFTER
    conn_flush_soon(conn)


cdef inline void begin_linger(Conn *conn, uint32_t delay_ms) noexcept nogil:
    # Nothing is written any more, so high_water is free to keep the delay.
    conn.flags = (conn.flags | C_LINGER) & ~<uint32_t>C_HIGH
    conn.high_water = delay_ms if delay_ms else 1
    rearm_linger(conn)


cdef void conn_close_gently(Conn *conn, uint32_t delay_ms) noexcept nogil:
    if conn.flags & C_DEAD:
        return
    if conn.flags & C_EOF:
        conn_close_flushed(conn)
        return
    conn.flags = (conn.flags | C_SHUT_AFTER) & ~<uint32_t>C_PAUSED
    buf_release(&conn.engine.pool, &conn.inbuf)
    begin_linger(conn, delay_ms)
    conn_flush_soon(conn)
    if conn.flags & C_READABLE:
        conn_ready_again(conn)


cdef void conn_close_flushed(Conn *conn) noexcept nogil:
    if conn.flags & C_DEAD:
        return
    if buf_len(&conn.outbuf) == 0:
        conn_close(conn)
        return
    conn.flags |= C_CLOSE_AFTER
    begin_linger(conn, FLUSH_TIMEOUT_MS)
    conn_flush_soon(conn)


cdef void conn_close(Conn *conn) noexcept nogil:
    if conn.flags & C_DEAD:
        return
    timer_cancel(conn.engine, &conn.timer)
    buf_release(&conn.engine.pool, &conn.inbuf)
    if conn.tls != NULL and conn.tls.sealed == 0:
        tls_goodbye(conn)               # as far as the socket takes it
    buf_release(&conn.engine.pool, &conn.outbuf)
    if conn.fd >= 0:
        close(conn.fd)
        conn.fd = -1
    bury(conn)


cdef void conn_abort(Conn *conn) noexcept nogil:
    cdef linger reset
    if conn.flags & C_DEAD:
        return
    if conn.tls != NULL:
        conn.tls.flags |= T_FAILED      # no close_notify in front of a reset
    reset.l_onoff = 1
    reset.l_linger = 0
    setsockopt(conn.fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset))
    conn_close(conn)


cdef void conn_timer(Conn *conn, uint32_t delay_ms) noexcept nogil:
    timer_arm(conn.engine, &conn.timer, delay_ms)


cdef void conn_timer_cancel(Conn *conn) noexcept nogil:
    timer_cancel(conn.engine, &conn.timer)
