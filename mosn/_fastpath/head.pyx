"""The request model: known header names and the operations on a head (ownership rules: head.pxd)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_of

# In the order of HeaderId.
HEADER_NAMES = (
    "", "host", "content-length", "transfer-encoding", "connection", "keep-alive", "proxy-connection", "te",
    "trailer", "upgrade", "expect", "http2-settings",
    "date", "server", "via", "content-type", "location", "cookie", "set-cookie", "user-agent", "retry-after",
    "accept", "origin", "referer", "authorization", "cache-control",
    "x-forwarded-for", "x-forwarded-proto", "x-forwarded-host", "x-forwarded-port", "x-request-id",
    "x-forwarded-client-cert", "traceparent",
    "grpc-status", "grpc-message", "grpc-timeout",
    "x-envoy-upstream-rq-timeout-ms", "x-envoy-upstream-rq-per-try-timeout-ms", "x-envoy-expected-rq-timeout-ms",
    "x-envoy-max-retries", "x-envoy-retry-on", "x-envoy-retry-grpc-on", "x-envoy-retriable-status-codes",
    "x-envoy-retriable-header-names", "x-envoy-hedge-on-per-try-timeout", "x-envoy-is-timeout-retry",
    "x-envoy-attempt-count", "x-envoy-internal", "x-envoy-external-address", "x-envoy-original-path",
    "x-envoy-original-host", "x-envoy-upstream-service-time", "x-envoy-overloaded", "x-envoy-ratelimited",
    "x-envoy-immediate-health-check-fail", "x-envoy-degraded", "x-envoy-downstream-service-cluster",
    "x-envoy-downstream-service-node", "x-envoy-ip-tags", "x-envoy-upstream-alt-stat-name",
    "x-envoy-upstream-rq-timeout-alt-response", "x-envoy-decorator-operation", "x-envoy-original-dst-host",
)

cdef enum:
    NAME_BYTES = 48
    SLOTS = 1024
    SHIFT = 22              # 32 - log2(SLOTS)
    FIRST_CAPACITY = 16

cdef char name_text[H_COUNT][NAME_BYTES]
cdef uint8_t name_size[H_COUNT]
cdef uint16_t slots[SLOTS]       # id, and length << 8
cdef uint32_t multiplier


cdef inline uint32_t _slot(const char *p, size_t n, uint32_t by) noexcept nogil:
    # Length and the bytes at 1/2, 3/4 and the end tell all known names apart; `by` spreads them without a collision.
    cdef const uint8_t *u = <const uint8_t *>p
    cdef uint32_t key = (<uint32_t>n << 24) ^ (
        u[n >> 1] | (<uint32_t>u[(n * 3) >> 2] << 8) | (<uint32_t>u[n - 1] << 16))
    return (key * by) >> SHIFT


def _place_names(candidate: int) -> bool:
    # Fill the slots with this multiplier; False at the first collision.
    cdef uint32_t slot
    memset(slots, 0, sizeof(slots))
    for i in range(1, H_COUNT):
        slot = _slot(name_text[i], name_size[i], <uint32_t>candidate)
        if slots[slot]:
            return False
        slots[slot] = <uint16_t>(i | name_size[i] << 8)
    return True


def _build_table() -> None:
    global multiplier
    cdef const char *text
    if len(HEADER_NAMES) != H_COUNT:
        raise ImportError("HEADER_NAMES and HeaderId differ")
    for i, name in enumerate(HEADER_NAMES):
        encoded = name.encode()
        text = encoded
        memcpy(name_text[i], text, len(encoded))
        name_size[i] = <uint8_t>len(encoded)
    candidate = 0x9E3779B1
    for _ in range(100000):
        if _place_names(candidate):
            multiplier = <uint32_t>candidate
            return
        candidate = (candidate * 1664525 + 1013904223) & 0xFFFFFFFF | 1
    raise ImportError("two known header names cannot be told apart")


_build_table()


cdef inline uint64_t _load8(const char *p) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, p, 8)
    return word


cdef inline uint32_t _load4(const char *p) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, p, 4)
    return word


cdef inline bint _same(const char *a, const char *b, size_t n) noexcept nogil:
    # memcmp for short known lengths: whole words, the last one overlapping.
    cdef size_t i = 0
    if n >= 8:
        while i + 8 <= n:
            if _load8(a + i) != _load8(b + i):
                return False
            i += 8
        return _load8(a + n - 8) == _load8(b + n - 8)
    if n >= 4:
        return _load4(a) == _load4(b) and _load4(a + n - 4) == _load4(b + n - 4)
    while i < n:
        if a[i] != b[i]:
            return False
        i += 1
    return True


cdef uint16_t header_id(const char *name, size_t n) noexcept nogil:
    cdef uint16_t found
    if n == 0 or n >= NAME_BYTES:
        return H_UNKNOWN
    found = slots[_slot(name, n, multiplier)]
    if found >> 8 == n and _same(name, name_text[found & 255], n):
        return found & 255
    return H_UNKNOWN


cdef uint8_t method_id(const char *p, size_t n) noexcept nogil:
    if n == 3:
        if memcmp(p, b"GET", 3) == 0:
            return M_GET
        return M_PUT if memcmp(p, b"PUT", 3) == 0 else M_OTHER
    if n == 4:
        if memcmp(p, b"POST", 4) == 0:
            return M_POST
        return M_HEAD if memcmp(p, b"HEAD", 4) == 0 else M_OTHER
    if n == 5:
        if memcmp(p, b"PATCH", 5) == 0:
            return M_PATCH
        return M_TRACE if memcmp(p, b"TRACE", 5) == 0 else M_OTHER
    if n == 6:
        return M_DELETE if memcmp(p, b"DELETE", 6) == 0 else M_OTHER
    if n == 7:
        if memcmp(p, b"OPTIONS", 7) == 0:
            return M_OPTIONS
        return M_CONNECT if memcmp(p, b"CONNECT", 7) == 0 else M_OTHER
    return M_OTHER


cdef Slice header_name(uint16_t id) noexcept nogil:
    if id >= H_COUNT:
        id = H_UNKNOWN
    return slice_of(name_text[id], name_size[id])


# -- heads

cdef void head_init(Head *head, Arena *arena) noexcept nogil:
    memset(head, 0, sizeof(Head))
    head.arena = arena
    head.content_length = -1


cdef int _grow(Head *head) noexcept nogil:
    cdef uint32_t capacity = FIRST_CAPACITY if head.capacity == 0 else 2 * head.capacity
    cdef Header *items = <Header *>arena_alloc(head.arena, capacity * sizeof(Header))
    if items == NULL:
        return -1
    if head.count:
        memcpy(items, head.items, head.count * sizeof(Header))
    head.items = items
    head.capacity = capacity
    return 0


cdef Header *head_add(Head *head, uint16_t id, const char *name, size_t name_len,
                      const char *value, size_t value_len) noexcept nogil:
    cdef Header *item
    if head.count == head.capacity and _grow(head) < 0:
        return NULL
    item = &head.items[head.count]
    head.count += 1
    item.name = name
    item.value = value
    item.name_len = <uint32_t>name_len
    item.value_len = <uint32_t>value_len
    item.id = id
    item.removed = 0
    item.hash = 0
    head.seen[id >> 6] |= <uint64_t>1 << (id & 63)
    return item


cdef Header *head_add_known(Head *head, uint16_t id, const char *value, size_t value_len) noexcept nogil:
    return head_add(head, id, name_text[id], name_size[id], value, value_len)


cdef Header *head_set_known(Head *head, uint16_t id, const char *value, size_t value_len) noexcept nogil:
    cdef Header *first = head_get(head, id)
    cdef Header *item
    if first == NULL:
        return head_add_known(head, id, value, value_len)
    first.value = value
    first.value_len = <uint32_t>value_len
    item = first + 1
    while item < head.items + head.count:
        if item.id == id:
            item.removed = 1
        item += 1
    return first


cdef Header *head_get(const Head *head, uint16_t id) noexcept nogil:
    cdef uint32_t i
    if not head_has(head, id):
        return NULL
    for i in range(head.count):
        if head.items[i].id == id and not head.items[i].removed:
            return &head.items[i]
    return NULL


cdef inline bint _named(const Header *item, const char *name, size_t n) noexcept nogil:
    return item.name_len == n and not item.removed and memcmp(item.name, name, n) == 0


cdef Header *head_find(const Head *head, const char *name, size_t n) noexcept nogil:
    cdef uint32_t i
    cdef uint16_t id = header_id(name, n)
    if id != H_UNKNOWN:
        return head_get(head, id)
    for i in range(head.count):
        if head.items[i].id == H_UNKNOWN and _named(&head.items[i], name, n):
            return &head.items[i]
    return NULL


cdef uint32_t head_remove(Head *head, uint16_t id) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t removed = 0
    if not head_has(head, id):
        return 0
    for i in range(head.count):
        if head.items[i].id == id and not head.items[i].removed:
            head.items[i].removed = 1
            removed += 1
    return removed


cdef uint32_t head_remove_name(Head *head, const char *name, size_t n) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t removed = 0
    cdef uint16_t id = header_id(name, n)
    if id != H_UNKNOWN:
        return head_remove(head, id)
    for i in range(head.count):
        if head.items[i].id == H_UNKNOWN and _named(&head.items[i], name, n):
            head.items[i].removed = 1
            removed += 1
    return removed
