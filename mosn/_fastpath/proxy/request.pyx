"""Request and response headers as Envoy's HTTP connection manager and router change them (see request.pxd).

Envoy: source/docs "HTTP header manipulation" (x-forwarded-for, x-forwarded-proto, x-request-id, x-envoy-*), with the
defaults of 1.40: no address is internal unless configured.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memcpy
from posix.types cimport time_t

from mosn._fastpath.codec.http1 cimport h1_strip_hop_by_hop
from mosn._fastpath.engine.loop cimport random_next
from mosn._fastpath.head cimport (
    H_FORWARDED_CLIENT_CERT, H_DATE, H_ENVOY_ATTEMPT_COUNT, H_ENVOY_EXPECTED_RQ_TIMEOUT_MS, H_ENVOY_MAX_RETRIES,
    H_ENVOY_RETRY_GRPC_ON, H_ENVOY_RETRY_ON, H_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS, H_ENVOY_UPSTREAM_RQ_TIMEOUT_MS,
    H_ENVOY_UPSTREAM_SERVICE_TIME, H_SERVER, H_USER_AGENT, H_VIA, H_X_FORWARDED_PORT, H_X_FORWARDED_PROTO,
    H_X_REQUEST_ID, HF_HTTP10, M_CONNECT, Head, Header, head_add_known, head_get, head_has, head_set_known,
)
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, arena_copy, slice_is_lower, slice_of
from mosn._fastpath.proxy.client_cert cimport request_client_cert
from mosn._fastpath.proxy.request_address cimport client_address
from mosn._fastpath.proxy.request_fields cimport clean_fields, clean_untrusted, remove_router_headers
from mosn._fastpath.proxy.route cimport path_normalize, retry_bits, retry_request_allowed
from mosn._fastpath.proxy.runtime cimport S_REQUEST_ENDED, HttpManager, Proxy, Stream
from mosn._fastpath.proxy.types cimport Retry
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport HT_RQ_FAILED_PATH_NORMALIZATION, HT_RQ_REDIRECTED_WITH_NORMALIZED_PATH

cdef extern from "<time.h>" nogil:
    struct tm:
        int tm_sec, tm_min, tm_hour, tm_mday, tm_mon, tm_year, tm_wday
    tm *gmtime_r(const time_t *seconds, tm *out)

cdef const char *HEX = b"0123456789abcdef"


cdef uint32_t decimal_text(uint64_t value, char *out) noexcept nogil:
    cdef char digits[24]
    cdef uint32_t n = 0
    cdef uint32_t i
    while True:
        digits[n] = c'0' + <char>(value % 10)
        n += 1
        value //= 10
        if value == 0:
            break
    for i in range(n):
        out[i] = digits[n - 1 - i]
    return n


cdef void set_number(Head *head, int id, uint64_t value) noexcept nogil:
    cdef char *text = <char *>arena_alloc(head.arena, 24)
    if text != NULL:
        head_set_known(head, id, text, decimal_text(value, text))


cdef int64_t number_of(const Head *head, int id) noexcept nogil:
    # A header's decimal value, or -1.
    cdef Header *header = head_get(head, id) if head_has(head, id) else NULL
    cdef int64_t value = 0
    cdef uint32_t i
    if header == NULL or header.value_len == 0 or header.value_len > 15:
        return -1
    for i in range(header.value_len):
        if header.value[i] < c'0' or header.value[i] > c'9':
            return -1
        value = value * 10 + (header.value[i] - c'0')
    return value


# -- steps of request_prepare

cdef int fix_path(Stream *stream, Slice *details, Slice *location) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Head *head = &stream.request
    cdef int verdict = 0
    cdef Slice path
    if head.method_id == M_CONNECT or not (manager.normalize_path or manager.merge_slashes or manager.escaped_slashes):
        return 0
    path = path_normalize(head.path, manager.normalize_path, manager.merge_slashes, manager.escaped_slashes,
                          &stream.arena, &verdict)
    if verdict == 1:
        count(stream.proxy.region, manager.stats + HT_RQ_FAILED_PATH_NORMALIZATION, 1)
        details[0] = slice_of("path_normalization_failed", 25)
        return 400
    if verdict == 2:
        count(stream.proxy.region, manager.stats + HT_RQ_REDIRECTED_WITH_NORMALIZED_PATH, 1)
        details[0] = slice_of("path_normalization_failed", 25)
        location[0] = path
        return 307
    head.path = path
    return 0


cdef void strip_dot(Slice *host, Arena *arena) noexcept nogil:
    # The dot at the end of the name, in front of a port too.
    cdef uint32_t end = host.n
    cdef char *out
    while end > 0 and c'0' <= host.p[end - 1] <= c'9':
        end -= 1
    if end < host.n and end > 0 and host.p[end - 1] == c':':
        end -= 1
    else:
        end = host.n
    if end == 0 or host.p[end - 1] != c'.':
        return
    out = <char *>arena_alloc(arena, host.n)
    if out != NULL:
        memcpy(out, host.p, end - 1)
        memcpy(out + end - 1, host.p + end, host.n - end)
        host[0] = slice_of(out, host.n - 1)


cdef void fix_authority(Stream *stream) noexcept nogil:
    # strip_matching_host_port, strip_any_host_port, strip_trailing_host_dot.
    cdef HttpManager *manager = stream.manager
    cdef Slice *host = &stream.request.authority
    cdef uint32_t i = host.n
    cdef uint32_t port = 0
    cdef uint32_t unit = 1
    if manager.strip_port and host.n:
        while i > 0 and c'0' <= host.p[i - 1] <= c'9':
            i -= 1
            port += <uint32_t>(host.p[i] - c'0') * unit
            unit *= 10
        if i > 0 and i < host.n and host.p[i - 1] == c':' and (
                manager.strip_port == 2 or port == stream.info.local.port):
            host.n = i - 1
    if manager.strip_trailing_dot:
        strip_dot(host, &stream.arena)


cdef void forwarded_headers(Stream *stream) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Head *head = &stream.request
    cdef Header *said
    cdef bint trusted = manager.use_remote_address and manager.xff_trusted_hops == 0
    if trusted or not head_has(head, H_X_FORWARDED_PROTO):
        head_set_known(head, H_X_FORWARDED_PROTO, "https" if stream.info.tls else "http", 5 if stream.info.tls else 4)
    if head.scheme.n == 0:
        said = head_get(head, H_X_FORWARDED_PROTO)
        head.scheme = slice_of("http", 4)
        if said != NULL and slice_is_lower(slice_of(said.value, said.value_len), "https"):
            head.scheme = slice_of("https", 5)
    if manager.append_x_forwarded_port and (trusted or not head_has(head, H_X_FORWARDED_PORT)):
        set_number(head, H_X_FORWARDED_PORT, stream.info.local.port)


cdef void put_hex(char *out, uint64_t value, int digits) noexcept nogil:
    cdef int i
    for i in range(digits):
        out[digits - 1 - i] = HEX[value & 15]
        value >>= 4


cdef void request_id(Stream *stream) noexcept nogil:
    # A random UUID (RFC 9562 version 4).
    cdef HttpManager *manager = stream.manager
    cdef Head *head = &stream.request
    cdef Header *header = head_get(head, H_X_REQUEST_ID) if head_has(head, H_X_REQUEST_ID) else NULL
    cdef uint64_t high, low
    cdef char *text
    if header != NULL and header.value_len and (not manager.use_remote_address or manager.preserve_external_request_id):
        stream.info.request_id = slice_of(header.value, header.value_len)
        return
    text = <char *>arena_alloc(&stream.arena, 36) if manager.generate_request_id else NULL
    if text == NULL:
        return
    high = random_next(stream.engine.random)
    low = random_next(stream.engine.random)
    put_hex(text, high >> 32, 8)
    text[8] = c'-'
    put_hex(text + 9, high >> 16, 4)
    text[13] = c'-'
    put_hex(text + 14, 0x4000 | (high & 0xFFF), 4)
    text[18] = c'-'
    put_hex(text + 19, 0x8000 | ((low >> 48) & 0x3FFF), 4)
    text[23] = c'-'
    put_hex(text + 24, low, 12)
    head_set_known(head, H_X_REQUEST_ID, text, 36)
    stream.info.request_id = slice_of(text, 36)


cdef void append_via(Head *head, Slice via) noexcept nogil:
    cdef Header *header = head_get(head, H_VIA) if head_has(head, H_VIA) else NULL
    cdef char *value
    if header == NULL:
        head_add_known(head, H_VIA, via.p, via.n)
        return
    value = <char *>arena_alloc(head.arena, header.value_len + 2 + via.n)
    if value == NULL:
        return
    memcpy(value, header.value, header.value_len)
    memcpy(value + header.value_len, ", ", 2)
    memcpy(value + header.value_len + 2, via.p, via.n)
    head_set_known(head, H_VIA, value, header.value_len + 2 + via.n)


cdef int request_prepare(Stream *stream, Slice *details, Slice *location) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Head *head = &stream.request
    cdef int status
    if head.authority.n == 0:
        if manager.default_host.n == 0 or not head.flags & HF_HTTP10:
            details[0] = slice_of("missing_host_header", 19)
            return 400
        head.authority = manager.default_host
    status = clean_fields(stream, details)
    if status:
        return status
    status = fix_path(stream, details, location)
    if status:
        return status
    if manager.strip_port or manager.strip_trailing_dot:
        fix_authority(stream)
    client_address(stream)
    clean_untrusted(stream)
    forwarded_headers(stream)
    if head_has(head, H_FORWARDED_CLIENT_CERT) or stream.info.client_tls != NULL:
        request_client_cert(stream)
    request_id(stream)
    if manager.add_user_agent and not head_has(head, H_USER_AGENT):
        head_add_known(head, H_USER_AGENT, manager.server_name.p, manager.server_name.n)
    if manager.via.n:
        append_via(head, manager.via)
    return 0


# -- router

cdef void request_router_headers(Stream *stream) noexcept nogil:
    cdef Head *head = &stream.request
    cdef Retry *retry = stream.route.retry
    cdef int64_t said = number_of(head, H_ENVOY_UPSTREAM_RQ_TIMEOUT_MS)
    cdef int64_t expected
    # A route's max_stream_duration stands in for its timeout.
    stream.timeout_ms = <uint32_t>stream.route.timeout_ms if stream.route.max_stream_duration_ms < 0 else 0
    if said >= 0:
        stream.timeout_ms = <uint32_t>said
    stream.try_timeout_ms = retry.per_try_timeout_ms if retry != NULL else 0
    said = number_of(head, H_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS)
    if said >= 0:
        stream.try_timeout_ms = <uint32_t>said
    if stream.timeout_ms and stream.try_timeout_ms >= stream.timeout_ms:
        stream.try_timeout_ms = 0
    read_retry_policy(stream, head, retry)
    remove_router_headers(head)
    expected = stream.try_timeout_ms if stream.try_timeout_ms else stream.timeout_ms
    if expected and not stream.manager.suppress_envoy_headers:
        set_number(head, H_ENVOY_EXPECTED_RQ_TIMEOUT_MS, expected)


cdef void read_retry_policy(Stream *stream, const Head *head, Retry *retry) noexcept nogil:
    cdef Header *header
    cdef int64_t said
    stream.retry_on = retry.on if retry != NULL else 0
    if head_has(head, H_ENVOY_RETRY_ON):
        header = head_get(head, H_ENVOY_RETRY_ON)
        if header != NULL:
            stream.retry_on |= retry_bits(slice_of(header.value, header.value_len), False)
    if head_has(head, H_ENVOY_RETRY_GRPC_ON):
        header = head_get(head, H_ENVOY_RETRY_GRPC_ON)
        if header != NULL:
            stream.retry_on |= retry_bits(slice_of(header.value, header.value_len), True)
    stream.retries_left = retry.num_retries if retry != NULL else 1
    said = number_of(head, H_ENVOY_MAX_RETRIES)
    if said >= 0:
        stream.retries_left = <uint32_t>said
    if retry != NULL and not retry_request_allowed(retry, head):
        stream.retry_on = 0
    if stream.retry_on == 0:
        stream.retries_left = 0


cdef void request_time_left(Stream *stream) noexcept nogil:
    # What an upstream of a later attempt may take of the whole.
    cdef uint64_t left = stream.timeout_ms
    cdef uint64_t spent
    if stream.timeout_ms == 0 or not stream.flags & S_REQUEST_ENDED or stream.manager.suppress_envoy_headers:
        return
    spent = (stream.engine.now_us - stream.info.request_end_us) // 1000
    left = left - spent if spent < left else 1
    if stream.try_timeout_ms and stream.try_timeout_ms < left:
        left = stream.try_timeout_ms
    set_number(&stream.request, H_ENVOY_EXPECTED_RQ_TIMEOUT_MS, left)


cdef void request_attempt_count(Stream *stream) noexcept nogil:
    if stream.route.include_attempt_count:
        set_number(&stream.request, H_ENVOY_ATTEMPT_COUNT, stream.info.attempts)


# -- responses

cdef const char *DAYS = b"SunMonTueWedThuFriSat"
cdef const char *MONTHS = b"JanFebMarAprMayJunJulAugSepOctNovDec"


cdef inline void two_digits(char *out, int value) noexcept nogil:
    out[0] = c'0' + <char>(value // 10)
    out[1] = c'0' + <char>(value % 10)


cdef void refresh_date(Proxy *proxy, uint64_t second) noexcept nogil:
    # IMF-fixdate (RFC 9110 section 5.6.7): "Sun, 06 Nov 1994 08:49:37 GMT".
    cdef tm at
    cdef time_t now = <time_t>second
    cdef char *out = proxy.date
    gmtime_r(&now, &at)
    memcpy(out, "Sun, 06 Nov 1994 08:49:37 GMT", 29)
    memcpy(out, DAYS + 3 * at.tm_wday, 3)
    two_digits(out + 5, at.tm_mday)
    memcpy(out + 8, MONTHS + 3 * at.tm_mon, 3)
    two_digits(out + 12, (at.tm_year + 1900) // 100)
    two_digits(out + 14, (at.tm_year + 1900) % 100)
    two_digits(out + 17, at.tm_hour)
    two_digits(out + 20, at.tm_min)
    two_digits(out + 23, at.tm_sec)
    proxy.date_second = second


cdef void response_prepare(Stream *stream, bint from_upstream) noexcept nogil:
    cdef HttpManager *manager = stream.manager
    cdef Head *head = &stream.response
    cdef uint64_t second = (stream.engine.now_us + <uint64_t>stream.engine.wall_offset_us) // 1000000
    if from_upstream:
        h1_strip_hop_by_hop(head)
        if stream.flags & S_REQUEST_ENDED and not manager.suppress_envoy_headers:
            set_number(head, H_ENVOY_UPSTREAM_SERVICE_TIME,
                       (stream.engine.now_us - stream.info.request_end_us) // 1000)
    if not head_has(head, H_DATE):
        if second != stream.proxy.date_second:
            refresh_date(stream.proxy, second)
        head_add_known(head, H_DATE, arena_copy(&stream.arena, stream.proxy.date, 29), 29)
    if manager.server_header == 0 or (manager.server_header == 1 and not head_has(head, H_SERVER)):
        head_set_known(head, H_SERVER, manager.server_name.p, manager.server_name.n)
    if manager.request_id_in_response and stream.info.request_id.n:
        head_set_known(head, H_X_REQUEST_ID, stream.info.request_id.p, stream.info.request_id.n)
    if manager.via.n:
        append_via(head, manager.via)
    if stream.route != NULL and stream.route.include_attempt_count_response:
        set_number(head, H_ENVOY_ATTEMPT_COUNT, stream.info.attempts)
