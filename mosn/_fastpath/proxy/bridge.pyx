"""HTTP in, RPC out (see bridge.pxd).

Until the request is whole, a collector stands in for the upstream; what it kept becomes a frame, and the stream goes on
as every other, with the connections and the exchange of the RPC protocol.  An answer is turned into a response on its
way to the stream's own events, so retries and counts see HTTP.
"""

from libc.stdint cimport int64_t, uint32_t
from libc.string cimport memset

from mosn._fastpath.codec.bridge cimport bridge_answer, bridge_request
from mosn._fastpath.codec.bridge_call cimport BridgeCall
from mosn._fastpath.head cimport (
    HF_EXPECT_CONTINUE, H_CONTENT_LENGTH, H_CONTENT_TYPE, Head, Header, head_add_known, head_get, head_init,
)
from mosn._fastpath.memory cimport (
    Buf, Slice, arena_alloc, arena_copy, buf_append, buf_len, buf_release, slice_of,
)
from mosn._fastpath.proxy.attempt cimport attempt_request_complete, attempt_start, upstream_events
from mosn._fastpath.proxy.finish cimport stream_reply, text
from mosn._fastpath.proxy.request cimport decimal_text
from mosn._fastpath.proxy.route_rules cimport RouteBridge, rules_of
from mosn._fastpath.proxy.rpc_pool cimport rpc_pool_ops
from mosn._fastpath.proxy.rpc_types cimport RpcExchange
from mosn._fastpath.proxy.runtime cimport (
    S_BUFFERING, S_CONNECT, S_DONE, S_HEAD_SENT, S_REQUEST_ENDED, S_RESPONSE_STARTED, S_UPGRADE, Stream,
    UpstreamEvents, UpstreamOps,
)

cdef Slice EMPTY = slice_of(NULL, 0)
cdef const char *JSON = b"application/json"
cdef enum:
    MOST_TIMEOUT_MS = 0x7fffffff


cdef void refuse(Stream *stream, int status, Slice why) noexcept nogil:
    stream_reply(stream, status, why, 0, text("rpc_bridge"), EMPTY)


# -- the request's body

cdef void too_large(Stream *stream) noexcept nogil:
    refuse(stream, 413, text("the request is larger than its route allows"))


cdef void collected(Stream *stream) noexcept nogil:
    stream.up = NULL
    stream.flags &= ~<uint32_t>S_HEAD_SENT
    attempt_request_complete(stream)
    send(stream, rules_of(stream.route).bridge)


cdef void collect_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef uint32_t most = rules_of(stream.route).bridge.call.max_request
    if n > most or buf_len(&stream.kept) > most - n or buf_append(&stream.engine.pool, &stream.kept, p, n) < 0:
        too_large(stream)
    elif end:
        collected(stream)


cdef void collect_trailers(Stream *stream, Head *trailers) noexcept nogil:
    # The RPC protocols have none.
    collected(stream)


cdef void forget(Stream *stream) noexcept nogil:
    stream.up = NULL


cdef void no_head(Stream *stream, Head *head, bint end) noexcept nogil:
    pass


cdef void nothing(Stream *stream) noexcept nogil:
    pass


cdef bint never(Stream *stream) noexcept nogil:
    return False


cdef UpstreamOps COLLECTOR
COLLECTOR.send_head = no_head
COLLECTOR.send_data = collect_data
COLLECTOR.send_trailers = collect_trailers
COLLECTOR.cancel = forget
COLLECTOR.pause = nothing
COLLECTOR.resume = nothing
COLLECTOR.above_high = never
COLLECTOR.splice_on = nothing


cdef void go_on(Stream *stream) noexcept nogil:
    # Nobody else answers an Expect that the manager leaves to the upstream.
    cdef Head head
    if stream.request.flags & HF_EXPECT_CONTINUE and stream.manager.proxy_100_continue:
        head_init(&head, &stream.arena)
        head.status = 100
        stream.down_ops.send_1xx(stream, &head)


cdef void bridge_begin(Stream *stream, const RouteBridge *bridge) noexcept nogil:
    # The body is kept here, and for retries the frame: not by the stream.
    stream.flags &= ~<uint32_t>S_BUFFERING
    if stream.flags & (S_UPGRADE | S_CONNECT):
        refuse(stream, 501, text("an RPC service takes no upgrades"))
    elif stream.request.content_length > <int64_t>bridge.call.max_request:
        too_large(stream)
    elif stream.flags & S_REQUEST_ENDED:
        send(stream, bridge)
    else:
        stream.up = stream
        stream.up_ops = &COLLECTOR
        stream.flags |= S_HEAD_SENT
        go_on(stream)


# -- the frame

cdef bint is_json(Stream *stream) noexcept nogil:
    # application/json or application/...+json, whatever its parameters.  Forms of other sites' pages are neither.
    cdef const Header *type = head_get(&stream.request, H_CONTENT_TYPE)
    cdef uint32_t n = 0
    cdef uint32_t i
    cdef char byte
    if type == NULL:
        return False
    while n < type.value_len and type.value[n] != c";" and type.value[n] != c" ":
        n += 1
    if n < 16:
        return False
    for i in range(16):
        byte = type.value[i] if i < 12 else type.value[n - 16 + i]
        if (byte | 0x20 if c"A" <= byte <= c"Z" else byte) != JSON[i]:
            return False
    return n == 16 or type.value[n - 5] == c"+"


cdef int make_frame(Stream *stream, const RouteBridge *bridge, Buf *frame) noexcept nogil:
    # 0, or -1: the client has its answer.
    cdef BridgeCall call
    memset(&call, 0, sizeof(call))
    call.bridge = &bridge.call
    call.arena = &stream.arena
    call.head = &stream.request
    call.body = slice_of(stream.kept.data + stream.kept.start, buf_len(&stream.kept))
    call.timeout_ms = <int>min(stream.timeout_ms, <uint32_t>MOST_TIMEOUT_MS)
    if call.body.n and not is_json(stream):
        refuse(stream, 415, text("a body has to be application/json"))
        return -1
    if bridge_request(&call, &stream.engine.pool, frame) < 0:
        refuse(stream, call.status, call.why)
        return -1
    return 0


cdef RpcExchange *make_exchange(Stream *stream, const RouteBridge *bridge, const Buf *frame) noexcept nogil:
    # In the stream's arena; NULL: no memory, or beyond the limits of the upstream's connections.
    cdef RpcExchange *made = <RpcExchange *>arena_alloc(&stream.arena, sizeof(RpcExchange))
    cdef Head *head = <Head *>arena_alloc(&stream.arena, sizeof(Head))
    if made == NULL or head == NULL:
        return NULL
    memset(made, 0, sizeof(RpcExchange))
    head_init(head, &stream.arena)
    made.manager = &bridge.upstream
    made.head = head
    made.begun_ms = stream.engine.now_ms
    made.client_id = stream.info.connection_id
    made.bytes = arena_copy(&stream.arena, frame.data + frame.start, buf_len(frame))
    if made.bytes == NULL or bridge.upstream.codec.parse(
            bridge.upstream.codec, made.bytes, buf_len(frame), &bridge.upstream.limits, &made.frame) <= 0:
        return NULL
    if bridge.upstream.codec.read_head(bridge.upstream.codec, made.bytes, &made.frame, &bridge.upstream.limits,
                                       head) < 0:
        return NULL
    return made


cdef void send(Stream *stream, const RouteBridge *bridge) noexcept nogil:
    cdef RpcExchange *exchange
    cdef Buf frame
    memset(&frame, 0, sizeof(frame))
    if make_frame(stream, bridge, &frame) < 0:
        return
    exchange = make_exchange(stream, bridge, &frame)
    buf_release(&stream.engine.pool, &frame)
    buf_release(&stream.engine.pool, &stream.kept)
    if exchange == NULL:
        too_large(stream)
        return
    stream.rpc = exchange
    stream.pool = rpc_pool_ops()
    stream.events = &EVENTS
    stream.flags |= S_BUFFERING         # an attempt can be repeated
    attempt_start(stream)


# -- the answer

cdef int describe(Stream *stream, int status, uint32_t n) noexcept nogil:
    # The response's head, instead of the frame's.
    cdef char *length = <char *>arena_alloc(&stream.arena, 24)
    cdef Head *head = &stream.response
    if length == NULL:
        return -1
    head_init(head, &stream.arena)
    head.status = <unsigned short>status
    head.content_length = n
    head_add_known(head, H_CONTENT_TYPE, "application/json", 16)
    head_add_known(head, H_CONTENT_LENGTH, length, decimal_text(n, length))
    return 0


cdef void on_head(Stream *stream, Head *head, bint end) noexcept nogil:
    cdef RpcExchange *exchange = <RpcExchange *>stream.rpc
    cdef const UpstreamEvents *events = upstream_events()
    cdef Buf body
    cdef int status
    memset(&body, 0, sizeof(body))
    status = bridge_answer(&rules_of(stream.route).bridge.call, exchange.answer_bytes, &exchange.answer, head,
                           &stream.arena, &stream.engine.pool, &body)
    if describe(stream, status, buf_len(&body)) == 0:
        events.head(stream, &stream.response, False)
        if stream.flags & S_RESPONSE_STARTED and not stream.flags & S_DONE:
            events.data(stream, body.data + body.start, buf_len(&body), True)
    else:
        stream_reply(stream, 500, EMPTY, 0, text("rpc_bridge"), EMPTY)
    buf_release(&stream.engine.pool, &body)


cdef UpstreamEvents EVENTS = upstream_events()[0]
EVENTS.head = on_head
