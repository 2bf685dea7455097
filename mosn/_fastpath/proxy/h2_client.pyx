"""HTTP/2 towards an upstream: its connection (see h2_client.pxd; its streams are h2_client_stream's)."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free

from mosn._fastpath.codec.h2 cimport h2_drain, h2_free, h2_output_taken
from mosn._fastpath.codec.h2_receive cimport h2_feed
from mosn._fastpath.codec.h2_send cimport h2_can_open, h2_flush, h2_new_stream
from mosn._fastpath.codec.h2_types cimport H2S_OWNED, H2Stream
from mosn._fastpath.engine.conn cimport conn_close, conn_timer
from mosn._fastpath.engine.types cimport C_DEAD, Conn
from mosn._fastpath.memory cimport Slice, buf_len, slice_of
from mosn._fastpath.proxy.h2_client_stream cimport h2_client_let_go, h2_client_ops, h2_client_wrote
from mosn._fastpath.proxy.h2_client_types cimport H2C_CLOSED, H2C_CONNECTING, H2C_DRAINING, H2C_OPEN
from mosn._fastpath.proxy.runtime cimport RESET_LOCAL, RESET_PROTOCOL, RESET_TERMINATION
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    CL_CX_IDLE_TIMEOUT, CL_CX_MAX_DURATION_REACHED, CL_CX_MAX_REQUESTS, CL_CX_PROTOCOL_ERROR, CL_CX_RX_BYTES,
    CL_FLOW_DRAINED,
)

cdef Slice NO_DETAIL = slice_of(NULL, 0)


# -- the socket's events

cdef void after(H2Client *client) noexcept nogil:
    if client.state == H2C_DRAINING and client.in_flight == 0:
        h2_client_close(client, RESET_TERMINATION)
    elif client.state == H2C_DRAINING and client.pool.waiting != NULL:
        client.owner.refill(client)


cdef size_t on_bytes(Conn *conn, char *p, size_t n) noexcept nogil:
    cdef H2Client *client = <H2Client *>conn
    cdef uint32_t before = buf_len(&conn.outbuf)
    cdef int64_t used
    client.h2.now_ms = conn.engine.now_ms
    h2_output_taken(&client.h2)
    used = h2_feed(&client.h2, p, n)
    count(client.proxy.region, client.stats + CL_CX_RX_BYTES, <uint64_t>used if used > 0 else 0)
    if conn.flags & C_DEAD:
        return n
    h2_client_wrote(client, NULL, before)
    if used < 0:
        count(client.proxy.region, client.stats + CL_CX_PROTOCOL_ERROR, 1)
        h2_client_close(client, RESET_PROTOCOL)
        return n
    after(client)
    return <size_t>used


cdef void on_eof(Conn *conn) noexcept nogil:
    (<H2Client *>conn).remote_closed = True
    h2_client_close(<H2Client *>conn, RESET_TERMINATION)


cdef void on_error(Conn *conn, int error) noexcept nogil:
    if (<H2Client *>conn).state == H2C_CONNECTING:
        (<H2Client *>conn).owner.failed(<H2Client *>conn, 0, error)
    else:
        on_eof(conn)


cdef void on_connected(Conn *conn) noexcept nogil:
    (<H2Client *>conn).owner.connected(<H2Client *>conn)


cdef void on_drained(Conn *conn) noexcept nogil:
    cdef H2Client *client = <H2Client *>conn
    cdef Stream *stream = client.streams
    cdef Stream *following
    count(client.proxy.region, client.stats + CL_FLOW_DRAINED, 1)
    h2_flush(&client.h2)
    h2_client_wrote(client, NULL, 0)
    while stream != NULL:
        following = stream.older_up
        stream.events.drained(stream)
        stream = following


cdef void on_timer(Conn *conn) noexcept nogil:
    cdef H2Client *client = <H2Client *>conn
    cdef uint64_t now = conn.engine.now_ms
    if client.state == H2C_CONNECTING:
        client.owner.failed(client, 1, 0)
        return
    if client.idle_ms and client.in_flight == 0 and now - client.idle_since_ms >= client.idle_ms:
        count(client.proxy.region, client.stats + CL_CX_IDLE_TIMEOUT, 1)
        h2_drain(&client.h2, True)
        h2_client_close(client, RESET_TERMINATION)
        return
    if client.max_ms and client.state == H2C_OPEN and now >= client.opened_us // 1000 + client.max_ms:
        count(client.proxy.region, client.stats + CL_CX_MAX_DURATION_REACHED, 1)
        h2_client_retire(client)
        return
    arm(client)


cdef void arm(H2Client *client) noexcept nogil:
    cdef uint64_t now = client.conn.engine.now_ms
    cdef uint64_t due = 0
    cdef uint64_t end
    if client.idle_ms:
        due = max(client.idle_since_ms + client.idle_ms, now + 1) if client.in_flight == 0 else now + client.idle_ms
    if client.max_ms and client.state == H2C_OPEN:
        end = client.opened_us // 1000 + client.max_ms
        due = end if due == 0 or end < due else due
    if due:
        conn_timer(&client.conn, <uint32_t>(due - now) if due > now else 1)


cdef void destroy(Conn *conn) noexcept nogil:
    h2_client_close(<H2Client *>conn, RESET_TERMINATION)
    if (<H2Client *>conn).h2.pool != NULL:
        h2_free(&(<H2Client *>conn).h2)
    free(conn)


# -- face

cdef void h2_client_opened(H2Client *client) noexcept nogil:
    client.state = H2C_OPEN
    client.idle_since_ms = client.proxy.engine.now_ms
    h2_client_wrote(client, NULL, 0)
    arm(client)


cdef bint h2_client_has_room(const H2Client *client) noexcept nogil:
    return client.state == H2C_OPEN and client.in_flight < client.max_streams and h2_can_open(&client.h2)


cdef void h2_client_serve(H2Client *client, Stream *stream) noexcept nogil:
    cdef H2Stream *h2_stream
    client.h2.now_ms = client.proxy.engine.now_ms
    h2_stream = h2_new_stream(&client.h2)
    if h2_stream == NULL:
        stream.events.reset(stream, RESET_LOCAL, NO_DETAIL)
        return
    h2_stream.owner = stream
    h2_stream.flags |= H2S_OWNED
    stream.up = client
    stream.up_ops = h2_client_ops()
    stream.up_stream = h2_stream
    stream.upstream_was_used = client.requests > 0
    stream.younger_up = NULL
    stream.older_up = client.streams
    if client.streams != NULL:
        client.streams.younger_up = stream
    client.streams = stream
    client.in_flight += 1
    client.requests += 1
    if client.max_requests and client.requests >= client.max_requests:
        count(client.proxy.region, client.stats + CL_CX_MAX_REQUESTS, 1)
        client.state = H2C_DRAINING
    stream.events.ready(stream)


cdef void h2_client_retire(H2Client *client) noexcept nogil:
    if client.state == H2C_OPEN:
        client.state = H2C_DRAINING
    after(client)


cdef void h2_client_close(H2Client *client, int reason) noexcept nogil:
    # The socket goes first: nothing that the streams do may reach it.
    cdef Stream *stream
    if client.state == H2C_CLOSED:
        return
    client.state_before = client.state
    client.state = H2C_CLOSED
    client.host.references += 1
    client.owner.gone(client)
    conn_close(&client.conn)
    client.h2.failed = True
    while client.streams != NULL:
        stream = client.streams
        h2_client_let_go(client, stream)
        stream.events.reset(stream, reason, NO_DETAIL)
    if not client.host.retired:
        client.owner.refill(client)
    client.host.references -= 1
    client.proxy.host_unused(client.proxy, client.pool.host)


cdef ConnOps CONN_OPS
CONN_OPS.on_data = on_bytes
CONN_OPS.on_eof = on_eof
CONN_OPS.on_error = on_error
CONN_OPS.on_connected = on_connected
CONN_OPS.on_drained = on_drained
CONN_OPS.on_timer = on_timer
CONN_OPS.destroy = destroy


cdef const ConnOps *h2_client_conn_ops() noexcept nogil:
    return &CONN_OPS
