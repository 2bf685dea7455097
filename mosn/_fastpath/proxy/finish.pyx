"""A stream's beginning and end (see finish.pxd)."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from mosn._fastpath.engine.loop cimport engine_wake, queue_put, random_next
from mosn._fastpath.engine.timer cimport timer_arm, timer_cancel
from mosn._fastpath.engine.types cimport Engine
from mosn._fastpath.head cimport (
    H_CONTENT_LENGTH, H_CONTENT_TYPE, H_ENVOY_OVERLOADED, H_LOCATION, H_SET_COOKIE, M_HEAD, head_add_known,
    head_init, head_ready,
)
from mosn._fastpath.memory cimport Slice, arena_alloc, arena_init, arena_release, buf_release
from mosn._fastpath.proxy.log cimport access_logs_write
from mosn._fastpath.proxy.request cimport decimal_text
from mosn._fastpath.proxy.route cimport header_ops_apply
from mosn._fastpath.proxy.runtime cimport (
    S_DELAYED, S_DONE, S_LOCAL_REPLY, S_REQUEST_TAKEN, S_RESPONSE_ENDED, S_RESPONSE_STARTED, S_RETRY_TAKEN, S_SHADOW,
    S_WAITING,
    HttpManager, Proxy, Snapshot, Stream,
)
from mosn._fastpath.proxy.types cimport FLAG_UC, FLAG_UF, FLAG_UH, FLAG_UO, FLAG_UPE, FLAG_UT, ROUTE_CLUSTER
from mosn._fastpath.shm.segment cimport LIMIT_REQUESTS, LIMIT_RETRIES, count, gauge, histogram_record, limit_give
from mosn._fastpath.shm.stats cimport (
    CLG_RQ_ACTIVE, CLH_RQ_TIME, CL_RQ_1XX, CL_RQ_COMPLETED, HSG_RQ_ACTIVE, HS_RQ_ERROR, HS_RQ_SUCCESS,
    HTG_FAULTS_ACTIVE, HTG_RQ_ACTIVE, HTH_RQ_TIME, HT_RQ_1XX, HT_RQ_COMPLETED, HT_RQ_TX_RESET,
)


cdef enum:
    KEPT_STREAMS = 1024
    EVENT_SNAPSHOT_FREE = 2
    # What the router says of an upstream that gave no answer.
    ROUTER_FLAGS = FLAG_UH | FLAG_UT | FLAG_UF | FLAG_UC | FLAG_UO | FLAG_UPE


cdef Stream *stream_new(Proxy *proxy) noexcept nogil:
    cdef Stream *stream = proxy.free_streams
    cdef Engine *engine = proxy.engine
    if stream != NULL:
        proxy.free_streams = stream.next
        proxy.free_stream_count -= 1
        memset(stream, 0, sizeof(Stream))
    else:
        stream = <Stream *>calloc(1, sizeof(Stream))
        if stream == NULL:
            return NULL
    stream.proxy = proxy
    stream.engine = engine
    stream.snapshot = proxy.snapshot
    proxy.snapshot.references += 1
    arena_init(&stream.arena, &engine.pool)
    head_ready(&stream.request, &stream.arena)
    head_ready(&stream.response, &stream.arena)
    head_ready(&stream.request_trailers, &stream.arena)
    head_ready(&stream.response_trailers, &stream.arena)
    stream.info.arena = &stream.arena
    stream.info.request = &stream.request
    stream.info.start_us = engine.now_us
    stream.info.start_wall_us = engine.now_us + <uint64_t>engine.wall_offset_us
    stream.info.random = random_next(engine.random)
    return stream


cdef void snapshot_unref(Proxy *proxy, Snapshot *snapshot) noexcept nogil:
    snapshot.references -= 1
    if snapshot.references == 0 and snapshot != proxy.snapshot:
        queue_put(&proxy.engine.events, EVENT_SNAPSHOT_FREE, 0, snapshot.owner, 0)
        engine_wake(proxy.engine.event_fd)


cdef void release_memory(Stream *stream) noexcept nogil:
    cdef Proxy *proxy = stream.proxy
    buf_release(&stream.engine.pool, &stream.kept)
    buf_release(&stream.engine.pool, &stream.line)
    buf_release(&stream.engine.pool, &stream.up_rest)
    arena_release(&stream.arena)
    snapshot_unref(proxy, stream.snapshot)
    if proxy.free_stream_count < KEPT_STREAMS:
        stream.next = proxy.free_streams
        proxy.free_streams = stream
        proxy.free_stream_count += 1
    else:
        free(stream)


cdef void stream_discard(Stream *stream) noexcept nogil:
    release_memory(stream)


cdef void streams_empty_trash(Engine *engine) noexcept nogil:
    cdef Stream *stream = <Stream *>engine.trash
    cdef Stream *following
    engine.trash = NULL
    while stream != NULL:
        following = stream.next
        release_memory(stream)
        stream = following


# -- timers

cdef inline void earlier(uint64_t *due, uint64_t deadline) noexcept nogil:
    if deadline and (due[0] == 0 or deadline < due[0]):
        due[0] = deadline


cdef void stream_rearm(Stream *stream) noexcept nogil:
    # One timer serves all deadlines.  A later deadline is left to the early firing, which comes back here.
    cdef uint64_t due = 0
    cdef Engine *engine = stream.engine
    earlier(&due, stream.route_deadline)
    earlier(&due, stream.try_deadline)
    earlier(&due, stream.idle_deadline)
    earlier(&due, stream.duration_deadline)
    earlier(&due, stream.request_deadline)
    earlier(&due, stream.retry_at)
    earlier(&due, stream.look_at)
    if due == 0:
        timer_cancel(engine, &stream.timer)
    elif stream.timer.prev == NULL or due < stream.timer.due:
        timer_arm(engine, &stream.timer, due - engine.now_ms if due > engine.now_ms else 1)


# -- counting

cdef void attempt_release(Stream *stream) noexcept nogil:
    cdef Proxy *proxy = stream.proxy
    cdef uint32_t row
    if stream.flags & S_REQUEST_TAKEN:
        row = stream.cluster.breakers[stream.route.priority].index
        limit_give(proxy.region, row, LIMIT_REQUESTS)
        gauge(proxy.region, stream.cluster.gauges + CLG_RQ_ACTIVE, -1)
        stream.host.active_requests -= 1
        if stream.host.stats:
            gauge(proxy.region, stream.host.gauges + HSG_RQ_ACTIVE, -1)
        stream.flags &= ~<uint32_t>S_REQUEST_TAKEN


cdef void count_response(Stream *stream) noexcept nogil:
    # An upstream's final response is complete (or its head decided a retry).
    cdef Proxy *proxy = stream.proxy
    cdef uint32_t status = stream.response.status
    count(proxy.region, stream.cluster.stats + CL_RQ_COMPLETED, 1)
    if 100 <= status < 600:
        count(proxy.region, stream.cluster.stats + CL_RQ_1XX + status // 100 - 1, 1)
    if stream.host != NULL and stream.host.stats:
        count(proxy.region, stream.host.stats + (HS_RQ_ERROR if status >= 500 else HS_RQ_SUCCESS), 1)
    histogram_record(proxy.region, stream.cluster.histograms + CLH_RQ_TIME,
                     stream.engine.now_us - stream.upstream_start_us)


cdef void count_downstream(Stream *stream) noexcept nogil:
    cdef Proxy *proxy = stream.proxy
    cdef HttpManager *manager = stream.manager
    cdef uint32_t status = stream.info.response_code
    count(proxy.region, manager.stats + HT_RQ_COMPLETED, 1)
    if 100 <= status < 600:
        count(proxy.region, manager.stats + HT_RQ_1XX + status // 100 - 1, 1)
    gauge(proxy.region, manager.gauges + HTG_RQ_ACTIVE, -1)
    histogram_record(proxy.region, manager.histogram + HTH_RQ_TIME, stream.info.end_us - stream.info.start_us)


cdef void log(Stream *stream) noexcept nogil:
    if stream.manager.logs != NULL and stream.manager.logs.count:
        access_logs_write(stream.manager.logs, &stream.info, &stream.engine.pool, &stream.proxy.region.ring)


cdef void stream_finish(Stream *stream) noexcept nogil:
    cdef Proxy *proxy = stream.proxy
    if stream.flags & S_DONE:
        return
    stream.flags |= S_DONE
    timer_cancel(stream.engine, &stream.timer)
    if stream.flags & S_WAITING:
        stream.pool.forget(stream)
    if stream.up != NULL:
        stream.up_ops.cancel(stream)
    attempt_release(stream)
    if stream.flags & S_DELAYED:
        gauge(proxy.region, stream.manager.gauges + HTG_FAULTS_ACTIVE, -1)
    if stream.flags & S_RETRY_TAKEN:
        limit_give(proxy.region, stream.cluster.breakers[stream.route.priority].index, LIMIT_RETRIES)
    stream.info.end_us = stream.engine.now_us
    if stream.shadows != NULL:
        stream.forget_shadows(stream)
    if not stream.flags & S_SHADOW:
        count_downstream(stream)
        log(stream)
    stream.next = <Stream *>stream.engine.trash
    stream.engine.trash = stream
    stream.down_ops.finished(stream)


# -- local replies

cdef void stream_reply(Stream *stream, int status, Slice body, uint64_t flag, Slice details,
                       Slice location) noexcept nogil:
    cdef char *length
    if stream.flags & S_RESPONSE_STARTED:
        stream.info.response_flags |= flag
        stream.info.response_code_details = details
        count(stream.proxy.region, stream.manager.stats + HT_RQ_TX_RESET, 1)
        stream.down_ops.abort(stream)
        stream_finish(stream)
        return
    head_init(&stream.response, &stream.arena)
    stream.response.status = <unsigned short>status
    stream.info.response = &stream.response
    stream.info.response_flags |= flag
    stream.info.response_code_details = details
    stream.flags |= S_LOCAL_REPLY
    if stream.down_ops.local_reply != NULL:
        reply_in_protocol(stream, body if body.n else details)
        return
    if location.n:
        head_add_known(&stream.response, H_LOCATION, location.p, location.n)
    if body.n:
        length = <char *>arena_alloc(&stream.arena, 24)
        if length != NULL:
            stream.response.content_length = body.n
            head_add_known(&stream.response, H_CONTENT_LENGTH, length, decimal_text(body.n, length))
        head_add_known(&stream.response, H_CONTENT_TYPE, "text/plain", 10)
    if flag & FLAG_UO and not stream.manager.suppress_envoy_headers:
        head_add_known(&stream.response, H_ENVOY_OVERLOADED, "true", 4)
    route_fields(stream)
    if stream.set_cookie.n:
        head_add_known(&stream.response, H_SET_COOKIE, stream.set_cookie.p, stream.set_cookie.n)
    stream.down_ops.respond(stream, False)
    if flag & ROUTER_FLAGS and stream.cluster != NULL:
        charge_cluster(stream)
    send_reply(stream, body)


cdef void charge_cluster(Stream *stream) noexcept nogil:
    # The router answers in the upstream's place: Envoy counts that as the cluster's answer.
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_COMPLETED, 1)
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_1XX + stream.response.status // 100 - 1, 1)


cdef void reply_in_protocol(Stream *stream, Slice words) noexcept nogil:
    stream.flags |= S_RESPONSE_STARTED | S_RESPONSE_ENDED
    stream.info.response_code = stream.response.status
    stream.info.downstream_first_tx_us = stream.engine.now_us
    stream.down_ops.local_reply(stream, stream.response.status, words)
    stream_finish(stream)


cdef void route_fields(Stream *stream) noexcept nogil:
    # Envoy applies response_headers_to_add to local replies of a route, too.
    if stream.route == NULL:
        return
    if stream.route.kind == ROUTE_CLUSTER and stream.picked != NULL:
        header_ops_apply(&stream.picked.response_ops, &stream.info, False, &stream.engine.pool)
    header_ops_apply(&stream.route.response_ops, &stream.info, False, &stream.engine.pool)


cdef void send_reply(Stream *stream, Slice body) noexcept nogil:
    cdef bint bodiless = body.n == 0 or stream.request.method_id == M_HEAD
    stream.flags |= S_RESPONSE_STARTED
    stream.info.response_code = stream.response.status
    stream.info.downstream_first_tx_us = stream.engine.now_us
    stream.down_ops.send_head(stream, &stream.response, bodiless)
    if not bodiless:
        stream.info.bytes_sent += body.n
        stream.down_ops.send_data(stream, body.p, body.n, True)
    stream.flags |= S_RESPONSE_ENDED
    stream_finish(stream)
