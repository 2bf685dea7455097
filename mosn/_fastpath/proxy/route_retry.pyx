"""Which answers and failures are tried again (interface: route_retry.pxd)."""

from libc.stdint cimport uint16_t, uint32_t

from mosn._fastpath.head cimport H_ENVOY_RATELIMITED, Head, head_get
from mosn._fastpath.memory cimport Slice, slice_is
from mosn._fastpath.proxy.format_status cimport grpc_status_of
from mosn._fastpath.proxy.match cimport HeaderMatch, compile_headers, header_matches
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport (
    RETRY_5XX, RETRY_CONNECT_FAILURE, RETRY_ENVOY_RATELIMITED, RETRY_GATEWAY_ERROR, RETRY_GRPC_CANCELLED,
    RETRY_GRPC_DEADLINE_EXCEEDED, RETRY_GRPC_INTERNAL, RETRY_GRPC_RESOURCE_EXHAUSTED, RETRY_GRPC_UNAVAILABLE,
    RETRY_HTTP3_POST_CONNECT_FAILURE, RETRY_REFUSED_STREAM, RETRY_RESET, RETRY_RESET_BEFORE_REQUEST,
    RETRY_RETRIABLE_4XX, RETRY_RETRIABLE_HEADERS, RETRY_RETRIABLE_STATUS_CODES, Retry,
)

cdef enum:
    GRPC_BITS = (RETRY_GRPC_CANCELLED | RETRY_GRPC_DEADLINE_EXCEEDED | RETRY_GRPC_INTERNAL
                 | RETRY_GRPC_RESOURCE_EXHAUSTED | RETRY_GRPC_UNAVAILABLE)

cdef struct RetryName:
    const char *text
    uint32_t bit

cdef RetryName[11] HTTP_NAMES = [
    RetryName("5xx", RETRY_5XX), RetryName("gateway-error", RETRY_GATEWAY_ERROR),
    RetryName("connect-failure", RETRY_CONNECT_FAILURE), RetryName("envoy-ratelimited", RETRY_ENVOY_RATELIMITED),
    RetryName("retriable-4xx", RETRY_RETRIABLE_4XX), RetryName("refused-stream", RETRY_REFUSED_STREAM),
    RetryName("retriable-status-codes", RETRY_RETRIABLE_STATUS_CODES),
    RetryName("retriable-headers", RETRY_RETRIABLE_HEADERS), RetryName("reset", RETRY_RESET),
    RetryName("reset-before-request", RETRY_RESET_BEFORE_REQUEST),
    RetryName("http3-post-connect-failure", RETRY_HTTP3_POST_CONNECT_FAILURE),
]
cdef RetryName[5] GRPC_NAMES = [
    RetryName("cancelled", RETRY_GRPC_CANCELLED), RetryName("deadline-exceeded", RETRY_GRPC_DEADLINE_EXCEEDED),
    RetryName("internal", RETRY_GRPC_INTERNAL), RetryName("resource-exhausted", RETRY_GRPC_RESOURCE_EXHAUSTED),
    RetryName("unavailable", RETRY_GRPC_UNAVAILABLE),
]


# -- names

cdef uint32_t _bit_of(Slice name, bint grpc) noexcept nogil:
    cdef int i
    if grpc:
        for i in range(5):
            if slice_is(name, GRPC_NAMES[i].text):
                return GRPC_NAMES[i].bit
        return 0
    for i in range(11):
        if slice_is(name, HTTP_NAMES[i].text):
            return HTTP_NAMES[i].bit
    return 0


cdef Slice _trimmed(const char *p, uint32_t n) noexcept nogil:
    cdef Slice text
    while n and p[0] in (32, 9):
        p += 1
        n -= 1
    while n and p[n - 1] in (32, 9):
        n -= 1
    text.p = p
    text.n = n
    return text


cdef uint32_t retry_names(Slice names, bint grpc) noexcept nogil:
    cdef uint32_t bits = 0
    cdef uint32_t start = 0
    cdef uint32_t i
    for i in range(names.n + 1):
        if i == names.n or names.p[i] == 44:  # ,
            bits |= _bit_of(_trimmed(names.p + start, i - start), grpc)
            start = i + 1
    return bits


# -- decisions

cdef uint32_t _grpc_bit(int status) noexcept nogil:
    if status == 1:
        return RETRY_GRPC_CANCELLED
    if status == 4:
        return RETRY_GRPC_DEADLINE_EXCEEDED
    if status == 8:
        return RETRY_GRPC_RESOURCE_EXHAUSTED
    if status == 13:
        return RETRY_GRPC_INTERNAL
    return RETRY_GRPC_UNAVAILABLE if status == 14 else 0


cdef bint _status_is_listed(const Retry *policy, uint16_t status) noexcept nogil:
    cdef uint32_t i
    for i in range(policy.status_code_count):
        if policy.status_codes[i] == status:
            return True
    return False


cdef bint _any_matches(const void *matchers, uint32_t count, const Head *head) noexcept nogil:
    cdef const HeaderMatch *rules = <const HeaderMatch *>matchers
    cdef uint32_t i
    for i in range(count):
        if header_matches(&rules[i], head):
            return True
    return False


cdef bint answer_is_retriable(const Retry *policy, uint32_t on, const Head *response) noexcept nogil:
    cdef uint16_t status = response.status
    if on == 0:
        return False
    if head_get(response, H_ENVOY_RATELIMITED) != NULL:
        return on & RETRY_ENVOY_RATELIMITED != 0
    if on & RETRY_5XX and 500 <= status <= 599:
        return True
    if on & RETRY_GATEWAY_ERROR and 502 <= status <= 504:
        return True
    if on & RETRY_RETRIABLE_4XX and status == 409:
        return True
    if policy != NULL and on & RETRY_RETRIABLE_STATUS_CODES and _status_is_listed(policy, status):
        return True
    if policy != NULL and on & RETRY_RETRIABLE_HEADERS and _any_matches(
            policy.retriable_headers, policy.retriable_header_count, response):
        return True
    return on & GRPC_BITS != 0 and on & _grpc_bit(grpc_status_of(response)) != 0


cdef bint request_is_retriable(const Retry *policy, const Head *request) noexcept nogil:
    if policy == NULL or policy.retriable_request_header_count == 0:
        return True
    return _any_matches(policy.retriable_request_headers, policy.retriable_request_header_count, request)


# -- compiling

cdef uint32_t _bits(list names, Store store) except? 0:
    joined = store.text(",".join(names))
    return retry_names(joined, False) | retry_names(joined, True)


cdef Retry *compile_retry(dict spec, Store store) except NULL:
    cdef Retry *out = <Retry *>store.take(sizeof(Retry))
    out.on = _bits(spec["retry_on"], store)
    out.num_retries = spec["num_retries"]
    out.per_try_timeout_ms = spec["per_try_timeout_ms"]
    out.per_try_idle_timeout_ms = spec["per_try_idle_timeout_ms"]
    out.base_interval_ms = spec["base_interval_ms"]
    out.max_interval_ms = spec["max_interval_ms"]
    out.host_attempts = spec["host_selection_retry_max_attempts"]
    out.previous_hosts = bool(spec["previous_hosts"])
    codes = spec["retriable_status_codes"]
    out.status_codes = <uint16_t *>store.take(len(codes) * sizeof(uint16_t))
    out.status_code_count = <uint32_t>len(codes)
    for i, code in enumerate(codes):
        out.status_codes[<size_t>i] = code
    out.retriable_headers = compile_headers(spec["retriable_headers"], store)
    out.retriable_header_count = <uint32_t>len(spec["retriable_headers"])
    out.retriable_request_headers = compile_headers(spec["retriable_request_headers"], store)
    out.retriable_request_header_count = <uint32_t>len(spec["retriable_request_headers"])
    return out
