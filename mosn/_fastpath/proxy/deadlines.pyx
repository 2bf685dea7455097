"""What happens when a stream takes too long (see deadlines.pxd)."""

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.engine.types cimport Engine, Timer
from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.attempt cimport attempt_end, attempt_start
from mosn._fastpath.proxy.finish cimport stream_rearm, stream_reply, text
from mosn._fastpath.proxy.retry cimport retry_allowed, retry_schedule
from mosn._fastpath.proxy.runtime cimport S_DONE, S_REQUEST_ENDED, S_RETRY_WAIT, S_WAITING, Stream
from mosn._fastpath.proxy.types cimport FLAG_SI, FLAG_UT, RETRY_5XX, RETRY_GATEWAY_ERROR, RETRY_RESET
from mosn._fastpath.proxy.upstream_host cimport host_stat
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport (
    CL_RQ_PER_TRY_TIMEOUT, CL_RQ_TIMEOUT, HS_RQ_TIMEOUT, HT_RQ_IDLE_TIMEOUT, HT_RQ_MAX_DURATION_REACHED,
    HT_RQ_TIMEOUT,
)

cdef Slice EMPTY = slice_of(NULL, 0)


cdef inline bint passed(uint64_t deadline, uint64_t now) noexcept nogil:
    return deadline != 0 and deadline <= now


cdef void drop_upstream(Stream *stream) noexcept nogil:
    if stream.flags & S_WAITING:
        stream.pool.forget(stream)
    if stream.up != NULL:
        stream.up_ops.cancel(stream)
    attempt_end(stream)


cdef void try_timed_out(Stream *stream) noexcept nogil:
    stream.try_deadline = 0
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_PER_TRY_TIMEOUT, 1)
    host_stat(stream.proxy, stream.host, HS_RQ_TIMEOUT)
    drop_upstream(stream)
    if stream.retry_on & (RETRY_5XX | RETRY_GATEWAY_ERROR | RETRY_RESET) and retry_allowed(stream):
        retry_schedule(stream)
        return
    stream_reply(stream, 504, text("upstream request timeout"), FLAG_UT, text("upstream_per_try_timeout"), EMPTY)


cdef void route_timed_out(Stream *stream) noexcept nogil:
    stream.route_deadline = 0
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_TIMEOUT, 1)
    if stream.host != NULL:
        host_stat(stream.proxy, stream.host, HS_RQ_TIMEOUT)
    drop_upstream(stream)
    stream_reply(stream, 504, text("upstream request timeout"), FLAG_UT, text("response_timeout"), EMPTY)


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
                     0, text("max_duration_timeout"), EMPTY)
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
    elif passed(stream.look_at, now):
        stream.look_at = 0
        stream.down_ops.look(stream)
    if not stream.flags & S_DONE:
        stream_rearm(stream)
