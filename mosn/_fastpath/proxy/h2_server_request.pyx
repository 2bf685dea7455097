"""Requests of an HTTP/2 client (see h2_server_request.pxd).

A request uses the configuration that is live when its head comes.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy, memset, strlen

from mosn._fastpath.codec.h2 cimport h2_drain
from mosn._fastpath.codec.h2_send cimport h2_consumed_here, h2_send_response
from mosn._fastpath.codec.h2_types cimport H2, H2_PART_HEAD, H2Events, H2N_PREMATURE_RESETS, H2Stream
from mosn._fastpath.head cimport HF_EXPECT_CONTINUE, Head
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_of
from mosn._fastpath.proxy.finish cimport stream_new, text
from mosn._fastpath.proxy.h2_server_answer cimport h2_server_answer_ops, h2_server_body, h2_server_trailers
from mosn._fastpath.proxy.h2_server_life cimport h2_server_after, h2_server_goodbye
from mosn._fastpath.proxy.holding cimport chain_now
from mosn._fastpath.proxy.pool cimport h1_pool_ops
from mosn._fastpath.proxy.runtime cimport S_DONE, S_REQUEST_ENDED, S_RESPONSE_STARTED, FilterChain, Stream
from mosn._fastpath.proxy.stream cimport (
    stream_begin, stream_downstream_drained, stream_downstream_reset, stream_open, stream_protocol_error,
)
from mosn._fastpath.proxy.types cimport P_HTTP2
from mosn._fastpath.shm.segment cimport count, gauge
from mosn._fastpath.shm.stats cimport (
    H2G_STREAMS_ACTIVE, HT_CX_MAX_REQUESTS_REACHED, HT_RQ_PREMATURE_RESETS,
)


cdef bint h2_server_refresh(H2Server *server) noexcept nogil:
    cdef FilterChain *chain
    if server.generation == server.proxy.snapshot.generation:
        return True
    chain = chain_now(server.listener, &server.remote,
                      server.direct_remote if server.direct_remote != NULL else &server.remote, &server.local,
                      server.protocol)
    if chain == NULL or chain.http == NULL:
        return False
    server.config = server.listener.config
    server.chain = chain
    server.manager = chain.http
    server.idle_ms = chain.http.idle_timeout_ms
    server.max_ms = chain.http.max_connection_ms
    server.generation = server.proxy.snapshot.generation
    return True


cdef Stream *new_stream(H2Server *server, H2Stream *h2_stream) noexcept nogil:
    cdef Stream *stream = stream_new(server.proxy)
    if stream == NULL:
        return NULL
    stream.down = server
    stream.down_stream = h2_stream
    stream.down_ops = h2_server_answer_ops()
    stream.pool = h1_pool_ops()
    stream.manager = server.manager
    stream.listener = server.config
    stream.info.remote = server.remote
    stream.info.direct_remote = server.remote if server.direct_remote == NULL else server.direct_remote[0]
    stream.info.local = server.local
    stream.info.connection_id = server.id
    stream.info.protocol = P_HTTP2
    stream.info.filter_chain_name = server.chain.name
    h2_stream.owner = stream
    stream.older = server.streams
    if server.streams != NULL:
        server.streams.younger = stream
    server.streams = stream
    server.in_flight += 1
    server.requests += 1
    gauge(server.proxy.region, server.proxy.h2_gauges + H2G_STREAMS_ACTIVE, 1)
    return stream


cdef Head *place(H2 *h2, H2Stream *h2_stream, int part) noexcept nogil:
    cdef H2Server *server = <H2Server *>h2.owner
    cdef Stream *stream = <Stream *>h2_stream.owner
    if part != H2_PART_HEAD:
        return &stream.request_trailers if stream != NULL else NULL
    if not h2_server_refresh(server):
        h2_server_goodbye(server)
        return NULL
    stream = new_stream(server, h2_stream)
    return &stream.request if stream != NULL else NULL


cdef void on_head(H2 *h2, H2Stream *h2_stream, Head *head, bint end) noexcept nogil:
    cdef H2Server *server = <H2Server *>h2.owner
    cdef Stream *stream = <Stream *>h2_stream.owner
    cdef uint32_t id = h2_stream.id
    cdef uint32_t most = server.manager.max_requests
    cdef bint wants_continue = (head.flags & HF_EXPECT_CONTINUE) != 0 and not server.manager.proxy_100_continue
    stream_begin(stream, end)
    if wants_continue and not end and h2_stream.id == id and h2_stream.owner == stream \
            and not stream.flags & (S_DONE | S_RESPONSE_STARTED):
        send_continue(h2, h2_stream)
    if most and server.requests >= most and not server.goodbye:
        count(server.proxy.region, server.stats + HT_CX_MAX_REQUESTS_REACHED, 1)
        h2_server_goodbye(server)


cdef void send_continue(H2 *h2, H2Stream *h2_stream) noexcept nogil:
    cdef Head head
    memset(&head, 0, sizeof(head))
    head.status = 100
    h2_send_response(h2, h2_stream, &head, False)


cdef void on_data(H2 *h2, H2Stream *h2_stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream == NULL:
        h2_consumed_here(h2, <uint32_t>n)
    else:
        stream.info.wire_received += n
        h2_server_body(stream, p, n, end)


cdef void on_trailers(H2 *h2, H2Stream *h2_stream, Head *trailers) noexcept nogil:
    if h2_stream.owner != NULL:
        h2_server_trailers(<Stream *>h2_stream.owner)


cdef void on_too_large(H2 *h2, H2Stream *h2_stream, bint end) noexcept nogil:
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream == NULL:
        return
    if stream.events != NULL:           # trailers of a request that is under way
        stream_downstream_reset(stream, text("http2.headers_too_large"), True)
        return
    stream_open(stream)
    if end:
        stream.flags |= S_REQUEST_ENDED
    stream_protocol_error(stream, 431, text("http2.headers_too_large"))


cdef Slice explain(Stream *stream, const char *why) noexcept nogil:
    cdef size_t n = strlen(why) if why != NULL else 0
    cdef char *out = <char *>arena_alloc(&stream.arena, n + 19)
    if out == NULL:
        return text("http2.codec_error")
    memcpy(out, "http2.codec_error{", 18)
    if n:
        memcpy(out + 18, why, n)
    out[18 + n] = c"}"
    return slice_of(out, n + 19)


cdef void on_reset(H2 *h2, H2Stream *h2_stream, uint32_t code, bint remote) noexcept nogil:
    cdef Stream *stream = <Stream *>h2_stream.owner
    if stream == NULL:
        return
    if stream.events == NULL:
        stream_open(stream)             # its head was malformed: it is logged all the same
    stream_downstream_reset(stream, text("http2.remote_reset") if remote else explain(stream, h2.why), not remote)


cdef void on_writable(H2 *h2, H2Stream *h2_stream) noexcept nogil:
    if h2_stream.owner != NULL:
        stream_downstream_drained(<Stream *>h2_stream.owner)


cdef void on_ponged(H2 *h2) noexcept nogil:
    cdef H2Server *server = <H2Server *>h2.owner
    if server.goodbye == 1:
        server.goodbye = 2
        h2_drain(h2, True)
        h2_server_after(server)


cdef void on_note(H2 *h2, uint8_t note) noexcept nogil:
    cdef H2Server *server = <H2Server *>h2.owner
    count(server.proxy.region, server.proxy.h2_stats + note, 1)
    if note == H2N_PREMATURE_RESETS:
        count(server.proxy.region, server.stats + HT_RQ_PREMATURE_RESETS, 1)


cdef H2Events EVENTS
EVENTS.place = place
EVENTS.head = on_head
EVENTS.data = on_data
EVENTS.trailers = on_trailers
EVENTS.too_large = on_too_large
EVENTS.reset = on_reset
EVENTS.writable = on_writable
EVENTS.ponged = on_ponged
EVENTS.note = on_note


cdef const H2Events *h2_server_events() noexcept nogil:
    return &EVENTS
