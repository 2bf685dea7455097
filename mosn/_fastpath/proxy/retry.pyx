"""May an attempt be repeated, and when (see retry.pxd)."""

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.engine.loop cimport random_next
from mosn._fastpath.head cimport M_DELETE, M_GET, M_HEAD, M_OPTIONS, M_PUT, M_TRACE
from mosn._fastpath.proxy.finish cimport stream_rearm
from mosn._fastpath.proxy.runtime cimport (
    RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT, RESET_OVERFLOW, RESET_REFUSED, RESET_TERMINATION, S_BUFFERING,
    S_CONNECT, S_DOWN_PAUSED, S_FREE_RETRY, S_HEAD_SENT, S_REQUEST_ENDED, S_RESPONSE_STARTED, S_RETRY_TAKEN,
    S_RETRY_WAIT, S_TUNNEL, S_UPGRADE, Stream,
)
from mosn._fastpath.proxy.types cimport (
    FLAG_UO, FLAG_URX, RETRY_5XX, RETRY_CONNECT_FAILURE, RETRY_GATEWAY_ERROR, RETRY_REFUSED_STREAM, RETRY_RESET,
    RETRY_RESET_BEFORE_REQUEST, Breaker, Retry,
)
from mosn._fastpath.shm.segment cimport LIMIT_REQUESTS, LIMIT_RETRIES, count, limit_sum, limit_take
from mosn._fastpath.shm.stats cimport (
    CL_RQ_RETRY, CL_RQ_RETRY_BACKOFF_EXPONENTIAL, CL_RQ_RETRY_LIMIT_EXCEEDED, CL_RQ_RETRY_OVERFLOW,
)


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


cdef bint retry_allowed(Stream *stream) noexcept nogil:
    if stream.retry_on == 0 or not replayable(stream):
        return False
    if stream.retries_left == 0:
        count(stream.proxy.region, stream.cluster.stats + CL_RQ_RETRY_LIMIT_EXCEEDED, 1)
        stream.info.response_flags |= FLAG_URX
        return False
    return retry_slot(stream)


cdef void retry_schedule(Stream *stream) noexcept nogil:
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
    if stream.host.dynamic:
        # Nothing holds it while we wait.
        stream.host = stream.info.host = NULL
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


cdef bint retry_free(Stream *stream, int reason) noexcept nogil:
    # A pooled connection that the upstream closed while our request was on its way: nothing was processed as far as
    # an idempotent request is concerned, so it is sent once more (RFC 9110 section 9.2.2; nginx does the same).
    if reason == RESET_REFUSED:
        # Whatever the method is: the upstream said that it did nothing with it (RFC 9113 section 8.7).
        if stream.flags & S_FREE_RETRY or not stream.flags & S_REQUEST_ENDED or not replayable(stream):
            return False
        stream.flags |= S_FREE_RETRY
        return True
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


cdef uint32_t retry_failure_bits(Stream *stream, int reason) noexcept nogil:
    if reason in (RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT):
        return RETRY_CONNECT_FAILURE | RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET | RETRY_RESET_BEFORE_REQUEST
    if reason == RESET_OVERFLOW:
        return 0
    if reason == RESET_REFUSED:
        return RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET | RETRY_REFUSED_STREAM
    if not stream.flags & S_HEAD_SENT:
        return RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET | RETRY_RESET_BEFORE_REQUEST
    return RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET
