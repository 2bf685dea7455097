"""What each command operator prints (interface: format_values.pxd; Envoy's substitution formatter)."""

from libc.stdint cimport int64_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.head cimport Head, Header
from mosn._fastpath.memory cimport BlockPool, Buf, Slice
from mosn._fastpath.proxy.format_ops cimport (
    OP_ATTEMPTS, OP_COALESCE, OP_COUNT, OP_DIFFERENCE, OP_DURATION, OP_HEAD_BYTES, OP_LITERAL, OP_REQUEST_HEADER,
    OP_REQUEST_HEADER_NO_QUERY, OP_RESPONSE_CODE, OP_RESPONSE_HEADER, OP_SLICE, OP_SPAN, OP_START_TIME, OP_TRAILER,
    OP_ZERO, put,
)
from mosn._fastpath.proxy.format_texts cimport append_known, append_number, append_slice, append_text
from mosn._fastpath.proxy.format_time cimport append_time
from mosn._fastpath.proxy.match cimport HeaderName, header_value, path_only
from mosn._fastpath.proxy.types cimport FormatStep, RequestInfo


# -- fields by offset

cdef unsigned int _offset(const void *base, const void *field) noexcept nogil:
    return <unsigned int>(<const char *>field - <const char *>base)


cdef dict _field_offsets():
    cdef RequestInfo info
    return {
        "bytes_received": _offset(&info, &info.bytes_received),
        "bytes_sent": _offset(&info, &info.bytes_sent),
        "wire_received": _offset(&info, &info.wire_received),
        "wire_sent": _offset(&info, &info.wire_sent),
        "upstream_wire_received": _offset(&info, &info.upstream_wire_received),
        "upstream_wire_sent": _offset(&info, &info.upstream_wire_sent),
        "connection_id": _offset(&info, &info.connection_id),
        "start_us": _offset(&info, &info.start_us),
        "request_end_us": _offset(&info, &info.request_end_us),
        "upstream_first_tx_us": _offset(&info, &info.upstream_first_tx_us),
        "upstream_last_tx_us": _offset(&info, &info.upstream_last_tx_us),
        "upstream_first_rx_us": _offset(&info, &info.upstream_first_rx_us),
        "upstream_last_rx_us": _offset(&info, &info.upstream_last_rx_us),
        "downstream_first_tx_us": _offset(&info, &info.downstream_first_tx_us),
        "end_us": _offset(&info, &info.end_us),
        "route_name": _offset(&info, &info.route_name),
        "filter_chain_name": _offset(&info, &info.filter_chain_name),
        "response_code_details": _offset(&info, &info.response_code_details),
        "connection_termination_details": _offset(&info, &info.connection_termination_details),
        "upstream_failure_reason": _offset(&info, &info.upstream_failure_reason),
        "request_id": _offset(&info, &info.request_id),
        "remote": _offset(&info, &info.remote),
        "direct_remote": _offset(&info, &info.direct_remote),
        "local": _offset(&info, &info.local),
        "upstream_local": _offset(&info, &info.upstream_local),
    }


cdef dict FIELD_OFFSETS = _field_offsets()


cdef unsigned int field_offset(str name) except? 0:
    return FIELD_OFFSETS[name]


cdef inline uint64_t _count_at(const RequestInfo *info, uint32_t offset) noexcept nogil:
    return (<const uint64_t *>(<const char *>info + offset))[0]


cdef inline Slice _slice_at(const RequestInfo *info, uint32_t offset) noexcept nogil:
    return (<const Slice *>(<const char *>info + offset))[0]


# -- numbers

cdef int _append_signed(int64_t value, BlockPool *pool, Buf *out) noexcept nogil:
    if value < 0 and put(pool, out, b"-", 1) < 0:
        return -1
    return append_number(<uint64_t>(-value if value < 0 else value), pool, out)


cdef int _append_span(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint64_t start = _count_at(info, step.first)
    cdef uint64_t end = _count_at(info, step.second)
    if start == 0 or end == 0:
        return 1
    # alternative_id divides microseconds; 0 stands for nanoseconds.
    if step.alternative_id == 0:
        return _append_signed(<int64_t>(end - start) * 1000, pool, out)
    return _append_signed(<int64_t>(end - start) // <int64_t>step.alternative_id, pool, out)


cdef uint64_t duration_us(const RequestInfo *info) noexcept nogil:
    # Without a clock here, the newest thing that is known to have happened is "now".
    cdef uint64_t newest = info.end_us
    if newest == 0:
        newest = max(info.request_end_us, info.upstream_last_tx_us, info.upstream_last_rx_us,
                     info.downstream_first_tx_us)
    return newest - info.start_us if newest > info.start_us else 0


cdef uint64_t _header_bytes(const Header *header) noexcept nogil:
    return 0 if header.removed else <uint64_t>header.name_len + header.value_len


cdef uint64_t _pseudo_bytes(Slice value, uint64_t name_len) noexcept nogil:
    return name_len + value.n if value.n else 0


cdef uint64_t _head_bytes(const Head *head) noexcept nogil:
    cdef uint64_t total = 0
    cdef uint32_t i
    if head == NULL:
        return 0
    total = (_pseudo_bytes(head.method, 7) + _pseudo_bytes(head.path, 5) + _pseudo_bytes(head.authority, 10)
             + _pseudo_bytes(head.scheme, 7))
    if head.status:
        total += 10
    for i in range(head.count):
        total += _header_bytes(&head.items[i])
    return total


cdef int _number_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint64_t value = 0
    cdef uint64_t less
    if step.op == OP_COUNT:
        value = _count_at(info, step.first)
    elif step.op == OP_DURATION:
        value = duration_us(info) // 1000
    elif step.op == OP_RESPONSE_CODE:
        value = info.response_code
    elif step.op == OP_ATTEMPTS:
        value = info.attempts
    elif step.op == OP_DIFFERENCE:
        value = _count_at(info, step.first)
        less = _count_at(info, step.second)
        value = value - less if value > less else 0
    elif step.op == OP_HEAD_BYTES:
        value = _head_bytes(info.request if step.first == 0 else (
            info.response if step.first == 1 else info.trailers))
    return append_number(value, pool, out)


# -- texts

cdef void _join_words(Buf *out, uint32_t length) noexcept nogil:
    # White space of the last `length` bytes becomes "_" (Envoy's replaceAllEmptySpace).
    cdef char *p = out.data + out.end - length
    cdef uint32_t i
    for i in range(length):
        if p[i] == 32 or 9 <= p[i] <= 13:
            p[i] = 95


cdef int _slice_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Slice text = _slice_at(info, step.first)
    cdef int result = append_known(text, pool, out)
    if result == 0 and step.id:
        _join_words(out, text.n)
    return result


cdef int _header_step(const FormatStep *step, const Head *head, bint no_query, BlockPool *pool,
                      Buf *out) noexcept nogil:
    cdef HeaderName name
    cdef Slice value
    name.text = step.text
    name.id = step.id
    name.pseudo = step.pseudo
    if not header_value(head, &name, &value):
        if step.alternative.n == 0:
            return 1
        name.text = step.alternative
        name.id = step.alternative_id
        name.pseudo = step.alternative_pseudo
        if not header_value(head, &name, &value):
            return 1
    return append_slice(path_only(value) if no_query else value, pool, out)


cdef int _header_step_of(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if step.op == OP_RESPONSE_HEADER:
        return _header_step(step, info.response, False, pool, out)
    if step.op == OP_TRAILER:
        return _header_step(step, info.trailers, False, pool, out)
    return _header_step(step, info.request, step.op == OP_REQUEST_HEADER_NO_QUERY, pool, out)


cdef int _time_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint64_t wall = info.start_wall_us
    if step.id & 2:
        wall += duration_us(info)
    return append_time(wall, step.text, step.id & 1, pool, out)


cdef int _coalesce(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint32_t before
    cdef uint32_t i
    cdef int result
    for i in range(step.first):
        before = out.end - out.start
        result = append_value(step + 1 + i, info, pool, out)
        if result < 0 or (result == 0 and out.end - out.start > before):
            return result
    return 1


cdef int _value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint16_t op = step.op
    if op == OP_LITERAL:
        return append_slice(step.text, pool, out)
    if op in (OP_REQUEST_HEADER, OP_REQUEST_HEADER_NO_QUERY, OP_RESPONSE_HEADER, OP_TRAILER):
        return _header_step_of(step, info, pool, out)
    if op in (OP_COUNT, OP_DIFFERENCE, OP_DURATION, OP_RESPONSE_CODE, OP_ATTEMPTS, OP_HEAD_BYTES, OP_ZERO):
        return _number_value(step, info, pool, out)
    if op == OP_SPAN:
        return _append_span(step, info, pool, out)
    if op == OP_SLICE:
        return _slice_value(step, info, pool, out)
    if op == OP_START_TIME:
        return _time_value(step, info, pool, out)
    if op == OP_COALESCE:
        return _coalesce(step, info, pool, out)
    return append_text(step, info, pool, out)


cdef int append_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint32_t before = out.end - out.start
    cdef int result = _value(step, info, pool, out)
    if step.max_len and out.end - out.start > before + step.max_len:
        out.end = out.start + before + step.max_len
    return result
