"""Faults on purpose (see fault.pxd)."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcmp

from mosn._fastpath.engine.loop cimport random_next
from mosn._fastpath.head cimport Head, Header
from mosn._fastpath.memory cimport Slice, slice_equal, slice_of
from mosn._fastpath.proxy.finish cimport stream_rearm, stream_reply, text
from mosn._fastpath.proxy.match cimport header_matches
from mosn._fastpath.proxy.route cimport route_pick
from mosn._fastpath.proxy.route_fault cimport FAULT_PARTS, Fault
from mosn._fastpath.proxy.runtime cimport S_DELAYED, Stream
from mosn._fastpath.proxy.types cimport FLAG_DI, FLAG_FI, ROUTE_CLUSTER, WeightedCluster
from mosn._fastpath.shm.segment cimport count, gauge
from mosn._fastpath.shm.stats cimport HTG_FAULTS_ACTIVE, HT_FAULT_ABORTS, HT_FAULT_DELAYS


cdef enum:
    PERCENT = FAULT_PARTS // 100
    DIGITS = 9                  # of a number in a header


cdef Slice EMPTY = slice_of(NULL, 0)


cdef int64_t number_in(const Head *head, const char *name, size_t n) noexcept nogil:
    # -1: there is no such header, or it is no number.
    cdef const Header *item
    cdef int64_t number = 0
    cdef uint32_t i, k
    for i in range(head.count):
        item = &head.items[i]
        if item.removed or item.name_len != n or memcmp(item.name, name, n) != 0:
            continue
        if not 0 < item.value_len <= DIGITS:
            return -1
        for k in range(item.value_len):
            if not 48 <= item.value[k] <= 57:
                return -1
            number = number * 10 + (item.value[k] - 48)
        return number
    return -1


cdef bint chosen(Stream *stream, uint32_t share, int64_t percent) noexcept nogil:
    # The request may ask for less than is configured, in percent.
    if 0 <= percent < 100:
        share = min(share, <uint32_t>percent * PERCENT)
    return share >= FAULT_PARTS or (share and random_next(stream.engine.random) % FAULT_PARTS < share)


cdef bint is_meant(Stream *stream, const Fault *fault) noexcept nogil:
    cdef Slice by_header = EMPTY
    cdef WeightedCluster *picked
    cdef uint32_t i
    for i in range(fault.header_count):
        if not header_matches(&fault.headers[i], &stream.request):
            return False
    if fault.cluster.n == 0:
        return True
    if stream.route.kind != ROUTE_CLUSTER:
        return False
    picked = route_pick(stream.route, &stream.info, &by_header)
    return slice_equal(picked.name if picked != NULL else by_header, fault.cluster)


cdef bint abort(Stream *stream, const Fault *fault) noexcept nogil:
    cdef int64_t status = fault.abort_status
    cdef int64_t percent = 100
    if fault.abort_by_header:
        status = number_in(&stream.request, "x-envoy-fault-abort-request", 27)
        percent = number_in(&stream.request, "x-envoy-fault-abort-request-percentage", 38)
    if not 200 <= status < 600 or not chosen(stream, fault.abort_share, percent):
        return False
    count(stream.proxy.region, stream.manager.stats + HT_FAULT_ABORTS, 1)
    stream_reply(stream, <int>status, text("fault filter abort"), FLAG_FI, text("fault_filter_abort"), EMPTY)
    return True


cdef bint delay(Stream *stream, const Fault *fault) noexcept nogil:
    cdef int64_t delay_ms = fault.delay_ms
    cdef int64_t percent = 100
    if fault.delay_by_header:
        delay_ms = number_in(&stream.request, "x-envoy-fault-delay-request", 27)
        percent = number_in(&stream.request, "x-envoy-fault-delay-request-percentage", 38)
    if delay_ms <= 0 or not chosen(stream, fault.delay_share, percent):
        return False
    count(stream.proxy.region, stream.manager.stats + HT_FAULT_DELAYS, 1)
    gauge(stream.proxy.region, stream.manager.gauges + HTG_FAULTS_ACTIVE, 1)
    stream.info.response_flags |= FLAG_DI
    stream.flags |= S_DELAYED
    stream.retry_at = stream.engine.now_ms + <uint64_t>delay_ms
    stream_rearm(stream)
    return True


cdef bint fault_begin(Stream *stream, const Fault *fault) noexcept nogil:
    if not is_meant(stream, fault):
        return False
    return delay(stream, fault) or abort(stream, fault)


cdef bint fault_delay_over(Stream *stream, const Fault *fault) noexcept nogil:
    stream.flags &= ~<uint32_t>S_DELAYED
    stream.retry_at = 0
    gauge(stream.proxy.region, stream.manager.gauges + HTG_FAULTS_ACTIVE, -1)
    return abort(stream, fault)
