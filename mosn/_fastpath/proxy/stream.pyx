"""The client's side of a stream: from a parsed head to the first attempt, then its body (see stream.pxd)."""

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.http1 cimport h1_reason
from mosn._fastpath.engine.types cimport Engine, Timer
from mosn._fastpath.head cimport HF_UPGRADE, H_X_FORWARDED_PROTO, M_CONNECT, Header, head_get
from mosn._fastpath.memory cimport Slice, buf_append, buf_len, buf_release, slice_is_lower, slice_of
from mosn._fastpath.proxy.attempt cimport attempt_request_complete, attempt_start, stream_touch, upstream_events
from mosn._fastpath.proxy.bridge cimport bridge_begin
from mosn._fastpath.proxy.deadlines cimport attempt_timer
from mosn._fastpath.proxy.fault cimport fault_begin, fault_delay_over
from mosn._fastpath.proxy.finish cimport stream_finish, stream_rearm, stream_reply, text
from mosn._fastpath.proxy.mirror cimport mirrors_data, mirrors_start
from mosn._fastpath.proxy.request cimport request_router_headers
from mosn._fastpath.proxy.route cimport (
    header_ops_apply, route_find, route_hash, route_pick, route_redirect_location, route_rewrite,
    route_tls_location, route_upgrade, same_word,
)
from mosn._fastpath.proxy.route_rules cimport rules_of
from mosn._fastpath.proxy.runtime cimport (
    S_BUFFERING, S_CLOSE, S_CONNECT, S_DELAYED, S_DONE, S_DOWN_PAUSED, S_HEAD_SENT, S_REQUEST_ENDED, S_TRAILERS_KEPT, S_TUNNEL,
    S_UPGRADE, S_UPSTREAM_ENDED, S_UP_PAUSED, HttpManager, Stream,
)
from mosn._fastpath.proxy.snapshot cimport snapshot_cluster
from mosn._fastpath.proxy.types cimport (
    FLAG_DC, FLAG_DPE, FLAG_NC, FLAG_NR, P_HTTP11, P_HTTP2, ROUTE_CLUSTER, ROUTE_DIRECT, ROUTE_REDIRECT,
    UPGRADE_ALLOWED, UPGRADE_CONNECT, UPGRADE_DEFAULT, Cluster, Route,
)
from mosn._fastpath.shm.segment cimport count, gauge
from mosn._fastpath.shm.stats cimport (
    CL_RQ_CANCELLED, CL_RQ_TX_RESET, HTG_RQ_ACTIVE, HT_CX_PROTOCOL_ERROR, HT_FLOW_PAUSED, HT_FLOW_RESUMED,
    HT_NO_CLUSTER, HT_NO_ROUTE, HT_RQ_DIRECT_RESPONSE, HT_RQ_HTTP1_TOTAL, HT_RQ_HTTP2_TOTAL, HT_RQ_ROUTED,
    HT_RQ_RX_RESET, HT_RQ_TOO_LARGE, HT_RQ_TOTAL, HT_RQ_WS_ON_NON_WS_ROUTE,
)


cdef Slice EMPTY = slice_of(NULL, 0)


# -- before routing

cdef void stream_open(Stream *stream) noexcept nogil:
    # Once per stream that is (or should have been) a request: counted, timed, logged from here on.
    cdef HttpManager *manager = stream.manager
    stream.events = upstream_events()
    stream.timer.fire = on_timer
    stream.info.listener_name = stream.listener.name
    count(stream.proxy.region, manager.stats + HT_RQ_TOTAL, 1)
    if stream.info.protocol <= P_HTTP11:
        count(stream.proxy.region, manager.stats + HT_RQ_HTTP1_TOTAL, 1)
    elif stream.info.protocol == P_HTTP2:
        count(stream.proxy.region, manager.stats + HT_RQ_HTTP2_TOTAL, 1)
    gauge(stream.proxy.region, manager.gauges + HTG_RQ_ACTIVE, 1)


cdef void on_timer(Engine *engine, Timer *timer) noexcept nogil:
    cdef Stream *stream = <Stream *>(<char *>timer - <size_t>&(<Stream *>NULL).timer)
    if stream.flags & S_DELAYED and not stream.flags & S_DONE and stream.retry_at <= engine.now_ms:
        if not fault_delay_over(stream, rules_of(stream.route).fault):
            serve_route(stream)
        return
    attempt_timer(engine, timer)


cdef void set_deadlines(Stream *stream, bint end) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Engine *engine = stream.engine
    stream.idle_ms = manager.stream_idle_ms
    stream_touch(stream)
    if manager.max_stream_ms:
        stream.duration_deadline = engine.now_ms + manager.max_stream_ms
    if manager.request_timeout_ms and not end:
        stream.request_deadline = engine.now_ms + manager.request_timeout_ms
    stream_rearm(stream)


cdef int check_upgrade(Stream *stream) noexcept nogil:
    # 0 go on, else the status.  Sets S_UPGRADE or S_CONNECT.
    cdef Slice kind = text("connect") if stream.request.method_id == M_CONNECT else stream.request.upgrade
    cdef int said = route_upgrade(stream.route, kind)
    cdef bint allowed = said in (UPGRADE_ALLOWED, UPGRADE_CONNECT)
    cdef uint32_t i
    if said == UPGRADE_DEFAULT:
        for i in range(stream.manager.upgrade_count):
            if same_word(stream.manager.upgrades[i].type, kind):
                allowed = stream.manager.upgrades[i].enabled
    if not allowed:
        count(stream.proxy.region, stream.manager.stats + HT_RQ_WS_ON_NON_WS_ROUTE, 1)
        return 403
    stream.flags |= S_CONNECT if stream.request.method_id == M_CONNECT else S_UPGRADE
    return 0


cdef void not_found(Stream *stream) noexcept nogil:
    count(stream.proxy.region, stream.manager.stats + HT_NO_ROUTE, 1)
    stream_reply(stream, 404, EMPTY, FLAG_NR, text("route_not_found"), EMPTY)


cdef bint said_to_be_tls(Stream *stream) noexcept nogil:
    # What x-forwarded-proto says, which at the edge is what is the case (Envoy's :scheme).
    cdef Header *said = head_get(&stream.request, H_X_FORWARDED_PROTO)
    return said != NULL and slice_is_lower(slice_of(said.value, said.value_len), "https")


cdef void stream_begin(Stream *stream, bint end) noexcept nogil:
    cdef Slice details = EMPTY
    cdef Slice location = EMPTY
    cdef bint to_tls = False
    cdef int status
    stream_open(stream)
    set_deadlines(stream, end)
    if end:
        stream.flags |= S_REQUEST_ENDED
        stream.info.request_end_us = stream.engine.now_us
    status = stream.down_ops.prepare(stream, &details, &location)
    if status < 0:
        stream.flags |= S_CLOSE
        stream_protocol_error(stream, -status, details)
        return
    if status:
        if location.n == 0:
            stream.flags |= S_CLOSE
        stream_reply(stream, status, EMPTY, 0, details, location)
        return
    count(stream.proxy.region, stream.manager.stats + HT_RQ_ROUTED, 1)      # all that reach the router
    if stream.manager.routes == NULL:
        not_found(stream)
        return
    stream.route = route_find(stream.manager.routes, &stream.info, said_to_be_tls(stream), &to_tls)
    if to_tls:
        stream_reply(stream, 301, EMPTY, 0, text("direct_response"), route_tls_location(&stream.info))
        return
    if stream.route == NULL:
        not_found(stream)
        return
    stream.info.route = stream.route
    stream.info.route_name = stream.route.name
    if rules_of(stream.route).fault == NULL or not fault_begin(stream, rules_of(stream.route).fault):
        serve_route(stream)


cdef void serve_route(Stream *stream) noexcept nogil:
    cdef Route *route = stream.route
    cdef int status
    if route.kind == ROUTE_CLUSTER:
        if stream.request.flags & HF_UPGRADE or stream.request.method_id == M_CONNECT:
            status = check_upgrade(stream)
            if status:
                choose_cluster(stream)
                stream_reply(stream, status, EMPTY, 0, text("upgrade_failed"), EMPTY)
                return
        forward(stream)
    elif route.kind == ROUTE_REDIRECT:
        count(stream.proxy.region, stream.manager.stats + HT_RQ_DIRECT_RESPONSE, 1)
        stream_reply(stream, route.status, EMPTY, 0, text("direct_response"),
                     route_redirect_location(route, &stream.info, said_to_be_tls(stream)))
    elif route.kind == ROUTE_DIRECT:
        count(stream.proxy.region, stream.manager.stats + HT_RQ_DIRECT_RESPONSE, 1)
        stream_reply(stream, route.status, route.body, 0, text("direct_response"), EMPTY)
    else:
        not_found(stream)


# -- routing to a cluster

cdef Cluster *choose_cluster(Stream *stream) noexcept nogil:
    cdef Slice by_header = EMPTY
    cdef Cluster *cluster
    stream.picked = route_pick(stream.route, &stream.info, &by_header)
    if stream.picked != NULL:
        stream.info.cluster_name = stream.picked.name
        return stream.picked.cluster
    if by_header.n == 0:
        return NULL
    cluster = snapshot_cluster(stream.snapshot, by_header)
    if cluster != NULL:
        stream.info.cluster_name = by_header
    return cluster


cdef void no_cluster(Stream *stream) noexcept nogil:
    count(stream.proxy.region, stream.manager.stats + HT_NO_CLUSTER, 1)
    stream_reply(stream, stream.route.cluster_not_found_code, EMPTY, FLAG_NC, text("cluster_not_found"), EMPTY)


cdef void route_deadlines(Stream *stream) noexcept nogil:
    cdef Route *route = stream.route
    if route.idle_timeout_ms >= 0:
        stream.idle_ms = <uint32_t>route.idle_timeout_ms
        stream.idle_deadline = 0
        stream_touch(stream)
    if route.max_stream_duration_ms >= 0:
        stream.duration_deadline = 0
        if route.max_stream_duration_ms:
            stream.duration_deadline = stream.engine.now_ms + <uint64_t>route.max_stream_duration_ms
    stream_rearm(stream)


cdef void forward(Stream *stream) noexcept nogil:
    cdef Cluster *cluster = choose_cluster(stream)
    if cluster == NULL:
        no_cluster(stream)
        return
    stream.cluster = cluster
    stream.info.cluster = cluster
    route_hash(stream.route, &stream.info, &stream.set_cookie)
    request_router_headers(stream)
    if stream.said_timeout_ms and (stream.timeout_ms == 0 or stream.said_timeout_ms < stream.timeout_ms):
        stream.timeout_ms = stream.said_timeout_ms
    if stream.picked != NULL:
        header_ops_apply(&stream.picked.request_ops, &stream.info, True, &stream.engine.pool)
    header_ops_apply(&stream.route.request_ops, &stream.info, True, &stream.engine.pool)
    route_rewrite(stream.route, stream.picked, &stream.info, &stream.engine.pool)
    route_deadlines(stream)
    if stream.retries_left:
        stream.flags |= S_BUFFERING
    if stream.flags & S_REQUEST_ENDED:
        attempt_request_complete(stream)
    if stream.route.mirror_count and not stream.flags & (S_UPGRADE | S_CONNECT):
        mirrors_start(stream)
    if rules_of(stream.route).bridge != NULL:
        bridge_begin(stream, rules_of(stream.route).bridge)
    else:
        attempt_start(stream)


# -- the body

cdef bint stream_takes_data(Stream *stream) noexcept nogil:
    return (stream.flags & (S_HEAD_SENT | S_DOWN_PAUSED | S_DONE)) == S_HEAD_SENT and stream.up != NULL


cdef void remember(Stream *stream, const char *p, size_t n) noexcept nogil:
    # Keep the body for a retry, up to the buffer limit; beyond it there is no retry.
    if not stream.flags & S_BUFFERING:
        return
    if buf_len(&stream.kept) + n > stream.listener.buffer_limit or buf_append(
            &stream.engine.pool, &stream.kept, p, n) < 0:
        stream.flags &= ~<uint32_t>S_BUFFERING
        stream.retries_left = 0
        stream.retry_on = 0
        buf_release(&stream.engine.pool, &stream.kept)


cdef void stream_request_data(Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    stream_touch(stream)
    stream.info.bytes_received += n
    remember(stream, p, n)
    if stream.shadows != NULL:
        mirrors_data(stream, p, n, end)
    if end:
        stream.flags |= S_REQUEST_ENDED
    if stream.up != NULL:
        stream.up_ops.send_data(stream, p, n, end)
        if stream.flags & S_DONE:
            return
    if end:
        if stream.flags & S_TUNNEL and stream.flags & S_UPSTREAM_ENDED:
            stream_finish(stream)
            return
        attempt_request_complete(stream)
    elif stream.up != NULL and stream.up_ops.above_high(stream):
        stream.flags |= S_DOWN_PAUSED
        count(stream.proxy.region, stream.manager.stats + HT_FLOW_PAUSED, 1)
        stream.down_ops.pause(stream)


cdef void stream_request_trailers(Stream *stream) noexcept nogil:
    stream.flags |= S_REQUEST_ENDED
    if stream.shadows != NULL:
        mirrors_data(stream, NULL, 0, True)     # a copy goes without trailers
    if stream.flags & S_BUFFERING:
        stream.flags |= S_TRAILERS_KEPT
    if stream.up != NULL:
        stream.up_ops.send_trailers(stream, &stream.request_trailers)
        if stream.flags & S_DONE:
            return
    attempt_request_complete(stream)


# -- endings

cdef void stream_downstream_reset(Stream *stream, Slice details, bint protocol_error) noexcept nogil:
    if stream.flags & S_DONE:
        return
    count(stream.proxy.region, stream.manager.stats + HT_RQ_RX_RESET, 1)
    if protocol_error:
        count(stream.proxy.region, stream.manager.stats + HT_CX_PROTOCOL_ERROR, 1)
    if stream.up != NULL:
        # HTTP/1 has no resets of one request: its connection is closed.
        if stream.rpc != NULL:
            count(stream.proxy.region, stream.cluster.stats + CL_RQ_TX_RESET, 1)
    elif stream.cluster != NULL:
        count(stream.proxy.region, stream.cluster.stats + CL_RQ_CANCELLED, 1)
    stream.info.response_flags |= FLAG_DPE if protocol_error else FLAG_DC
    stream.info.response_code_details = details
    stream_finish(stream)


cdef void stream_downstream_drained(Stream *stream) noexcept nogil:
    if stream.flags & S_UP_PAUSED and stream.up != NULL:
        stream.flags &= ~<uint32_t>S_UP_PAUSED
        count(stream.proxy.region, stream.manager.stats + HT_FLOW_RESUMED, 1)
        stream.up_ops.resume(stream)


cdef void stream_protocol_error(Stream *stream, int status, Slice details) noexcept nogil:
    count(stream.proxy.region, stream.manager.stats + HT_CX_PROTOCOL_ERROR, 1)
    if status == 431:
        count(stream.proxy.region, stream.manager.stats + HT_RQ_TOO_LARGE, 1)
    stream_reply(stream, status, reason_body(status), FLAG_DPE, details, EMPTY)


cdef Slice reason_body(int status) noexcept nogil:
    return text(h1_reason(<unsigned short>status))
