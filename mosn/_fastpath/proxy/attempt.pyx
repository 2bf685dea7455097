"""The upstream side of a stream (see attempt.pxd).

Envoy's router: one attempt at a time; a failed one may be tried again (retry_on, budget, back-off, other hosts) as
long as nothing of a response went to the client and the request can be replayed.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t

from mosn._fastpath.engine.loop cimport random_next
from mosn._fastpath.engine.timer cimport timer_arm
from mosn._fastpath.engine.types cimport Engine, Timer
from mosn._fastpath.head cimport (
    H_ENVOY_ORIGINAL_DST_HOST,
    H_HOST,
    H_SET_COOKIE,
    H_X_FORWARDED_HOST,
    M_DELETE,
    M_GET,
    M_HEAD,
    M_OPTIONS,
    M_PUT,
    M_TRACE,
    Head,
    Header,
    head_add_known,
    head_find,
    head_init,
)
from mosn._fastpath.memory cimport Slice, arena_copy, buf_len, buf_release, slice_of
from mosn._fastpath.proxy.cluster cimport cluster_pick
from mosn._fastpath.proxy.finish cimport (
    attempt_release,
    count_response,
    stream_finish,
    stream_rearm,
    stream_reply,
    text,
)
from mosn._fastpath.proxy.info cimport address_parse_ip
from mosn._fastpath.proxy.pool cimport host_stat, original_dst_host
from mosn._fastpath.proxy.request cimport request_attempt_count
from mosn._fastpath.proxy.route cimport header_ops_apply, retry_on_response
from mosn._fastpath.proxy.runtime cimport (
    RESET_CONNECT_FAILED,
    RESET_CONNECT_TIMEOUT,
    RESET_OVERFLOW,
    RESET_PROTOCOL,
    RESET_TERMINATION,
    S_BUFFERING,
    S_CONNECT,
    S_DONE,
    S_DOWN_PAUSED,
    S_FREE_RETRY,
    S_HEAD_SENT,
    S_REQUEST_ENDED,
    S_REQUEST_SENT,
    S_RESPONSE_ENDED,
    S_RESPONSE_STARTED,
    S_RETRY_TAKEN,
    S_RETRY_WAIT,
    S_TRAILERS_KEPT,
    S_TUNNEL,
    S_UP_PAUSED,
    S_UPGRADE,
    S_UPSTREAM_ENDED,
    S_WAITING,
    TRIED_HOSTS,
    Stream,
    UpstreamEvents,
)
from mosn._fastpath.proxy.types cimport (
    CLUSTER_ORIGINAL_DST,
    FLAG_SI,
    FLAG_UC,
    FLAG_UF,
    FLAG_UH,
    FLAG_UMSDR,
    FLAG_UO,
    FLAG_UPE,
    FLAG_URX,
    FLAG_UT,
    FLAG_DT,
    RETRY_CONNECT_FAILURE,
    RETRY_GATEWAY_ERROR,
    RETRY_5XX,
    RETRY_RESET,
    RETRY_RESET_BEFORE_REQUEST,
    Address,
    Breaker,
    Host,
    PickContext,
    Retry,
)
from mosn._fastpath.shm.segment cimport LIMIT_REQUESTS, LIMIT_RETRIES, count, limit_give, limit_sum, limit_take
from mosn._fastpath.shm.stats cimport (
    CL_CX_NONE_HEALTHY,
    CL_ORIGINAL_DST_HOST_INVALID,
    CL_RQ_MAX_DURATION_REACHED,
    CL_RQ_PER_TRY_TIMEOUT,
    CL_RQ_RETRY,
    CL_RQ_RETRY_BACKOFF_EXPONENTIAL,
    CL_RQ_RETRY_LIMIT_EXCEEDED,
    CL_RQ_RETRY_OVERFLOW,
    CL_RQ_RETRY_SUCCESS,
    CL_RQ_RX_RESET,
    CL_RQ_TIMEOUT,
    CL_RQ_TOTAL,
    HS_RQ_TIMEOUT,
    HT_CX_TX_BYTES,
    HT_CX_UPGRADES_TOTAL,
    HT_RQ_IDLE_TIMEOUT,
    HT_RQ_MAX_DURATION_REACHED,
    HT_RQ_TIMEOUT,
)

cdef Slice EMPTY = slice_of(NULL, 0)


cdef void stream_touch(Stream *stream) noexcept nogil:
    # Something moved: the idle clock starts again.  The armed timer is left alone, it fires early and looks again.
    if stream.idle_ms:
        stream.idle_deadline = stream.engine.now_ms + stream.idle_ms


# -- starting

cdef Host *original_destination(Stream *stream) noexcept nogil:
    cdef Address destination = stream.info.local
    cdef Slice name = stream.cluster.original_dst_header
    cdef Header *header = NULL
    cdef uint32_t colon
    cdef uint32_t i
    if name.n:
        header = head_find(&stream.request, name.p, name.n)
    if header != NULL:
        colon = header.value_len
        while colon > 0 and header.value[colon - 1] != c':':
            colon -= 1
        destination.port = 0
        for i in range(colon, header.value_len):
            destination.port = <uint16_t>(destination.port * 10 + (header.value[i] - c'0'))
        if colon == 0 or address_parse_ip(&destination, header.value, colon - 1) < 0:
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
    if retry != NULL and retry.previous_hosts:
        context.tried_count = stream.tried_count
        context.attempts = retry.host_attempts
    return cluster_pick(stream.cluster, &context)


cdef void attempt_start(Stream *stream) noexcept nogil:
    cdef Host *host = pick(stream)
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
    stream.info.attempts += 1
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


# -- retries

cdef bint replayable(Stream *stream) noexcept nogil:
    # Nothing went to the client, and the body so far is empty or kept.
    if stream.flags & (S_RESPONSE_STARTED | S_TUNNEL | S_UPGRADE | S_CONNECT):
        return False
    return stream.info.bytes_received == 0 or (stream.flags & S_BUFFERING) != 0


cdef bint retry_slot(Stream *stream) noexcept nogil:
    # The retry circuit breaker (max_retries or retry_budget) of the box.
    cdef Breaker *breaker = &stream.cluster.breakers[stream.route.priority]
    cdef uint32_t maximum = breaker.max_retries
    cdef uint32_t budget
    if stream.flags & S_RETRY_TAKEN:
        return True
    if breaker.retry_budget_percent > 0:
        budget = <uint32_t>(limit_sum(&stream.proxy.limits, breaker.index, LIMIT_REQUESTS)
                            * breaker.retry_budget_percent / 100)
        maximum = max(budget, breaker.min_retry_concurrency)
    if not limit_take(stream.proxy.region, &stream.proxy.limits, breaker.index, LIMIT_RETRIES, maximum):
        count(stream.proxy.region, stream.cluster.stats + CL_RQ_RETRY_OVERFLOW, 1)
        stream.info.response_flags |= FLAG_UO
        return False
    stream.flags |= S_RETRY_TAKEN
    return True


cdef bint may_retry(Stream *stream) noexcept nogil:
    if stream.retry_on == 0 or not replayable(stream):
        return False
    if stream.retries_left == 0:
        count(stream.proxy.region, stream.cluster.stats + CL_RQ_RETRY_LIMIT_EXCEEDED, 1)
        stream.info.response_flags |= FLAG_URX
        return False
    return retry_slot(stream)


cdef void schedule_retry(Stream *stream) noexcept nogil:
    # Fully jittered exponential back-off (Envoy: base_interval 25 ms, max_interval ten times that).
    cdef Retry *retry = stream.route.retry
    cdef uint64_t base = retry.base_interval_ms if retry != NULL else 25
    cdef uint64_t longest = retry.max_interval_ms if retry != NULL else 250
    cdef uint64_t bound = base << min(stream.attempt, <uint32_t>20)
    stream.retries_left -= 1
    stream.attempt += 1
    if bound > longest:
        bound = longest
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_RETRY, 1)
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_RETRY_BACKOFF_EXPONENTIAL, 1)
    stream.flags |= S_RETRY_WAIT
    stream.try_deadline = 0
    stream.retry_at = stream.engine.now_ms + random_next(stream.engine.random) % (bound if bound else 1)
    if stream.retry_at <= stream.engine.now_ms:
        stream.retry_at = stream.engine.now_ms + 1
    hold_request(stream)
    stream_rearm(stream)


cdef void hold_request(Stream *stream) noexcept nogil:
    # No upstream to send to: request bytes wait in the client's connection.
    if not stream.flags & (S_REQUEST_ENDED | S_DOWN_PAUSED):
        stream.flags |= S_DOWN_PAUSED
        stream.down_ops.pause(stream)


cdef bint free_retry(Stream *stream, int reason) noexcept nogil:
    # A pooled connection that the upstream closed while our request was on its way: nothing was processed as far as
    # an idempotent request is concerned, so it is sent once more (RFC 9110 section 9.2.2; nginx does the same).
    if reason != RESET_TERMINATION or not stream.upstream_was_used or stream.flags & S_FREE_RETRY:
        return False
    if stream.info.bytes_received or not replayable(stream) or stream.info.upstream_first_rx_us:
        return False
    if stream.request.method_id not in (M_GET, M_HEAD, M_OPTIONS, M_PUT, M_DELETE, M_TRACE):
        return False
    if not stream.flags & S_REQUEST_ENDED:
        return False
    stream.flags |= S_FREE_RETRY
    return True


cdef void end_attempt(Stream *stream) noexcept nogil:
    attempt_release(stream)
    stream.try_deadline = 0
    if stream.flags & S_UP_PAUSED:
        stream.flags &= ~<uint32_t>S_UP_PAUSED


# -- upstream events

cdef uint32_t failure_bits(Stream *stream, int reason) noexcept nogil:
    if reason in (RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT):
        return RETRY_CONNECT_FAILURE | RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET | RETRY_RESET_BEFORE_REQUEST
    if reason == RESET_OVERFLOW:
        return 0
    if not stream.flags & S_HEAD_SENT:
        return RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET | RETRY_RESET_BEFORE_REQUEST
    return RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET


cdef void on_reset(Stream *stream, int reason, Slice detail) noexcept nogil:
    end_attempt(stream)
    if stream.flags & S_DONE:
        return
    if reason != RESET_OVERFLOW:
        count(stream.proxy.region, stream.cluster.stats + CL_RQ_RX_RESET, 1)
    if free_retry(stream, reason):
        attempt_start(stream)
        return
    if stream.retry_on & failure_bits(stream, reason) and may_retry(stream):
        schedule_retry(stream)
        return
    explain_reset(stream, reason, detail)


cdef void explain_reset(Stream *stream, int reason, Slice detail) noexcept nogil:
    cdef Slice body
    cdef Slice details
    cdef uint64_t flag
    if reason == RESET_OVERFLOW:
        body = text("upstream connect error or disconnect/reset before headers. reset reason: overflow")
        details = text("upstream_reset_before_response_started{overflow}")
        flag = FLAG_UO
    elif reason in (RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT):
        body = text("upstream connect error or disconnect/reset before headers. reset reason: remote connection failure"
                    if reason == RESET_CONNECT_FAILED else
                    "upstream connect error or disconnect/reset before headers. reset reason: connection timeout")
        details = text("upstream_reset_before_response_started{remote_connection_failure}"
                       if reason == RESET_CONNECT_FAILED else
                       "upstream_reset_before_response_started{connection_timeout}")
        flag = FLAG_UF
    elif reason == RESET_PROTOCOL:
        body = text("upstream connect error or disconnect/reset before headers. reset reason: protocol error")
        details = text("upstream_reset_before_response_started{protocol_error}")
        flag = FLAG_UPE
    else:
        body = text("upstream connect error or disconnect/reset before headers. reset reason: connection termination")
        details = text("upstream_reset_before_response_started{connection_termination}"
                       if not stream.flags & S_RESPONSE_STARTED else
                       "upstream_reset_after_response_started{connection_termination}")
        flag = FLAG_UC
    if detail.n and reason == RESET_CONNECT_FAILED:
        stream.info.upstream_failure_reason = slice_of(keep(stream, detail), detail.n)
    if stream.flags & S_RESPONSE_STARTED:
        stream.info.response_code_details = details
    stream_reply(stream, 502 if reason == RESET_PROTOCOL else 503, body, flag, details, EMPTY)


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
    if stream.retry_on and retry_on_response(retry, stream.retry_on, head) and may_retry(stream):
        count_response(stream)
        if stream.up != NULL:
            stream.up_ops.cancel(stream)
        end_attempt(stream)
        head_init(&stream.response, &stream.arena)
        head_init(&stream.response_trailers, &stream.arena)
        stream.info.response = NULL
        stream.info.upstream_first_rx_us = 0
        schedule_retry(stream)
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


# -- deadlines

cdef inline bint passed(uint64_t deadline, uint64_t now) noexcept nogil:
    return deadline != 0 and deadline <= now


cdef void drop_upstream(Stream *stream) noexcept nogil:
    if stream.flags & S_WAITING:
        stream.pool.forget(stream)
    if stream.up != NULL:
        stream.up_ops.cancel(stream)
    end_attempt(stream)


cdef void try_timed_out(Stream *stream) noexcept nogil:
    stream.try_deadline = 0
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_PER_TRY_TIMEOUT, 1)
    host_stat(stream.proxy, stream.host, HS_RQ_TIMEOUT)
    drop_upstream(stream)
    if stream.retry_on & (RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET) and may_retry(stream):
        schedule_retry(stream)
        return
    stream_reply(stream, 504, text("upstream request timeout"), FLAG_UT, text("upstream_per_try_timeout"), EMPTY)


cdef void route_timed_out(Stream *stream) noexcept nogil:
    stream.route_deadline = 0
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_TIMEOUT, 1)
    if stream.host != NULL:
        host_stat(stream.proxy, stream.host, HS_RQ_TIMEOUT)
    drop_upstream(stream)
    stream_reply(stream, 504, text("upstream request timeout"), FLAG_UT, text("upstream_response_timeout"), EMPTY)


cdef void idle_timed_out(Stream *stream) noexcept nogil:
    count(stream.proxy.region, stream.manager.stats + HT_RQ_IDLE_TIMEOUT, 1)
    drop_upstream(stream)
    if stream.flags & S_REQUEST_ENDED:
        stream_reply(stream, 504, text("stream timeout"), FLAG_SI, text("stream_idle_timeout"), EMPTY)
    else:
        stream_reply(stream, 408, text("stream timeout"), FLAG_SI, text("stream_idle_timeout"), EMPTY)


cdef void attempt_timer(Engine *engine, Timer *timer) noexcept nogil:
    cdef Stream *stream = <Stream *>(<char *>timer - <size_t>&(<Stream *>NULL).timer)
    cdef uint64_t now = engine.now_ms
    if stream.flags & S_DONE:
        return
    if passed(stream.retry_at, now):
        stream.retry_at = 0
        stream.flags &= ~<uint32_t>S_RETRY_WAIT
        attempt_start(stream)
    elif passed(stream.duration_deadline, now):
        count(stream.proxy.region, stream.manager.stats + HT_RQ_MAX_DURATION_REACHED, 1)
        drop_upstream(stream)
        stream_reply(stream, 504 if stream.flags & S_REQUEST_ENDED else 408, text("downstream duration timeout"),
                     FLAG_DT, text("max_duration_timeout"), EMPTY)
    elif passed(stream.route_deadline, now):
        route_timed_out(stream)
    elif passed(stream.try_deadline, now):
        try_timed_out(stream)
    elif passed(stream.request_deadline, now):
        count(stream.proxy.region, stream.manager.stats + HT_RQ_TIMEOUT, 1)
        drop_upstream(stream)
        stream_reply(stream, 408, text("request timeout"), 0, text("request_overall_timeout"), EMPTY)
    elif passed(stream.idle_deadline, now):
        idle_timed_out(stream)
    if not stream.flags & S_DONE:
        stream_rearm(stream)


cdef UpstreamEvents EVENTS
EVENTS.ready = on_ready
EVENTS.head_1xx = on_1xx
EVENTS.head = on_head
EVENTS.data = on_data
EVENTS.spliced = on_spliced
EVENTS.trailers = on_trailers
EVENTS.reset = on_reset
EVENTS.drained = on_drained


cdef const UpstreamEvents *upstream_events() noexcept nogil:
    return &EVENTS
