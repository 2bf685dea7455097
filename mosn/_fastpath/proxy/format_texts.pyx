"""Addresses, names and other texts that command operators print (interface: format_texts.pxd)."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy, strlen

from mosn._fastpath.hashing cimport xxh64
from mosn._fastpath.head cimport H_ENVOY_ORIGINAL_HOST, H_ENVOY_ORIGINAL_PATH, H_TRACEPARENT, Head, Header, head_get
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, slice_of
from mosn._fastpath.proxy.format_ops cimport (
    ADDRESS_PORT, ADDRESS_WHOLE, CURRENT, HOST_FIRST, OP_ADDRESS, OP_FLAGS, OP_GRPC_STATUS, OP_LOG_TYPE, OP_TLS,
    OP_PATH, OP_PROTOCOL, OP_QUERY, OP_QUERY_PARAM, OP_SERVER_NAME, OP_TRACE_ID, OP_UNIQUE_ID, OP_UPSTREAM_CLUSTER,
    OP_UPSTREAM_HOST_NAME, OP_UPSTREAM_PROTOCOL, OP_UPSTREAM_REMOTE, ORIGINAL_OR_CURRENT, SNI_ONLY, put,
)
from mosn._fastpath.proxy.format_status cimport append_grpc_status
from mosn._fastpath.proxy.info cimport address_from_sockaddr, address_text
from mosn._fastpath.proxy.info import PROTOCOL_NAMES, RESPONSE_FLAGS
from mosn._fastpath.proxy.match cimport path_only, query_first
from mosn._fastpath.proxy.tls_facts cimport tls_append_fact
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


# -- shared with format_values

cdef int _decimal_text(uint64_t value, char *out) noexcept nogil:
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


cdef int append_number(uint64_t value, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char text[20]
    return put(pool, out, text, _decimal_text(value, text))


cdef int append_slice(Slice text, BlockPool *pool, Buf *out) noexcept nogil:
    return put(pool, out, text.p, text.n)


cdef int append_known(Slice text, BlockPool *pool, Buf *out) noexcept nogil:
    return append_slice(text, pool, out) if text.n else 1


# -- addresses

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
    return put(pool, out, text, n + 1 + _decimal_text(bits, text + n + 1))


cdef int _append_address(const FormatStep *step, const Address *address, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char text[TEXT_ROOM]
    cdef uint32_t n
    if address.family == 0:
        return 1
    if step.id == ADDRESS_PORT:
        return 1 if address.family == AF_UNIX else append_number(address.port, pool, out)
    if step.second:
        return _append_masked(address, step.second - 1, pool, out)
    n = address_text(address, step.id == ADDRESS_WHOLE, text, TEXT_ROOM)
    return put(pool, out, text, n)


cdef int _upstream_remote(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Address address
    if info.host == NULL:
        return 1
    if step.id == ADDRESS_WHOLE:
        return append_known(info.host.address, pool, out)
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
    return append_slice(name, pool, out)


cdef int _upstream_cluster(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.cluster == NULL:
        return append_known(info.cluster_name, pool, out)
    if step.id or info.cluster.stat_name.n == 0:
        return append_known(info.cluster.name, pool, out)
    return append_slice(info.cluster.stat_name, pool, out)


# -- what the request and the answer say

cdef int _protocol_value(const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.protocol == 0 or info.protocol >= PROTOCOLS:
        return 1
    return put(pool, out, PROTOCOL_TEXT[info.protocol], strlen(PROTOCOL_TEXT[info.protocol]))


cdef int _upstream_protocol(const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.cluster == NULL or info.host == NULL or info.cluster.protocol == 0:
        return 1
    if info.cluster.protocol == 2:
        return put(pool, out, b"HTTP/2", 6)
    return put(pool, out, b"HTTP/1.1", 8)


cdef int _flags_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint64_t left = info.response_flags
    cdef uint32_t bit
    cdef bint first = True
    cdef const char *name
    if left == 0:
        # Not absent: Envoy's text for no flags, in headers and JSON too.
        return put(pool, out, b"-", 1)
    for bit in range(FLAG_COUNT):
        if not left >> bit & 1:
            continue
        if not first and put(pool, out, b",", 1) < 0:
            return -1
        first = False
        name = FLAG_NAMES[1 if step.id else 0][bit]
        if put(pool, out, name, strlen(name)) < 0:
            return -1
    return 0


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
        return append_slice(info.requested_server_name, pool, out)
    if step.first == SNI_ONLY or info.request == NULL:
        return 1
    host = _original(info.request, H_ENVOY_ORIGINAL_HOST, info.request.authority, step.second)
    return append_known(host, pool, out)


cdef int _path_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Slice path
    if info.request == NULL:
        return 1
    path = _original(info.request, H_ENVOY_ORIGINAL_PATH, info.request.path, step.second)
    return append_known(path_only(path) if step.id else path, pool, out)


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
        return append_slice(value, pool, out) if query_first(path, step.text, &value) else 1
    mark = <const char *>memchr(path.p, 63, path.n)
    if mark == NULL:
        return 1
    value = slice_of(mark + 1, <size_t>(path.p + path.n - mark - 1))
    if append_slice(value, pool, out) < 0:
        return -1
    if step.id:
        _decode_percent(out, value.n)
    return 0


cdef int _log_type(const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if info.request == NULL:
        return put(pool, out, b"TcpConnectionEnd", 16)
    return put(pool, out, b"DownstreamEnd", 13)


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
    return put(pool, out, text, 36)


cdef int _trace_value(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    # traceparent: version(2)-trace id(32)-parent id(16)-flags(2)
    cdef Slice value = _known_header(info.request, H_TRACEPARENT)
    if value.n < 55 or value.p[2] != 45 or value.p[35] != 45:
        return 1
    return put(pool, out, value.p + (36 if step.id else 3), 16 if step.id else 32)


cdef int append_text(const FormatStep *step, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    if step.op == OP_ADDRESS:
        return _append_address(step, <const Address *>(<const char *>info + step.first), pool, out)
    if step.op == OP_UPSTREAM_REMOTE:
        return _upstream_remote(step, info, pool, out)
    if step.op == OP_UPSTREAM_CLUSTER:
        return _upstream_cluster(step, info, pool, out)
    if step.op == OP_PROTOCOL:
        return _protocol_value(info, pool, out)
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
    if step.op == OP_TLS:
        return tls_append_fact(info.client_tls, step.id, pool, out)
    if step.op == OP_LOG_TYPE:
        return _log_type(info, pool, out)
    if step.op == OP_UNIQUE_ID:
        return _unique_id(info, pool, out)
    if step.op == OP_TRACE_ID:
        return _trace_value(step, info, pool, out)
    if step.op == OP_UPSTREAM_PROTOCOL:
        return _upstream_protocol(info, pool, out)
    return 1
