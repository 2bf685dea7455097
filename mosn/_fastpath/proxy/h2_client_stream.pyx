"""The streams of an upstream's HTTP/2 connection (see h2_client_stream.pxd).

A response that the client does not take yet is kept in Stream.up_rest; the upstream gets no more room for it until it
is passed on, so the stream's window bounds it.
"""

from libc.stdint cimport uint8_t, uint32_t

from mosn._fastpath.codec.h2_send cimport (
    h2_consumed, h2_consumed_here, h2_send_data, h2_send_request, h2_send_trailers,
)
from mosn._fastpath.codec.h2_streams cimport h2_detach, h2_reset
from mosn._fastpath.codec.h2_types cimport (
    H2, H2_CANCEL, H2_NO_ERROR, H2_PART_HEAD, H2_REFUSED_STREAM, H2S_LOCAL_END, H2Stream,
)
from mosn._fastpath.engine.conn cimport conn_flush_soon
from mosn._fastpath.engine.types cimport C_DEAD, C_HIGH
from mosn._fastpath.head cimport Head, head_init
from mosn._fastpath.memory cimport Buf, Slice, buf_append, buf_len, buf_release, slice_of
from mosn._fastpath.proxy.h2_client_types cimport H2C_DRAINING, H2C_OPEN
from mosn._fastpath.proxy.runtime cimport (
    RESET_LOCAL, RESET_PROTOCOL, RESET_REFUSED, RESET_TERMINATION, S_CONNECT, S_DONE, S_UP_PAUSED,
)
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport CL_CX_GOAWAY, CL_CX_TX_BYTES, CL_FLOW_BACKED_UP

cdef enum:
    ENDS = 1
    ENDS_WITH_TRAILERS = 2
    INFORMATIONAL_BYTES = 1 << 20       # of a stream's memory; 1xx heads take from it as long as they come

cdef Slice NO_DETAIL = slice_of(NULL, 0)


cdef inline H2Stream *h2_of(const Stream *stream) noexcept nogil:
    return <H2Stream *>stream.up_stream


cdef void h2_client_wrote(H2Client *client, Stream *stream, uint32_t before) noexcept nogil:
    cdef uint32_t now = buf_len(&client.conn.outbuf)
    if client.conn.flags & C_DEAD:
        return
    if now > before:
        count(client.proxy.region, client.stats + CL_CX_TX_BYTES, now - before)
        if stream != NULL:
            stream.info.upstream_wire_sent += now - before
    if now > client.conn.high_water and not client.conn.flags & C_HIGH:
        client.conn.flags |= C_HIGH
        count(client.proxy.region, client.stats + CL_FLOW_BACKED_UP, 1)
    conn_flush_soon(&client.conn)


# -- stream -> upstream

cdef void send_head(Stream *stream, Head *head, bint end) noexcept nogil:
    cdef H2Client *client = <H2Client *>stream.up
    cdef uint32_t before = buf_len(&client.conn.outbuf)
    h2_send_request(&client.h2, h2_of(stream), head, end)
    h2_client_wrote(client, stream, before)


cdef void send_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef H2Client *client = <H2Client *>stream.up
    cdef uint32_t before = buf_len(&client.conn.outbuf)
    if n or end:
        h2_send_data(&client.h2, h2_of(stream), p, n, end)
        h2_client_wrote(client, stream, before)


cdef void send_trailers(Stream *stream, Head *trailers) noexcept nogil:
    cdef H2Client *client = <H2Client *>stream.up
    cdef uint32_t before = buf_len(&client.conn.outbuf)
    h2_send_trailers(&client.h2, h2_of(stream), trailers)
    h2_client_wrote(client, stream, before)


cdef void h2_client_let_go(H2Client *client, Stream *stream) noexcept nogil:
    # The stream and the connection know nothing of each other any more.
    if stream.younger_up != NULL:
        stream.younger_up.older_up = stream.older_up
    else:
        client.streams = stream.older_up
    if stream.older_up != NULL:
        stream.older_up.younger_up = stream.younger_up
    stream.younger_up = NULL
    stream.older_up = NULL
    h2_consumed_here(&client.h2, buf_len(&stream.up_rest))
    buf_release(&client.conn.engine.pool, &stream.up_rest)
    stream.up_end = 0
    if stream.up_stream != NULL:
        h2_detach(&client.h2, h2_of(stream))
    stream.up_stream = NULL
    stream.up = NULL
    client.in_flight -= 1
    if client.in_flight == 0:
        client.idle_since_ms = client.proxy.engine.now_ms


cdef void cancel(Stream *stream) noexcept nogil:
    cdef H2Client *client = <H2Client *>stream.up
    cdef uint32_t before = buf_len(&client.conn.outbuf)
    if stream.up_stream != NULL:
        h2_reset(&client.h2, h2_of(stream), H2_CANCEL)
    h2_client_let_go(client, stream)
    h2_client_wrote(client, NULL, before)
    client.owner.room(client)


cdef void pause(Stream *stream) noexcept nogil:
    # What comes is kept, and no room is given back.
    pass


cdef bint above_high(Stream *stream) noexcept nogil:
    cdef H2Client *client = <H2Client *>stream.up
    if client.conn.flags & C_HIGH:
        return True
    return buf_len(&h2_of(stream).queue) >= client.conn.high_water


cdef void resume(Stream *stream) noexcept nogil:
    # The client takes bytes again: those that were kept, and then more from the upstream.
    cdef H2Client *client = <H2Client *>stream.up
    cdef H2Stream *h2_stream = h2_of(stream)
    cdef Buf kept = stream.up_rest
    cdef uint32_t n = buf_len(&kept)
    cdef int how = stream.up_end
    cdef uint32_t before = buf_len(&client.conn.outbuf)
    if n == 0 and how == 0:
        return
    stream.up_rest.data = NULL
    stream.up_rest.start = stream.up_rest.end = stream.up_rest.capacity = 0
    stream.up_end = 0
    h2_consumed(&client.h2, h2_stream, n)
    if how:
        finish(client, stream, kept.data + kept.start if n else NULL, n, how)
    else:
        stream.events.data(stream, kept.data + kept.start, n, False)
    buf_release(&client.conn.engine.pool, &kept)
    h2_client_wrote(client, NULL, before)


cdef void splice_on(Stream *stream) noexcept nogil:
    pass


# -- upstream -> stream

cdef void finish(H2Client *client, Stream *stream, const char *p, size_t n, int how) noexcept nogil:
    # The answer is complete.  A request that is not will not be (RFC 9113 8.1).
    cdef bint trailers = how == ENDS_WITH_TRAILERS and stream.response_trailers.count
    if trailers and n:
        stream.events.data(stream, p, n, False)
        if stream.flags & S_DONE or stream.up != client:
            return
    if not h2_of(stream).flags & H2S_LOCAL_END:
        h2_reset(&client.h2, h2_of(stream), H2_NO_ERROR)
    h2_client_let_go(client, stream)
    if trailers:
        stream.events.trailers(stream, &stream.response_trailers)
    else:
        stream.events.data(stream, p, n, True)
    client.owner.room(client)


cdef Head *place(H2 *h2, H2Stream *h2_stream, int part) noexcept nogil:
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream == NULL:
        return NULL
    if part == H2_PART_HEAD:
        head_init(&stream.response, &stream.arena)
        return &stream.response
    return &stream.response_trailers


cdef void on_head(H2 *h2, H2Stream *h2_stream, Head *head, bint end) noexcept nogil:
    cdef H2Client *client = <H2Client *>h2.owner
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream == NULL:
        return
    if head.status < 200:
        if stream.arena.total > INFORMATIONAL_BYTES:
            h2_reset(h2, h2_stream, H2_CANCEL)
            reset_stream(client, stream, RESET_PROTOCOL)
        else:
            stream.events.head_1xx(stream, head)
        return
    stream.info.response = &stream.response
    if end and not (stream.flags & S_CONNECT and head.status < 300):
        if not h2_stream.flags & H2S_LOCAL_END:
            h2_reset(h2, h2_stream, H2_NO_ERROR)
        h2_client_let_go(client, stream)
        stream.events.head(stream, head, True)
        client.owner.room(client)
    else:
        stream.events.head(stream, head, False)


cdef void keep(H2Client *client, Stream *stream, const char *p, size_t n, int then) noexcept nogil:
    if n and buf_append(&client.conn.engine.pool, &stream.up_rest, p, n) < 0:
        h2_reset(&client.h2, h2_of(stream), H2_CANCEL)
        reset_stream(client, stream, RESET_LOCAL)
    elif then:
        stream.up_end = <uint8_t>then


cdef inline bint held_back(const Stream *stream) noexcept nogil:
    return stream.flags & S_UP_PAUSED != 0 or stream.up_rest.data != NULL


cdef void on_data(H2 *h2, H2Stream *h2_stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef H2Client *client = <H2Client *>h2.owner
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream == NULL:
        h2_consumed_here(h2, <uint32_t>n)
        return
    stream.info.upstream_wire_received += n
    if held_back(stream):
        keep(client, stream, p, n, ENDS if end else 0)
        return
    h2_consumed(h2, h2_stream, <uint32_t>n)
    if end:
        finish(client, stream, p, n, ENDS)
    else:
        stream.events.data(stream, p, n, False)


cdef void on_trailers(H2 *h2, H2Stream *h2_stream, Head *trailers) noexcept nogil:
    cdef H2Client *client = <H2Client *>h2.owner
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream == NULL:
        return
    if held_back(stream):
        keep(client, stream, NULL, 0, ENDS_WITH_TRAILERS)
    else:
        finish(client, stream, NULL, 0, ENDS_WITH_TRAILERS)


cdef void reset_stream(H2Client *client, Stream *stream, int reason) noexcept nogil:
    h2_client_let_go(client, stream)
    stream.events.reset(stream, reason, NO_DETAIL)
    client.owner.room(client)


cdef void on_too_large(H2 *h2, H2Stream *h2_stream, bint end) noexcept nogil:
    cdef Stream *stream = <Stream *>h2_stream.owner
    h2_reset(h2, h2_stream, H2_CANCEL)
    if stream != NULL:
        reset_stream(<H2Client *>h2.owner, stream, RESET_PROTOCOL)


cdef void on_reset(H2 *h2, H2Stream *h2_stream, uint32_t code, bint remote) noexcept nogil:
    cdef Stream *stream = <Stream *>h2_stream.owner
    cdef int reason = RESET_PROTOCOL
    if stream == NULL:
        return
    if remote:
        # RFC 9113 8.7: nothing was done with a refused one.
        reason = RESET_REFUSED if code == H2_REFUSED_STREAM else RESET_TERMINATION
    reset_stream(<H2Client *>h2.owner, stream, reason)


cdef void on_writable(H2 *h2, H2Stream *h2_stream) noexcept nogil:
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream != NULL:
        stream.events.drained(stream)


cdef void on_settings(H2 *h2) noexcept nogil:
    (<H2Client *>h2.owner).owner.room(<H2Client *>h2.owner)


cdef void on_goaway(H2 *h2, uint32_t last_id, uint32_t code) noexcept nogil:
    # RFC 9113 6.8: what is above the last id was not looked at and may be tried again.
    cdef H2Client *client = <H2Client *>h2.owner
    cdef Stream *stream = client.streams
    cdef Stream *following
    count(client.proxy.region, client.stats + CL_CX_GOAWAY, 1)
    if client.state == H2C_OPEN:
        client.state = H2C_DRAINING
    while stream != NULL:
        following = stream.older_up
        if h2_of(stream).id > last_id:
            h2_reset(h2, h2_of(stream), H2_CANCEL)
            h2_client_let_go(client, stream)
            stream.events.reset(stream, RESET_REFUSED, NO_DETAIL)
            following = client.streams      # it may have changed more than itself
        stream = following


cdef H2Events EVENTS
EVENTS.place = place
EVENTS.head = on_head
EVENTS.data = on_data
EVENTS.trailers = on_trailers
EVENTS.too_large = on_too_large
EVENTS.reset = on_reset
EVENTS.writable = on_writable
EVENTS.settings = on_settings
EVENTS.goaway = on_goaway

cdef UpstreamOps OPS
OPS.send_head = send_head
OPS.send_data = send_data
OPS.send_trailers = send_trailers
OPS.cancel = cancel
OPS.pause = pause
OPS.resume = resume
OPS.above_high = above_high
OPS.splice_on = splice_on


cdef const H2Events *h2_client_events() noexcept nogil:
    return &EVENTS


cdef const UpstreamOps *h2_client_ops() noexcept nogil:
    return &OPS
