"""The end of an exchange, and of a connection, with an upstream that speaks HTTP/1.1 (see h1_client_end.pxd)."""

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.http1 cimport h1_head_reset
from mosn._fastpath.engine.conn cimport conn_close, conn_resume
from mosn._fastpath.engine.splice cimport pipe_give
from mosn._fastpath.engine.system cimport EAGAIN, MSG_DONTWAIT, MSG_PEEK, errno, recv
from mosn._fastpath.engine.tls cimport tls_silent
from mosn._fastpath.engine.types cimport C_DEAD, C_READABLE
from mosn._fastpath.memory cimport Slice, buf_len, buf_release, slice_of
from mosn._fastpath.proxy.runtime cimport CLIENT_CLOSED, RESET_PROTOCOL, H1Client, Stream
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport CL_CX_PROTOCOL_ERROR


cdef Slice NO_DETAIL = slice_of(NULL, 0)


cdef void h1_client_detach(H1Client *client) noexcept nogil:
    # Before the last event of a response: the stream may start over at once.
    client.stream.up = NULL
    client.stream = NULL
    client.response_done = True


cdef bint h1_client_silent(H1Client *client) noexcept nogil:
    # What the upstream says between two exchanges would be taken for the next one's answer (response splitting).
    cdef char byte
    if not client.conn.flags & C_READABLE:
        return True
    if client.conn.tls != NULL:
        return tls_silent(&client.conn)
    if recv(client.conn.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) >= 0 or errno != EAGAIN:
        return False
    client.conn.flags &= ~<uint32_t>C_READABLE
    return True


cdef void h1_client_release(H1Client *client) noexcept nogil:
    # Only once every byte that was read has been looked at: the next exchange may begin in here.
    if client.conn.flags & C_DEAD:
        return
    if not client.keep or not client.request_done or buf_len(&client.conn.outbuf) or not h1_client_silent(client):
        h1_client_close(client)
        return
    client.proxy.upstream_free(client)


cdef void h1_client_fail(H1Client *client, int reason, const char *text) noexcept nogil:
    cdef Stream *stream = client.stream
    cdef Slice detail = NO_DETAIL
    cdef size_t n = 0
    if reason == RESET_PROTOCOL:
        count(client.proxy.region, client.stats + CL_CX_PROTOCOL_ERROR, 1)
    while text != NULL and text[n]:
        n += 1
    detail.p = text
    detail.n = <uint32_t>n
    if stream != NULL:
        stream.up = NULL
        client.stream = NULL
        stream.events.reset(stream, reason, detail)
    h1_client_close(client)


cdef long long h1_client_idle_left(const H1Client *client) noexcept nogil:
    # Until the idle timeout or the end of the connection's longest life, whichever is first.
    cdef long long now = <long long>client.proxy.engine.now_ms
    cdef long long left = -1
    cdef long long life
    if client.idle_ms:
        left = max(<long long>client.idle_since_ms + client.idle_ms - now, <long long>0)
    if client.max_ms:
        life = max(<long long>(client.opened_us // 1000) + client.max_ms - now, <long long>0)
        left = life if left < 0 or life < left else left
    return left


cdef void h1_client_stop_splicing(H1Client *client) noexcept nogil:
    if client.splicing:
        client.splicing = False
        pipe_give(client.conn.engine, &client.pipe)
        conn_resume(&client.conn)


cdef void h1_client_close(H1Client *client) noexcept nogil:
    if client.state == CLIENT_CLOSED:
        return
    client.state = CLIENT_CLOSED
    h1_head_reset(&client.parser)
    buf_release(&client.conn.engine.pool, &client.line)
    h1_client_stop_splicing(client)
    client.proxy.upstream_gone(client)
    conn_close(&client.conn)
