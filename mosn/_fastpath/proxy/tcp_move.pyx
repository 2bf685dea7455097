"""Bytes of a TCP session from side to side: through the scratch buffer, or in bulk inside the kernel."""

from libc.stdint cimport uint32_t

from mosn._fastpath.engine.conn cimport (
    conn_flush, conn_pause, conn_read, conn_ready_again, conn_resume, conn_write_large,
)
from mosn._fastpath.engine.splice cimport pipe_drain, pipe_fill, pipe_give, pipe_take
from mosn._fastpath.engine.system cimport errno
from mosn._fastpath.engine.types cimport C_DEAD, C_EOF, C_HIGH, C_PAUSED, C_READABLE, Conn
from mosn._fastpath.memory cimport buf_len
from mosn._fastpath.proxy.tcp_session cimport Side, tcp_moved
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport TC_FLOW_PAUSED, TC_FLOW_RESUMED

cdef enum:
    BULK_BYTES = 32768          # a read of this size looks like bulk
    SMALL_BYTES = 8192          # a splice below this does not
    SPLICE_BYTES = 1 << 20
    SPLICES_PER_TURN = 8


cdef void start_splicing(Side *side) noexcept nogil:
    side.streak = 0
    if side.conn.tls != NULL or side.peer.conn.tls != NULL:
        return                          # the kernel cannot seal
    if not side.pipe.open and pipe_take(side.session.proxy.engine, &side.pipe) < 0:
        return
    side.splicing = True
    conn_ready_again(&side.conn)


cdef void tcp_stop_splicing(Side *side) noexcept nogil:
    side.splicing = False
    side.streak = 0
    pipe_give(side.session.proxy.engine, &side.pipe)


cdef size_t tcp_on_data(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef Side *side = <Side *>conn
    cdef Side *peer = side.peer
    tcp_moved(side, n)
    conn_write_large(&peer.conn, p, n)
    if peer.conn.flags & C_HIGH:
        count(side.session.proxy.region, side.session.tcp.stats + TC_FLOW_PAUSED, 1)
        conn_pause(conn)
    side.streak = side.streak + 1 if n >= BULK_BYTES else 0
    if side.streak >= 2:
        start_splicing(side)
    return n


cdef bint peer_takes(Side *side) noexcept nogil:
    # What the pipe holds goes to the peer.  False: it takes no more now (its EPOLLOUT goes on), or all is over.
    cdef int said = pipe_drain(&side.pipe, &side.peer.conn)
    if said < 0:
        side.peer.conn.ops.on_error(&side.peer.conn, errno)
    return said == 1


cdef void after_splice(Side *side) noexcept nogil:
    if side.session.over or side.pipe.bytes:
        return
    if side.conn.flags & C_EOF:
        side.conn.ops.on_eof(&side.conn)
    elif side.streak >= 4:
        tcp_stop_splicing(side)
        if side.conn.flags & C_READABLE:
            conn_ready_again(&side.conn)


cdef void splice_turn(Side *side) noexcept nogil:
    cdef Conn *conn = &side.conn
    cdef ssize_t n
    cdef int turn = 0
    if buf_len(&side.peer.conn.outbuf):
        conn_flush(&side.peer.conn)
        if side.session.over or buf_len(&side.peer.conn.outbuf):
            return                      # on_writable comes back here
    while not side.session.over and peer_takes(side) and conn.flags & C_READABLE and not conn.flags & C_EOF:
        if turn == SPLICES_PER_TURN:
            conn_ready_again(conn)
            return
        turn += 1
        n = pipe_fill(&side.pipe, conn, SPLICE_BYTES)
        if n > 0:
            tcp_moved(side, n)
            side.streak = side.streak + 1 if n < SMALL_BYTES else 0
        elif n == 0:
            conn.flags = (conn.flags | C_EOF) & ~<uint32_t>C_READABLE
        elif n == -2:
            conn.ops.on_error(conn, errno)
            return
    after_splice(side)


cdef void tcp_on_readable(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    if side.splicing and not conn.flags & C_PAUSED:
        splice_turn(side)
    else:
        conn_read(conn)


cdef void tcp_on_writable(Conn *conn) noexcept nogil:
    cdef Side *from_side = (<Side *>conn).peer
    if from_side.splicing and not from_side.session.over and not from_side.conn.flags & C_DEAD:
        splice_turn(from_side)


cdef void tcp_on_drained(Conn *conn) noexcept nogil:
    cdef Side *side = <Side *>conn
    if side.peer.conn.flags & C_PAUSED:
        count(side.session.proxy.region, side.session.tcp.stats + TC_FLOW_RESUMED, 1)
        conn_resume(&side.peer.conn)
