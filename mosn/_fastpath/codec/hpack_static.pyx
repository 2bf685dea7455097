"""The static table (see hpack_static.pxd)."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp

from mosn._fastpath.head cimport H_COUNT, H_UNKNOWN, header_id
from mosn._fastpath.memory cimport slice_of

# RFC 7541 appendix A, in its order.
ENTRIES = (
    (b":authority", b""), (b":method", b"GET"), (b":method", b"POST"), (b":path", b"/"), (b":path", b"/index.html"),
    (b":scheme", b"http"), (b":scheme", b"https"), (b":status", b"200"), (b":status", b"204"), (b":status", b"206"),
    (b":status", b"304"), (b":status", b"400"), (b":status", b"404"), (b":status", b"500"), (b"accept-charset", b""),
    (b"accept-encoding", b"gzip, deflate"), (b"accept-language", b""), (b"accept-ranges", b""), (b"accept", b""),
    (b"access-control-allow-origin", b""), (b"age", b""), (b"allow", b""), (b"authorization", b""),
    (b"cache-control", b""), (b"content-disposition", b""), (b"content-encoding", b""), (b"content-language", b""),
    (b"content-length", b""), (b"content-location", b""), (b"content-range", b""), (b"content-type", b""),
    (b"cookie", b""), (b"date", b""), (b"etag", b""), (b"expect", b""), (b"expires", b""), (b"from", b""),
    (b"host", b""), (b"if-match", b""), (b"if-modified-since", b""), (b"if-none-match", b""), (b"if-range", b""),
    (b"if-unmodified-since", b""), (b"last-modified", b""), (b"link", b""), (b"location", b""),
    (b"max-forwards", b""), (b"proxy-authenticate", b""), (b"proxy-authorization", b""), (b"range", b""),
    (b"referer", b""), (b"refresh", b""), (b"retry-after", b""), (b"server", b""), (b"set-cookie", b""),
    (b"strict-transport-security", b""), (b"transfer-encoding", b""), (b"user-agent", b""), (b"vary", b""),
    (b"via", b""), (b"www-authenticate", b""),
)

cdef enum:
    SLOTS = 256             # sparse, so that a miss is usually seen at once

cdef StaticEntry table[STATIC_ENTRIES + 1]
cdef uint8_t slots[SLOTS]           # of names: the first place
cdef uint8_t place_of[H_COUNT]


cdef inline uint32_t _slot(const char *p, size_t n) noexcept nogil:
    cdef uint32_t key = <uint32_t>n * 97 + <uint8_t>p[1] * 31 + <uint8_t>p[n >> 1] * 7 + <uint8_t>p[n - 1]
    return key & (SLOTS - 1)


cdef inline bint _named(uint32_t place, const char *name, size_t n) noexcept nogil:
    return table[place].name.n == n and memcmp(table[place].name.p, name, n) == 0


def _place_name(place: int) -> None:
    cdef const StaticEntry *entry = &table[place]
    cdef uint32_t slot = _slot(entry.name.p, entry.name.n)
    while slots[slot]:
        if _named(slots[slot], entry.name.p, entry.name.n):
            return
        slot = (slot + 1) & (SLOTS - 1)
    slots[slot] = <uint8_t>place
    if entry.id != H_UNKNOWN:
        place_of[entry.id] = <uint8_t>place


def _build() -> None:
    cdef const char *text
    if len(ENTRIES) != STATIC_ENTRIES:
        raise ImportError("the static table has not its size")
    for place, (name, value) in enumerate(ENTRIES, 1):
        text = name
        table[place].name = slice_of(text, len(name))
        text = value
        table[place].value = slice_of(text, len(value))
        table[place].id = header_id(table[place].name.p, len(name))
        _place_name(place)


_build()


cdef const StaticEntry *hpack_static(uint32_t place) noexcept nogil:
    return &table[place]


cdef uint32_t hpack_static_name(const char *name, size_t n, uint16_t id) noexcept nogil:
    cdef uint32_t slot
    if id != H_UNKNOWN:
        return place_of[id]
    if n < 3:
        return 0
    slot = _slot(name, n)
    while slots[slot]:
        if _named(slots[slot], name, n):
            return slots[slot]
        slot = (slot + 1) & (SLOTS - 1)
    return 0


cdef uint32_t hpack_static_value(uint32_t place, const char *value, size_t n) noexcept nogil:
    cdef const char *name = table[place].name.p
    cdef uint32_t name_len = table[place].name.n
    while place <= STATIC_ENTRIES and _named(place, name, name_len):
        if n and table[place].value.n == n and memcmp(table[place].value.p, value, n) == 0:
            return place
        place += 1
    return 0
