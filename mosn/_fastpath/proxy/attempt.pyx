"""The upstream side of a stream (see attempt.pxd).

Envoy's router: one attempt at a time; a failed one may be tried again (retry_on, budget, back-off, other hosts) as
long as nothing of a response went to the client and the request can be replayed.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.head cimport H_SET_COOKIE, H_X_FORWARDED_HOST, Head, Header, head_add_known, head_find, head_init
from mosn._fastpath.memory cimport Slice, arena_alloc, arena_copy, buf_len, buf_release, slice_of
from mosn._fastpath.proxy.cluster cimport cluster_in_panic, cluster_pick
from mosn._fastpath.proxy.finish cimport (
    attempt_release, count_response, stream_finish, stream_rearm, stream_reply, text,
)
from mosn._fastpath.proxy.info cimport address_parse_ip
from mosn._fastpath.proxy.request cimport request_attempt_count, request_time_left
from mosn._fastpath.proxy.retry cimport retry_allowed, retry_failure_bits, retry_free, retry_schedule
from mosn._fastpath.proxy.route cimport header_ops_apply, retry_on_response
from mosn._fastpath.proxy.runtime cimport (
    RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT, RESET_OVERFLOW, RESET_PROTOCOL, S_BUFFERING, S_CONNECT, S_DONE,
    S_DOWN_PAUSED, S_HEAD_SENT, S_REQUEST_ENDED, S_REQUEST_SENT, S_RESPONSE_ENDED, S_RESPONSE_STARTED,
    S_TRAILERS_KEPT, S_TUNNEL, S_UPGRADE, S_UPSTREAM_ENDED, S_UP_PAUSED, TRIED_HOSTS, Stream, UpstreamEvents,
)
from mosn._fastpath.proxy.types cimport (
    CLUSTER_ORIGINAL_DST, FLAG_UC, FLAG_UF, FLAG_UH, FLAG_UO, FLAG_UPE, Address, Host, PickContext, Retry,
)
from mosn._fastpath.proxy.upstream_host cimport original_dst_host
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    CL_CX_NONE_HEALTHY, CL_LB_HEALTHY_PANIC, CL_ORIGINAL_DST_HOST_INVALID, CL_RQ_RETRY_SUCCESS, CL_RQ_TOTAL,
    HT_CX_TX_BYTES, HT_CX_UPGRADES_TOTAL,
)

cdef Slice EMPTY = slice_of(NULL, 0)


cdef void stream_touch(Stream *stream) noexcept nogil:
    # Something moved: the idle clock starts again.  The armed timer is left alone, it fires early and looks again.
    if stream.idle_ms:
        stream.idle_deadline = stream.engine.now_ms + stream.idle_ms


cdef bint parse_destination(const char *p, uint32_t n, Address *out) noexcept nogil:
    # IP:PORT or [IPV6]:PORT
    cdef uint32_t colon = n
    cdef uint32_t port = 0
    cdef uint32_t i
    while colon > 0 and p[colon - 1] != c':':
        colon -= 1
    if colon == 0 or n - colon < 1 or n - colon > 5:
        return False
    for i in range(colon, n):
        if p[i] < c'0' or p[i] > c'9':
            return False
        port = port * 10 + <uint32_t>(p[i] - c'0')
    colon -= 1
    if colon >= 2 and p[0] == c'[' and p[colon - 1] == c']':
        p += 1
        colon -= 2
    if port == 0 or port > 65535 or address_parse_ip(out, p, colon) < 0:
        return False
    out.port = <uint16_t>port
    return True


cdef Host *original_destination(Stream *stream) noexcept nogil:
    cdef Address destination = stream.info.local
    cdef Slice name = stream.cluster.original_dst_header
    cdef Header *header = NULL
    if name.n:
        header = head_find(&stream.request, name.p, name.n)
    if header != NULL:
        if not parse_destination(header.value, header.value_len, &destination):
            count(stream.proxy.region, stream.cluster.stats + CL_ORIGINAL_DST_HOST_INVALID, 1)
            return NULL
    return original_dst_host(stream.proxy, stream.cluster, &destination)


cdef Host *pick(Stream *stream) noexcept nogil:
    cdef PickContext context
    cdef Retry *retry = stream.route.retry
    if stream.cluster.type == CLUSTER_ORIGINAL_DST:
        return original_destination(stream)
    context.hash = stream.info.hash
    context.has_hash = stream.info.has_hash
    context.random = stream.engine.random
    context.tried = stream.tried
    context.tried_count = 0
    context.attempts = 0
    if cluster_in_panic(stream.cluster):
        count(stream.proxy.region, stream.cluster.stats + CL_LB_HEALTHY_PANIC, 1)
    if retry != NULL and retry.previous_hosts:
        context.tried_count = stream.tried_count
        context.attempts = retry.host_attempts
    return cluster_pick(stream.cluster, &context)


cdef void attempt_start(Stream *stream) noexcept nogil:
    cdef Host *host
    stream.info.attempts += 1
    host = pick(stream)
    if host == NULL:
        count(stream.proxy.region, stream.cluster.stats + CL_CX_NONE_HEALTHY, 1)
        stream.host = NULL
        stream_reply(stream, 503, text("no healthy upstream"), FLAG_UH, text("no_healthy_upstream"), EMPTY)
        return
    stream.host = host
    stream.info.host = host
    if stream.tried_count < TRIED_HOSTS:
        stream.tried[stream.tried_count] = host
        stream.tried_count += 1
    stream.flags &= ~<uint32_t>(S_HEAD_SENT | S_REQUEST_SENT | S_UPSTREAM_ENDED)
    stream.pool.acquire(stream)


cdef void on_ready(Stream *stream) noexcept nogil:
    # A connection is ours: the head, what was kept of the body, and the rest as it comes.
    cdef bint whole = (stream.flags & S_REQUEST_ENDED) != 0 and not stream.flags & S_TRAILERS_KEPT
    cdef uint32_t kept = buf_len(&stream.kept)
    cdef uint32_t items = stream.request.count
    if stream.route.auto_host_rewrite and stream.host.hostname.n:
        if stream.route.append_x_forwarded_host:
            head_add_known(&stream.request, H_X_FORWARDED_HOST, stream.request.authority.p, stream.request.authority.n)
        stream.request.authority = stream.host.hostname
    request_attempt_count(stream)
    if stream.attempt:
        request_time_left(stream)
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_TOTAL, 1)
    stream.flags |= S_HEAD_SENT
    stream.upstream_start_us = stream.engine.now_us
    stream.info.upstream_first_tx_us = stream.engine.now_us
    items = stream.request.count
    stream.up_ops.send_head(stream, &stream.request, whole and kept == 0 and not stream.flags & (S_UPGRADE | S_CONNECT))
    stream.request.count = items        # framing that the codec added is not part of the request
    if kept:
        stream.up_ops.send_data(stream, stream.kept.data + stream.kept.start, kept, whole)
    if stream.flags & S_TRAILERS_KEPT:
        stream.up_ops.send_trailers(stream, &stream.request_trailers)
    if stream.flags & S_REQUEST_ENDED:
        request_sent(stream)
    elif stream.flags & S_DOWN_PAUSED:
        stream.flags &= ~<uint32_t>S_DOWN_PAUSED
        stream.down_ops.resume(stream)


cdef void request_sent(Stream *stream) noexcept nogil:
    stream.flags |= S_REQUEST_SENT
    stream.info.upstream_last_tx_us = stream.engine.now_us
    if stream.try_timeout_ms:
        stream.try_deadline = stream.engine.now_ms + stream.try_timeout_ms
        stream_rearm(stream)


cdef void attempt_request_complete(Stream *stream) noexcept nogil:
    stream.request_deadline = 0
    stream.info.request_end_us = stream.engine.now_us
    if stream.timeout_ms and not stream.flags & (S_UPGRADE | S_CONNECT):
        stream.route_deadline = stream.engine.now_ms + stream.timeout_ms
        stream_rearm(stream)
    if stream.flags & S_HEAD_SENT and not stream.flags & S_REQUEST_SENT:
        request_sent(stream)


cdef void attempt_end(Stream *stream) noexcept nogil:
    attempt_release(stream)
    stream.try_deadline = 0
    if stream.flags & S_UP_PAUSED:
        stream.flags &= ~<uint32_t>S_UP_PAUSED


cdef void on_reset(Stream *stream, int reason, Slice detail) noexcept nogil:
    attempt_end(stream)
    if stream.flags & S_DONE:
        return
    if retry_free(stream, reason):
        attempt_start(stream)
        return
    if stream.retry_on & retry_failure_bits(stream, reason) and retry_allowed(stream):
        retry_schedule(stream)
        return
    explain_reset(stream, reason, detail)


cdef Slice reset_body(Stream *stream, Slice reason) noexcept nogil:
    cdef Slice start = text("upstream connect error or disconnect/reset before headers. retried and the latest "
                            if stream.attempt else "upstream connect error or disconnect/reset before headers. ")
    cdef char *out = <char *>arena_alloc(&stream.arena, start.n + 14 + reason.n)
    if out == NULL:
        return reason
    memcpy(out, start.p, start.n)
    memcpy(out + start.n, "reset reason: ", 14)
    memcpy(out + start.n + 14, reason.p, reason.n)
    return slice_of(out, start.n + 14 + reason.n)


cdef void explain_reset(Stream *stream, int reason, Slice detail) noexcept nogil:
    cdef Slice body
    cdef Slice details
    cdef uint64_t flag
    if reason == RESET_OVERFLOW:
        body = reset_body(stream, text("overflow"))
        details = text("upstream_reset_before_response_started{overflow}")
        flag = FLAG_UO
    elif reason in (RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT):
        body = reset_body(stream, text("remote connection failure" if reason == RESET_CONNECT_FAILED else
                                       "connection timeout"))
        details = text("upstream_reset_before_response_started{remote_connection_failure}"
                       if reason == RESET_CONNECT_FAILED else
                       "upstream_reset_before_response_started{connection_timeout}")
        flag = FLAG_UF
    elif reason == RESET_PROTOCOL:
        body = reset_body(stream, text("protocol error"))
        details = text("upstream_reset_before_response_started{protocol_error}"
                       if not stream.flags & S_RESPONSE_STARTED else
                       "upstream_reset_after_response_started{protocol_error}")
        flag = FLAG_UPE
    else:
        body = reset_body(stream, text("connection termination"))
        details = text("upstream_reset_before_response_started{connection_termination}"
                       if not stream.flags & S_RESPONSE_STARTED else
                       "upstream_reset_after_response_started{connection_termination}")
        flag = FLAG_UC
    if detail.n and reason == RESET_CONNECT_FAILED:
        stream.info.upstream_failure_reason = slice_of(keep(stream, detail), detail.n)
        details = connect_details(stream, detail)
    stream_reply(stream, 502 if reason == RESET_PROTOCOL else 503, body, flag, details, EMPTY)


cdef Slice connect_details(Stream *stream, Slice detail) noexcept nogil:
    # "...{remote_connection_failure|delayed_connect_error:_Connection_refused}"
    cdef Slice start = text("upstream_reset_before_response_started{remote_connection_failure|")
    cdef char *out = <char *>arena_alloc(&stream.arena, start.n + detail.n + 1)
    if out == NULL:
        return slice_of(start.p, start.n - 1)
    memcpy(out, start.p, start.n)
    memcpy(out + start.n, detail.p, detail.n)
    out[start.n + detail.n] = c"}"
    return slice_of(out, start.n + detail.n + 1)


cdef const char *keep(Stream *stream, Slice words) noexcept nogil:
    return arena_copy(&stream.arena, words.p, words.n)


cdef void on_1xx(Stream *stream, Head *head) noexcept nogil:
    # 100 answers an Expect that we answered ourselves, unless the manager passes it through.
    if head.status == 100 and not stream.manager.proxy_100_continue:
        return
    if not stream.flags & S_RESPONSE_STARTED:
        stream.down_ops.send_1xx(stream, head)


cdef void on_head(Stream *stream, Head *head, bint end) noexcept nogil:
    cdef Retry *retry = stream.route.retry
    stream.info.upstream_first_rx_us = stream.engine.now_us
    stream_touch(stream)
    if end:
        upstream_complete(stream)
    if stream.retry_on and retry_on_response(retry, stream.retry_on, head) and retry_allowed(stream):
        count_response(stream)
        if stream.up != NULL:
            stream.up_ops.cancel(stream)
        attempt_end(stream)
        head_init(&stream.response, &stream.arena)
        head_init(&stream.response_trailers, &stream.arena)
        stream.info.response = NULL
        stream.info.upstream_first_rx_us = 0
        retry_schedule(stream)
        return
    if stream.attempt and stream.response.status < 500:
        count(stream.proxy.region, stream.cluster.stats + CL_RQ_RETRY_SUCCESS, 1)
    buf_release(&stream.engine.pool, &stream.kept)
    stream.flags &= ~<uint32_t>S_BUFFERING
    stream.try_deadline = 0
    send_response_head(stream, end)


cdef void send_response_head(Stream *stream, bint end) noexcept nogil:
    stream.info.response_code = stream.response.status
    stream.info.response_code_details = text("via_upstream")
    if stream.set_cookie.n:
        head_add_known(&stream.response, H_SET_COOKIE, stream.set_cookie.p, stream.set_cookie.n)
    stream.down_ops.respond(stream, True)
    if stream.picked != NULL:
        header_ops_apply(&stream.picked.response_ops, &stream.info, False, &stream.engine.pool)
    header_ops_apply(&stream.route.response_ops, &stream.info, False, &stream.engine.pool)
    stream.flags |= S_RESPONSE_STARTED
    stream.info.downstream_first_tx_us = stream.engine.now_us
    if stream.up != NULL and stream.flags & (S_UPGRADE | S_CONNECT) and (
            stream.response.status == 101 or (stream.flags & S_CONNECT and stream.response.status < 300)):
        stream.flags |= S_TUNNEL
        stream.route_deadline = 0
        count(stream.proxy.region, stream.manager.stats + HT_CX_UPGRADES_TOTAL, 1)
    stream.down_ops.send_head(stream, &stream.response, end)
    if stream.flags & S_TUNNEL and not stream.flags & S_DONE:
        stream.down_ops.tunnel(stream)
    if end:
        complete(stream)


cdef void upstream_complete(Stream *stream) noexcept nogil:
    stream.flags |= S_UPSTREAM_ENDED
    stream.info.upstream_last_rx_us = stream.engine.now_us
    attempt_release(stream)


cdef void complete(Stream *stream) noexcept nogil:
    if stream.flags & S_DONE:
        return
    stream.flags |= S_RESPONSE_ENDED
    count_response(stream)
    stream_finish(stream)


cdef void on_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    stream_touch(stream)
    stream.info.bytes_sent += n
    if end and not stream.flags & S_TUNNEL:
        upstream_complete(stream)
    stream.down_ops.send_data(stream, p, n, end)
    if stream.flags & S_DONE:
        return
    if end:
        if not stream.flags & S_TUNNEL:
            complete(stream)
            return
        stream.flags |= S_UPSTREAM_ENDED
        if stream.flags & S_REQUEST_ENDED:
            complete(stream)
        return
    if stream.up != NULL and not stream.flags & S_UP_PAUSED and stream.down_ops.above_high(stream):
        stream.flags |= S_UP_PAUSED
        stream.up_ops.pause(stream)


cdef void on_spliced(Stream *stream, size_t n) noexcept nogil:
    stream_touch(stream)
    stream.info.bytes_sent += n
    stream.info.wire_sent += n
    count(stream.proxy.region, stream.manager.stats + HT_CX_TX_BYTES, n)


cdef void on_trailers(Stream *stream, Head *trailers) noexcept nogil:
    stream.info.trailers = trailers
    upstream_complete(stream)
    stream.down_ops.send_trailers(stream, trailers)
    complete(stream)


cdef void on_drained(Stream *stream) noexcept nogil:
    # The upstream took what was queued: more of the request, please.
    if stream.flags & S_DOWN_PAUSED and stream.flags & S_HEAD_SENT:
        stream.flags &= ~<uint32_t>S_DOWN_PAUSED
        stream.down_ops.resume(stream)


cdef const UpstreamEvents *upstream_events() noexcept nogil:
    return &EVENTS


cdef UpstreamEvents EVENTS
EVENTS.ready = on_ready
EVENTS.head_1xx = on_1xx
EVENTS.head = on_head
EVENTS.data = on_data
EVENTS.spliced = on_spliced
EVENTS.trailers = on_trailers
EVENTS.reset = on_reset
EVENTS.drained = on_drained
