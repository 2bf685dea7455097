"""Large response bodies of HTTP/1.1 go past us inside the kernel (see h1_client_splice.pxd)."""

from mosn._fastpath.codec.http1 cimport H1_BODY_LENGTH
from mosn._fastpath.engine.conn cimport conn_flush, conn_pause, conn_ready_again
from mosn._fastpath.engine.splice cimport pipe_drain, pipe_fill, pipe_take
from mosn._fastpath.engine.system cimport errno
from mosn._fastpath.engine.types cimport C_DEAD, C_READABLE, Conn
from mosn._fastpath.memory cimport buf_len
from mosn._fastpath.proxy.h1_client_end cimport (
    h1_client_detach, h1_client_fail, h1_client_release, h1_client_stop_splicing,
)
from mosn._fastpath.proxy.runtime cimport RESET_TERMINATION, H1Client, Stream
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport CL_CX_RX_BYTES


cdef enum:
    SPLICE_FROM = 32768         # bytes of a body that are still to come
    SPLICES_PER_TURN = 8


cdef void h1_client_maybe_splice(H1Client *client) noexcept nogil:
    # After a head or a piece of body: is what comes long enough, and can the client's socket take it as it is?
    cdef Stream *stream = client.stream
    client.conn.read_limit = 0
    if client.body.kind != H1_BODY_LENGTH or client.body.remaining < SPLICE_FROM or client.splicing:
        return
    if client.conn.tls != NULL:
        return
    if stream.down_ops.splice_target(stream) == NULL or pipe_take(client.conn.engine, &client.pipe) < 0:
        return
    client.splicing = True
    conn_pause(&client.conn)            # no recv in between: on_readable splices from here on


cdef void splice_error(H1Client *client, Conn *conn, bint upstream) noexcept nogil:
    if upstream:
        h1_client_fail(client, RESET_TERMINATION, NULL)
    else:
        conn.ops.on_error(conn, errno)


cdef bint target_takes(H1Client *client, Conn *target) noexcept nogil:
    # True when the pipe is empty and the target may get more.
    cdef int said
    if target.flags & C_DEAD:
        return False
    if buf_len(&target.outbuf):
        conn_flush(target)
        if target.flags & C_DEAD or buf_len(&target.outbuf):
            return False
    said = pipe_drain(&client.pipe, target)
    if said < 0:
        splice_error(client, target, False)
    return said == 1


cdef void h1_client_splice(H1Client *client) noexcept nogil:
    cdef Stream *stream = client.stream
    cdef Conn *target = stream.down_ops.splice_target(stream)
    cdef ssize_t n
    cdef int turn = 0
    if target == NULL:
        return
    while target_takes(client, target) and client.stream == stream:
        if client.body.remaining == 0:
            splice_done(client)
            return
        if not client.conn.flags & C_READABLE:
            return
        if turn == SPLICES_PER_TURN:
            conn_ready_again(&client.conn)
            return
        turn += 1
        n = pipe_fill(&client.pipe, &client.conn, client.body.remaining)
        if n == -1:
            return
        if n <= 0:
            splice_error(client, NULL, True)
            return
        client.body.remaining -= n
        count(client.proxy.region, client.stats + CL_CX_RX_BYTES, n)
        stream.info.upstream_wire_received += n
        stream.events.spliced(stream, n)


cdef void splice_done(H1Client *client) noexcept nogil:
    cdef Stream *stream = client.stream
    h1_client_stop_splicing(client)
    client.body.done = True
    h1_client_detach(client)
    stream.events.data(stream, NULL, 0, True)
    h1_client_release(client)


cdef void h1_client_splice_on(Stream *stream) noexcept nogil:
    cdef H1Client *client = <H1Client *>stream.up
    if client.splicing:
        h1_client_splice(client)
