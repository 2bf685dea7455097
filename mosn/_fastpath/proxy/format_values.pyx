"""What each command operator prints (interface: format_values.pxd; Envoy's substitution formatter)."""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy, strlen

from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.head cimport (
    H_ENVOY_ORIGINAL_HOST, H_ENVOY_ORIGINAL_PATH, H_TRACEPARENT, Head, Header, head_get,
)
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, slice_of
from mosn._fastpath.proxy.format_status cimport append_grpc_status
from mosn._fastpath.proxy.format_time cimport append_time
from mosn._fastpath.proxy.info cimport address_from_sockaddr, address_text
from mosn._fastpath.proxy.info import PROTOCOL_NAMES, RESPONSE_FLAGS
from mosn._fastpath.proxy.match cimport HeaderName, header_value, path_only, query_first
from mosn._fastpath.proxy.types cimport FLAG_COUNT, Address, FormatStep, RequestInfo

cdef extern from "<sys/socket.h>" nogil:
    enum:
        AF_INET
        AF_UNIX

cdef enum:
    NAME_ROOM = 40
    TEXT_ROOM = 160             # an address with mask, or a unix path
    PROTOCOLS = 7

cdef char FLAG_NAMES[2][FLAG_COUNT][NAME_ROOM]
cdef char PROTOCOL_TEXT[PROTOCOLS][NAME_ROOM]


cdef int _fill_names() except -1:
    cdef bytes name
    cdef const char *text
    for i, names in enumerate(RESPONSE_FLAGS):
        for form in range(2):
            name = names[form].encode()
            text = name
            memcpy(FLAG_NAMES[<int>form][<int>i], text, len(name) + 1)
    for i, protocol in enumerate(PROTOCOL_NAMES):
        name = protocol.encode()
        text = name
        memcpy(PROTOCOL_TEXT[<int>i], text, len(name) + 1)
    return 0


_fill_names()


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

cdef int decimal_text(uint64_t value, char *out) noexcept nogil:
    cdef char digits[20]
    cdef int n = 0
    cdef int i
    while True:
        digits[19 - n] = <char>(48 + value % 10)
        value //= 10
        n += 1
        if value == 0:
            break
    for i in range(n):
        out[i] = digits[20 - n + i]
    return n


cdef int _append_number(uint64_t value, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char text[20]
    return buf_append(pool, out, text, decimal_text(value, text))


cdef int _append_signed(int64_t value, BlockPool *pool, Buf *out) noexcept nogil:
    if value < 0 and buf_append(pool, out, b"-", 1) < 0:
        return -1
    return _append_number(<uint64_t>(-value if value < 0 else value), pool, out)


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
    return _append_number(value, pool, out)


# -- texts

cdef int _append_slice(Slice text, BlockPool *pool, Buf *out) noexcept nogil:
    return buf_append(pool, out, text.p, text.n)


cdef int _append_known(Slice text, BlockPool *pool, Buf *out) noexcept nogil:
    return _append_slice(text, pool, out) if text.n else 1


cdef void _join_words(Buf *out, uint32_t length) noexcept nogil:
    # White space of the last `length` bytes becomes "_" (Envoy's replaceAllEmptySpace).
    cdef char *p = out.data + out.end - length
    cdef uint32_t i
    for i in range(length):
        if p[i] == 32 or 9 <= p[i] <= 13:
            p[i] = 95


cdef int _slice_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Slice text = _slice_at(info, step.first)
    cdef int result = _append_known(text, pool, out)
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
    return _append_slice(path_only(value) if no_query else value, pool, out)


cdef int _header_step_of(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if step.op == OP_RESPONSE_HEADER:
        return _header_step(step, info.response, False, pool, out)
    if step.op == OP_TRAILER:
        return _header_step(step, info.trailers, False, pool, out)
    return _header_step(step, info.request, step.op == OP_REQUEST_HEADER_NO_QUERY, pool, out)


cdef void _mask(Address *address, uint32_t bits) noexcept nogil:
    cdef uint32_t total = 4 if address.family == AF_INET else 16
    cdef uint32_t i
    for i in range(total):
        if bits >= 8:
            bits -= 8
            continue
        address.ip[i] &= <uint8_t>(0xFF << (8 - bits) & 0xFF)
        bits = 0


cdef int _append_masked(const Address *address, uint32_t bits, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Address masked = address[0]
    cdef char text[TEXT_ROOM]
    cdef uint32_t n
    if address.family == AF_UNIX or bits > <uint32_t>(32 if address.family == AF_INET else 128):
        return 1
    _mask(&masked, bits)
    n = address_text(&masked, False, text, TEXT_ROOM - 8)
    text[n] = 47  # /
    return buf_append(pool, out, text, n + 1 + decimal_text(bits, text + n + 1))


cdef int _append_address(const FormatStep *step, const Address *address, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char text[TEXT_ROOM]
    cdef uint32_t n
    if address.family == 0:
        return 1
    if step.id == ADDRESS_PORT:
        return 1 if address.family == AF_UNIX else _append_number(address.port, pool, out)
    if step.second:
        return _append_masked(address, step.second - 1, pool, out)
    n = address_text(address, step.id == ADDRESS_WHOLE, text, TEXT_ROOM)
    return buf_append(pool, out, text, n)


cdef int _upstream_remote(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Address address
    if info.host == NULL:
        return 1
    if step.id == ADDRESS_WHOLE:
        return _append_known(info.host.address, pool, out)
    if address_from_sockaddr(&address, info.host.socket_address, info.host.socket_address_len) < 0:
        return 1
    return _append_address(step, &address, pool, out)


cdef int _upstream_host_name(const FormatStep *step, const RequestInfo *info, BlockPool *pool,
                             Buf *out) noexcept nogil:
    cdef Slice name
    cdef const char *colon
    if info.host == NULL:
        return 1
    name = info.host.hostname
    if name.n == 0:
        return _upstream_remote(step, info, pool, out)
    if step.id:
        colon = <const char *>memchr(name.p, 58, name.n)
        if colon != NULL:
            name.n = <uint32_t>(colon - name.p)
    return _append_slice(name, pool, out)


cdef int _upstream_cluster(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.cluster == NULL:
        return _append_known(info.cluster_name, pool, out)
    if step.id or info.cluster.stat_name.n == 0:
        return _append_known(info.cluster.name, pool, out)
    return _append_slice(info.cluster.stat_name, pool, out)


cdef int _time_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint64_t wall = info.start_wall_us
    if step.id & 2:
        wall += duration_us(info)
    return append_time(wall, step.text, step.id & 1, pool, out)


cdef int _protocol_value(const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.protocol == 0 or info.protocol >= PROTOCOLS:
        return 1
    return buf_append(pool, out, PROTOCOL_TEXT[info.protocol], strlen(PROTOCOL_TEXT[info.protocol]))


cdef int _upstream_protocol(const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.cluster == NULL or info.host == NULL or info.cluster.protocol == 0:
        return 1
    return buf_append(pool, out, b"HTTP/2" if info.cluster.protocol == 2 else b"HTTP/1.1",
                      6 if info.cluster.protocol == 2 else 8)


cdef int _flags_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint64_t left = info.response_flags
    cdef uint32_t bit
    cdef bint first = True
    cdef const char *name
    if left == 0:
        return 1
    for bit in range(FLAG_COUNT):
        if not left >> bit & 1:
            continue
        if not first and buf_append(pool, out, b",", 1) < 0:
            return -1
        first = False
        name = FLAG_NAMES[1 if step.id else 0][bit]
        if buf_append(pool, out, name, strlen(name)) < 0:
            return -1
    return 1 if first else 0


cdef Slice _known_header(const Head *head, int id) noexcept nogil:
    cdef Header *header = head_get(head, id) if head != NULL else NULL
    return slice_of(NULL, 0) if header == NULL else slice_of(header.value, header.value_len)


cdef Slice _original(const Head *head, int original_id, Slice current, uint32_t which) noexcept nogil:
    # HostFrom: the header that kept what the router changed, or what it is now.
    cdef Slice original = _known_header(head, original_id)
    if which == CURRENT or (which == ORIGINAL_OR_CURRENT and original.n == 0):
        return current
    return original


cdef int _server_name(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Slice host
    if step.first != HOST_FIRST and info.requested_server_name.n:
        return _append_slice(info.requested_server_name, pool, out)
    if step.first == SNI_ONLY or info.request == NULL:
        return 1
    host = _original(info.request, H_ENVOY_ORIGINAL_HOST, info.request.authority, step.second)
    return _append_known(host, pool, out)


cdef int _path_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Slice path
    if info.request == NULL:
        return 1
    path = _original(info.request, H_ENVOY_ORIGINAL_PATH, info.request.path, step.second)
    return _append_known(path_only(path) if step.id else path, pool, out)


cdef inline int _hex(char c) noexcept nogil:
    if 48 <= c <= 57:
        return c - 48
    c |= 32
    return c - 87 if 97 <= c <= 102 else -1


cdef void _decode_percent(Buf *out, uint32_t length) noexcept nogil:
    # Of the last `length` bytes, in place.
    cdef char *p = out.data + out.end - length
    cdef uint32_t i = 0
    cdef uint32_t n = 0
    while i < length:
        if p[i] == 37 and i + 2 < length and _hex(p[i + 1]) >= 0 and _hex(p[i + 2]) >= 0:
            p[n] = <char>(_hex(p[i + 1]) * 16 + _hex(p[i + 2]))
            i += 3
        else:
            p[n] = p[i]
            i += 1
        n += 1
    out.end -= length - n


cdef int _query_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Slice path
    cdef Slice value
    cdef const char *mark
    if info.request == NULL or info.request.path.n == 0:
        return 1
    path = info.request.path
    if step.op == OP_QUERY_PARAM:
        return _append_slice(value, pool, out) if query_first(path, step.text, &value) else 1
    mark = <const char *>memchr(path.p, 63, path.n)
    if mark == NULL:
        return 1
    value = slice_of(mark + 1, <size_t>(path.p + path.n - mark - 1))
    if _append_slice(value, pool, out) < 0:
        return -1
    if step.id:
        _decode_percent(out, value.n)
    return 0


cdef int _log_type(const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.request == NULL:
        return buf_append(pool, out, b"TcpConnectionEnd", 16)
    return buf_append(pool, out, b"DownstreamEnd", 13)


cdef int _unique_id(const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    # A version 4 UUID made of what is unique about the request.
    cdef uint64_t seeds[4]
    cdef uint64_t halves[2]
    cdef const uint8_t *bytes_ = <const uint8_t *>halves
    cdef const char *digits = "0123456789abcdef"
    cdef char text[36]
    cdef uint32_t i
    cdef uint32_t n = 0
    seeds[0], seeds[1], seeds[2], seeds[3] = info.random, info.connection_id, info.start_us, info.start_wall_us
    halves[0] = xxh64(<const char *>seeds, 32, 0) & ~(<uint64_t>0xF0 << 48) | (<uint64_t>0x40 << 48)
    halves[1] = xxh64(<const char *>seeds, 32, 1) & ~<uint64_t>0xC0 | 0x80
    for i in range(16):
        if i in (4, 6, 8, 10):
            text[n] = 45  # -
            n += 1
        text[n] = digits[bytes_[i] >> 4]
        text[n + 1] = digits[bytes_[i] & 15]
        n += 2
    return buf_append(pool, out, text, 36)


cdef int _trace_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    # traceparent: version(2)-trace id(32)-parent id(16)-flags(2)
    cdef Slice value = _known_header(info.request, H_TRACEPARENT)
    if value.n < 55 or value.p[2] != 45 or value.p[35] != 45:
        return 1
    return buf_append(pool, out, value.p + (36 if step.id else 3), 16 if step.id else 32)


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


cdef int _text_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if step.op == OP_FLAGS:
        return _flags_value(step, info, pool, out)
    if step.op == OP_GRPC_STATUS:
        return append_grpc_status(info, step.id, pool, out)
    if step.op == OP_UPSTREAM_HOST_NAME:
        return _upstream_host_name(step, info, pool, out)
    if step.op == OP_SERVER_NAME:
        return _server_name(step, info, pool, out)
    if step.op == OP_PATH:
        return _path_value(step, info, pool, out)
    if step.op in (OP_QUERY, OP_QUERY_PARAM):
        return _query_value(step, info, pool, out)
    if step.op == OP_LOG_TYPE:
        return _log_type(info, pool, out)
    if step.op == OP_UNIQUE_ID:
        return _unique_id(info, pool, out)
    if step.op == OP_TRACE_ID:
        return _trace_value(step, info, pool, out)
    if step.op == OP_UPSTREAM_PROTOCOL:
        return _upstream_protocol(info, pool, out)
    if step.op == OP_COALESCE:
        return _coalesce(step, info, pool, out)
    return 1


cdef int _value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint16_t op = step.op
    if op == OP_LITERAL:
        return _append_slice(step.text, pool, out)
    if op in (OP_REQUEST_HEADER, OP_REQUEST_HEADER_NO_QUERY, OP_RESPONSE_HEADER, OP_TRAILER):
        return _header_step_of(step, info, pool, out)
    if op in (OP_COUNT, OP_DIFFERENCE, OP_DURATION, OP_RESPONSE_CODE, OP_ATTEMPTS, OP_HEAD_BYTES, OP_ZERO):
        return _number_value(step, info, pool, out)
    if op == OP_SPAN:
        return _append_span(step, info, pool, out)
    if op == OP_SLICE:
        return _slice_value(step, info, pool, out)
    if op == OP_ADDRESS:
        return _append_address(step, <const Address *>(<const char *>info + step.first), pool, out)
    if op == OP_UPSTREAM_REMOTE:
        return _upstream_remote(step, info, pool, out)
    if op == OP_UPSTREAM_CLUSTER:
        return _upstream_cluster(step, info, pool, out)
    if op == OP_START_TIME:
        return _time_value(step, info, pool, out)
    if op == OP_PROTOCOL:
        return _protocol_value(info, pool, out)
    return _text_value(step, info, pool, out)


cdef int append_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint32_t before = out.end - out.start
    cdef int result = _value(step, info, pool, out)
    if step.max_len and out.end - out.start > before + step.max_len:
        out.end = out.start + before + step.max_len
    return result
