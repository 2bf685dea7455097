"""Fields of a request as Envoy's codec and connection manager clean them (see request_fields.pxd).

Envoy: ConnectionManagerUtility::cleanInternalHeaders, Http1::sanitizeConnectionHeader, the inline headers of HeaderMap.
"""

from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, strlen

from mosn._fastpath.codec.http1 cimport h1_strip_hop_by_hop
from mosn._fastpath.head cimport (
    H_ACCEPT,
    H_AUTHORIZATION,
    H_CACHE_CONTROL,
    H_CONTENT_TYPE,
    H_ENVOY_DECORATOR_OPERATION,
    H_ENVOY_DOWNSTREAM_SERVICE_CLUSTER,
    H_ENVOY_DOWNSTREAM_SERVICE_NODE,
    H_ENVOY_EXPECTED_RQ_TIMEOUT_MS,
    H_ENVOY_EXTERNAL_ADDRESS,
    H_ENVOY_HEDGE_ON_PER_TRY_TIMEOUT,
    H_ENVOY_INTERNAL,
    H_ENVOY_IP_TAGS,
    H_ENVOY_MAX_RETRIES,
    H_ENVOY_ORIGINAL_HOST,
    H_ENVOY_ORIGINAL_PATH,
    H_ENVOY_RETRIABLE_HEADER_NAMES,
    H_ENVOY_RETRIABLE_STATUS_CODES,
    H_ENVOY_RETRY_GRPC_ON,
    H_ENVOY_RETRY_ON,
    H_ENVOY_UPSTREAM_ALT_STAT_NAME,
    H_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS,
    H_ENVOY_UPSTREAM_RQ_TIMEOUT_ALT_RESPONSE,
    H_ENVOY_UPSTREAM_RQ_TIMEOUT_MS,
    H_EXPECT,
    H_FORWARDED_CLIENT_CERT,
    H_GRPC_TIMEOUT,
    H_ORIGIN,
    H_REFERER,
    H_TE,
    H_UNKNOWN,
    H_USER_AGENT,
    H_VIA,
    H_X_FORWARDED_FOR,
    H_X_FORWARDED_HOST,
    H_X_FORWARDED_PORT,
    H_X_FORWARDED_PROTO,
    H_X_REQUEST_ID,
    HF_EXPECT_CONTINUE,
    M_OTHER,
    Head,
    Header,
    head_get,
    head_has,
    head_remove,
    head_set_known,
)
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_of
from mosn._fastpath.proxy.info cimport address_text
from mosn._fastpath.proxy.runtime cimport HttpManager, Stream
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport HT_RQ_DROPPED_UNDERSCORES, HT_RQ_REJECT_UNDERSCORES

# What a request from outside may not say (Envoy ConnectionManagerUtility::cleanInternalHeaders).
cdef int[13] INTERNAL_HEADERS = [
    H_ENVOY_RETRIABLE_STATUS_CODES, H_ENVOY_RETRIABLE_HEADER_NAMES, H_ENVOY_RETRY_ON, H_ENVOY_RETRY_GRPC_ON,
    H_ENVOY_MAX_RETRIES, H_ENVOY_UPSTREAM_ALT_STAT_NAME, H_ENVOY_UPSTREAM_RQ_TIMEOUT_MS,
    H_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS, H_ENVOY_UPSTREAM_RQ_TIMEOUT_ALT_RESPONSE,
    H_ENVOY_EXPECTED_RQ_TIMEOUT_MS, H_ENVOY_IP_TAGS, H_ENVOY_HEDGE_ON_PER_TRY_TIMEOUT, H_ENVOY_INTERNAL,
]
cdef int[5] EDGE_HEADERS = [
    H_ENVOY_DECORATOR_OPERATION, H_ENVOY_DOWNSTREAM_SERVICE_CLUSTER, H_ENVOY_DOWNSTREAM_SERVICE_NODE,
    H_ENVOY_ORIGINAL_PATH, H_ENVOY_ORIGINAL_HOST,
]
# Known fields of which Envoy makes one, with commas, when they are repeated (its inline headers).
cdef int[24] JOINED_HEADERS = [
    H_X_FORWARDED_FOR, H_X_FORWARDED_PROTO, H_X_FORWARDED_HOST, H_X_FORWARDED_PORT, H_X_REQUEST_ID, H_USER_AGENT,
    H_ACCEPT, H_ORIGIN, H_REFERER, H_AUTHORIZATION, H_CACHE_CONTROL, H_CONTENT_TYPE, H_VIA, H_TE, H_EXPECT,
    H_FORWARDED_CLIENT_CERT, H_GRPC_TIMEOUT, H_ENVOY_RETRY_ON, H_ENVOY_RETRY_GRPC_ON, H_ENVOY_MAX_RETRIES,
    H_ENVOY_UPSTREAM_RQ_TIMEOUT_MS, H_ENVOY_UPSTREAM_RQ_PER_TRY_TIMEOUT_MS, H_ENVOY_EXTERNAL_ADDRESS,
    H_ENVOY_DOWNSTREAM_SERVICE_CLUSTER,
]
cdef uint64_t[2] joined = [0, 0]
for _id in JOINED_HEADERS:
    joined[_id >> 6] |= <uint64_t>1 << (_id & 63)


cdef int check_underscores(Stream *stream) noexcept nogil:
    cdef Head *head = &stream.request
    cdef Header *header
    cdef uint32_t i
    for i in range(head.count):
        header = &head.items[i]
        if header.id != H_UNKNOWN or header.removed or memchr(header.name, c'_', header.name_len) == NULL:
            continue
        if stream.manager.underscores == 1:
            count(stream.proxy.region, stream.manager.stats + HT_RQ_REJECT_UNDERSCORES, 1)
            return 400
        count(stream.proxy.region, stream.manager.stats + HT_RQ_DROPPED_UNDERSCORES, 1)
        header.removed = 1
    return 0


cdef void join(Head *head, uint32_t at) noexcept nogil:
    # The value goes behind the first field of this name.
    cdef Header *item = &head.items[at]
    cdef Header *first = head_get(head, item.id)
    cdef char *value = <char *>arena_alloc(head.arena, first.value_len + 1 + item.value_len)
    if value == NULL:
        return
    memcpy(value, first.value, first.value_len)
    value[first.value_len] = c','
    memcpy(value + first.value_len + 1, item.value, item.value_len)
    first.value = value
    first.value_len += 1 + item.value_len
    item.removed = 1


cdef void join_repeated(Head *head) noexcept nogil:
    # What reads or appends to such a field further on sees one value with everything that the client said.
    cdef uint64_t[2] found
    cdef uint64_t bit
    cdef uint32_t i
    cdef uint16_t id
    found[0] = found[1] = 0
    for i in range(head.count):
        id = head.items[i].id
        bit = <uint64_t>1 << (id & 63)
        if head.items[i].removed or not joined[id >> 6] & bit:
            continue
        if found[id >> 6] & bit:
            join(head, i)
        found[id >> 6] |= bit


cdef int clean_fields(Stream *stream, Slice *details) noexcept nogil:
    # What the codec of Envoy does to fields; its refusals end the connection, which the negative status says.
    cdef HttpManager *manager = stream.manager
    cdef Head *head = &stream.request
    if head.method_id == M_OTHER and not known_method(head.method):
        details[0] = slice_of("http1.codec_error", 17)
        return -400
    if manager.underscores and check_underscores(stream):
        details[0] = slice_of("http1.unexpected_underscore", 27)
        return -400
    if h1_strip_hop_by_hop(head) < 0:
        details[0] = slice_of("http1.connection_header_rejected", 32)
        return -400
    if head.flags & HF_EXPECT_CONTINUE and not manager.proxy_100_continue:
        head_remove(head, H_EXPECT)
    join_repeated(head)
    return 0


# The methods of RFC 9110, and those that Envoy knows besides (it refuses others).
METHODS = (
    b"ACL", b"BIND", b"CHECKOUT", b"COPY", b"LINK", b"LOCK", b"MERGE", b"MKACTIVITY", b"MKCALENDAR", b"MKCOL", b"MOVE",
    b"MSEARCH", b"NOTIFY", b"PROPFIND", b"PROPPATCH", b"PURGE", b"REBIND", b"REPORT", b"SEARCH", b"SOURCE",
    b"SUBSCRIBE", b"UNBIND", b"UNLINK", b"UNLOCK", b"UNSUBSCRIBE",
)
cdef char[25][12] methods
for _at, _method in enumerate(METHODS):
    memcpy(methods[_at], <const char *>_method, len(_method) + 1)


cdef bint known_method(Slice method) noexcept nogil:
    cdef int i
    for i in range(25):
        if strlen(methods[i]) == method.n and memcmp(methods[i], method.p, method.n) == 0:
            return True
    return False


cdef void remove_unnamed(Head *head) noexcept nogil:
    # Internal headers without an id of their own.
    cdef Header *header
    cdef uint32_t i
    for i in range(head.count):
        header = &head.items[i]
        if header.id == H_UNKNOWN and header.name_len >= 18 and memcmp(header.name, "x-envoy-", 8) == 0:
            if slice_is(header, "x-envoy-force-trace") or slice_is(header, "x-envoy-original-url") or slice_is(
                    header, "x-envoy-upstream-stream-duration-ms"):
                header.removed = 1


cdef inline bint slice_is(const Header *header, const char *name) noexcept nogil:
    return strlen(name) == header.name_len and memcmp(header.name, name, header.name_len) == 0


cdef void clean_untrusted(Stream *stream) noexcept nogil:
    cdef Head *head = &stream.request
    cdef char *text
    cdef uint32_t n
    cdef int i
    for i in range(13):
        if head_has(head, INTERNAL_HEADERS[i]):
            head_remove(head, INTERNAL_HEADERS[i])
    remove_unnamed(head)
    if not stream.manager.use_remote_address:
        return
    for i in range(5):
        if head_has(head, EDGE_HEADERS[i]):
            head_remove(head, EDGE_HEADERS[i])
    text = <char *>arena_alloc(&stream.arena, 64)
    if text != NULL and stream.info.remote.family and stream.info.remote.unix_path == NULL:
        n = address_text(&stream.info.remote, False, text, 64)
        if text[0] == c'[':
            text += 1
            n -= 2
        head_set_known(head, H_ENVOY_EXTERNAL_ADDRESS, text, n)


cdef void remove_router_headers(Head *head) noexcept nogil:
    cdef int i
    for i in range(13):
        if INTERNAL_HEADERS[i] != H_ENVOY_INTERNAL and head_has(head, INTERNAL_HEADERS[i]):
            head_remove(head, INTERNAL_HEADERS[i])
