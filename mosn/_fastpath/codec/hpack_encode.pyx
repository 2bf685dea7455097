"""Writing header blocks (see hpack_encode.pxd).

What repeats goes into the table, what is other each time does not, and secrets never: a field that is not known to be
one of these gets an entry when it comes the second time.  Hashes lead to entries directly; two that share a slot cost
compression, not correctness.
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.codec.hpack_decode cimport HPACK_DEFAULT_TABLE
from mosn._fastpath.codec.hpack_huffman cimport hpack_huffman_put, hpack_huffman_size
from mosn._fastpath.codec.hpack_static cimport STATIC_ENTRIES, hpack_static_name, hpack_static_value
from mosn._fastpath.codec.hpack_table cimport (
    ENTRY_OVERHEAD, HpackEntry, hpack_table_add, hpack_table_count, hpack_table_entry, hpack_table_free,
    hpack_table_name, hpack_table_resize,
)
from mosn._fastpath.head cimport (
    H_COOKIE, H_ENVOY_EXPECTED_RQ_TIMEOUT_MS, H_ENVOY_UPSTREAM_SERVICE_TIME, H_GRPC_TIMEOUT, H_TRACEPARENT,
    H_X_REQUEST_ID, header_id,
)
from mosn._fastpath.memory cimport buf_reserve

cdef enum:
    SHORT_COOKIE = 20           # bytes: could be guessed
    LAST_WITH_VALUE = 16        # behind it the static table has names only


cdef enum Policy:
    INDEX_REPEATED = 0          # an entry when it comes the second time
    INDEX_AT_ONCE
    INDEX_NOT                   # other each time
    INDEX_NEVER                 # a secret: nobody on the way may index it either


cdef uint8_t STATIC_POLICY[STATIC_ENTRIES + 1]


def _set_policies() -> None:
    at_once = (b":authority", b":method", b":scheme", b":status", b"content-type", b"user-agent", b"server", b"via",
               b"accept", b"accept-encoding", b"accept-language", b"cache-control", b"vary", b"host")
    never = (b"authorization", b"proxy-authorization")
    not_at_all = (b"age", b"content-length", b"content-range", b"etag", b"if-modified-since", b"if-none-match",
                  b"last-modified", b"location", b"range", b"retry-after", b"set-cookie")
    for policy, names in ((INDEX_AT_ONCE, at_once), (INDEX_NEVER, never), (INDEX_NOT, not_at_all)):
        for name in names:
            STATIC_POLICY[hpack_static_name(name, len(name), header_id(name, len(name)))] = policy


_set_policies()


cdef inline uint32_t _mix(const char *p, size_t n, uint64_t seed) noexcept nogil:
    cdef uint64_t word = 0
    cdef uint64_t mixed = seed ^ (n * <uint64_t>0x9E3779B97F4A7C15)
    while n >= 8:
        memcpy(&word, p, 8)
        mixed = (mixed ^ word) * <uint64_t>0xD6E8FEB86659FD93
        mixed ^= mixed >> 32
        p += 8
        n -= 8
    if n:
        word = 0
        memcpy(&word, p, n)
        mixed = (mixed ^ word) * <uint64_t>0xD6E8FEB86659FD93
        mixed ^= mixed >> 32
    return <uint32_t>(mixed ^ (mixed >> 29))


cdef inline char *_put_integer(char *out, uint8_t first, uint32_t prefix, uint32_t value) noexcept nogil:
    if value < prefix:
        out[0] = <char>(first | value)
        return out + 1
    out[0] = <char>(first | prefix)
    out += 1
    value -= prefix
    while value >= 128:
        out[0] = <char>(128 | (value & 127))
        out += 1
        value >>= 7
    out[0] = <char>value
    return out + 1


cdef char *_put_string(char *out, Slice s) noexcept nogil:
    cdef size_t coded = hpack_huffman_size(s.p, s.n)
    if coded < s.n:
        return hpack_huffman_put(_put_integer(out, 128, 127, <uint32_t>coded), s.p, s.n)
    out = _put_integer(out, 0, 127, s.n)
    if s.n:
        memcpy(out, s.p, s.n)
    return out + s.n


cdef const HpackEntry *_find(const HpackEncoder *encoder, uint32_t known, Slice name, Slice value,
                             bint with_value) noexcept nogil:
    # The entry that a slot remembers, if it is still there and is what it should be.
    cdef const HpackEntry *entry
    cdef const char *at
    if known == 0 or encoder.table.next - known >= hpack_table_count(&encoder.table):
        return NULL
    entry = hpack_table_entry(&encoder.table, encoder.table.next - known)
    at = hpack_table_name(&encoder.table, entry)
    if entry.name_len != name.n or (name.n and memcmp(at, name.p, name.n) != 0):
        return NULL
    if with_value and (entry.value_len != value.n or (value.n and memcmp(at + name.n, value.p, value.n) != 0)):
        return NULL
    return entry


cdef inline uint32_t _place(const HpackEncoder *encoder, uint32_t known) noexcept nogil:
    return STATIC_ENTRIES + 1 + encoder.table.next - known


cdef uint8_t _policy(HpackEncoder *encoder, uint32_t place, uint16_t id, Slice name, Slice value,
                     uint32_t hash, bint never) noexcept nogil:
    cdef uint8_t policy = STATIC_POLICY[place]
    cdef uint32_t slot = hash % HPACK_SLOTS
    if never or policy == INDEX_NEVER or (id == H_COOKIE and value.n < SHORT_COOKIE):
        return INDEX_NEVER
    if policy == INDEX_NOT or id in (H_X_REQUEST_ID, H_TRACEPARENT, H_GRPC_TIMEOUT, H_ENVOY_UPSTREAM_SERVICE_TIME,
                                     H_ENVOY_EXPECTED_RQ_TIMEOUT_MS):
        return INDEX_NOT
    if (name.n + value.n + ENTRY_OVERHEAD) * <uint64_t>2 > encoder.table.max_size:
        return INDEX_NOT
    if policy == INDEX_AT_ONCE or encoder.seen[slot] == hash:
        return INDEX_AT_ONCE
    encoder.seen[slot] = hash
    return INDEX_NOT


cdef int hpack_put(HpackEncoder *encoder, BlockPool *pool, Buf *out, Slice name, Slice value, uint16_t id,
                   bint never_index) noexcept nogil:
    cdef uint32_t place = hpack_static_name(name.p, name.n, id)
    cdef uint32_t exact = hpack_static_value(place, value.p, value.n) if place and place <= LAST_WITH_VALUE else 0
    cdef uint32_t name_hash, hash
    cdef uint8_t policy
    cdef char *at
    if buf_reserve(pool, out, <size_t>name.n + value.n + 24) < 0:
        return -1
    at = out.data + out.end
    if exact:
        out.end = <uint32_t>(_put_integer(at, 128, 127, exact) - out.data)
        return 0
    name_hash = _mix(name.p, name.n, 1)
    hash = _mix(value.p, value.n, name_hash)
    if not never_index and _find(encoder, encoder.by_field[hash % HPACK_SLOTS], name, value, True) != NULL:
        at = _put_integer(at, 128, 127, _place(encoder, encoder.by_field[hash % HPACK_SLOTS]))
        out.end = <uint32_t>(at - out.data)
        return 0
    policy = _policy(encoder, place, id, name, value, hash, never_index)
    if place == 0 and _find(encoder, encoder.by_name[name_hash % HPACK_SLOTS], name, value, False) != NULL:
        place = _place(encoder, encoder.by_name[name_hash % HPACK_SLOTS])
    if policy == INDEX_AT_ONCE:
        at = _put_integer(at, 64, 63, place)
    else:
        at = _put_integer(at, 16 if policy == INDEX_NEVER else 0, 15, place)
    if place == 0:
        at = _put_string(at, name)
    at = _put_string(at, value)
    out.end = <uint32_t>(at - out.data)
    if policy == INDEX_AT_ONCE:
        return _remember(encoder, pool, name, value, id, name_hash, hash)
    return 0


cdef int _remember(HpackEncoder *encoder, BlockPool *pool, Slice name, Slice value, uint16_t id, uint32_t name_hash,
                   uint32_t hash) noexcept nogil:
    if hpack_table_add(&encoder.table, pool, name.p, name.n, value.p, value.n, id) < 0:
        return -1
    encoder.by_field[hash % HPACK_SLOTS] = encoder.table.next
    encoder.by_name[name_hash % HPACK_SLOTS] = encoder.table.next
    return 0


cdef int hpack_remember(HpackEncoder *encoder, BlockPool *pool, Slice name, Slice value) noexcept nogil:
    cdef uint32_t name_hash = _mix(name.p, name.n, 1)
    return _remember(encoder, pool, name, value, header_id(name.p, name.n), name_hash,
                     _mix(value.p, value.n, name_hash))


cdef int hpack_begin(HpackEncoder *encoder, BlockPool *pool, Buf *out) noexcept nogil:
    # RFC 7541 4.2: the smallest size in between has to be said, too.
    cdef char *at
    if not encoder.update_due:
        return 0
    if buf_reserve(pool, out, 16) < 0:
        return -1
    at = out.data + out.end
    if encoder.lowest < encoder.table.max_size:
        at = _put_integer(at, 32, 31, encoder.lowest)
    at = _put_integer(at, 32, 31, encoder.table.max_size)
    out.end = <uint32_t>(at - out.data)
    encoder.update_due = False
    return 0


cdef void hpack_encoder_init(HpackEncoder *encoder) noexcept nogil:
    memset(encoder, 0, sizeof(HpackEncoder))
    encoder.table.max_size = HPACK_DEFAULT_TABLE


cdef void hpack_encoder_free(HpackEncoder *encoder, BlockPool *pool) noexcept nogil:
    hpack_table_free(&encoder.table, pool)


cdef void hpack_encoder_allow(HpackEncoder *encoder, BlockPool *pool, uint32_t table_size,
                              uint32_t most) noexcept nogil:
    cdef uint32_t size = min(table_size, most)
    if size == encoder.table.max_size and not encoder.update_due:
        return
    if not encoder.update_due or size < encoder.lowest:
        encoder.lowest = size
    encoder.update_due = True
    hpack_table_resize(&encoder.table, pool, size)
