"""Blocks of tagged fields (see declared_tagged.pxd)."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t

from mosn._fastpath.codec.declared_types cimport (
    F_HEADERS, F_NUMBER, F_TAGGED, H_PROTOBUF, MOST_DEPTH, Declared, Field, Place,
)
from mosn._fastpath.codec.declared_number cimport fixed_at, jce_at, jce_width, varint_at
from mosn._fastpath.memory cimport Slice, slice_of

cdef enum:
    PB_VARINT = 0
    PB_64 = 1
    PB_BYTES = 2
    PB_32 = 5
    JCE_FLOAT = 4
    JCE_DOUBLE = 5
    JCE_STRING1 = 6
    JCE_STRING4 = 7
    JCE_MAP = 8
    JCE_LIST = 9
    JCE_STRUCT = 10
    JCE_STRUCT_END = 11
    JCE_ZERO = 12
    JCE_BYTES = 13
    MOST_NESTED = 32


# -- protobuf

cdef int protobuf_entry(const char *p, uint32_t n, uint32_t at, Entry *out) noexcept nogil:
    cdef uint64_t key = 0
    cdef uint64_t size = 0
    cdef int used = varint_at(p + at, n - at, &key)
    if used <= 0 or key >> 3 == 0 or key >> 3 > 0x1FFFFFFF:
        return -1
    out.at = at
    out.number = <uint32_t>(key >> 3)
    out.type = key & 7
    at += <uint32_t>used
    if out.type == PB_BYTES:
        used = varint_at(p + at, n - at, &size)
    elif out.type == PB_VARINT:
        used = varint_at(p + at, n - at, &key)
        size = <uint64_t>max(used, 0)
    else:
        size = 8 if out.type == PB_64 else 4
    if used <= 0 or out.type not in (PB_VARINT, PB_64, PB_BYTES, PB_32):
        return -1
    if out.type == PB_BYTES:
        at += <uint32_t>used
    if size > n - at:
        return -1
    out.content = at
    out.end = at + <uint32_t>size
    return 0


cdef int protobuf_pair(const char *p, uint32_t n, Slice *name, Slice *value) noexcept nogil:
    cdef Entry entry
    cdef uint32_t at = 0
    name[0] = slice_of(p, 0)
    value[0] = slice_of(p, 0)
    while at < n:
        if protobuf_entry(p, n, at, &entry) < 0:
            return -1
        if entry.number <= 2 and entry.type != PB_BYTES:
            return -1
        if entry.number == 1:
            name[0] = slice_of(p + entry.content, entry.end - entry.content)
        elif entry.number == 2:
            value[0] = slice_of(p + entry.content, entry.end - entry.content)
        at = entry.end
    return 0


# -- Tars

cdef int64_t jce_count(const char *p, uint32_t n, uint64_t *out) noexcept nogil:
    # A count: a whole number with its head; what it took, or -1.
    cdef int used = jce_at(p, n, out)
    return -1 if used <= 0 or out[0] > n else used


cdef int64_t jce_text(const char *p, uint32_t n, Slice *out) noexcept nogil:
    cdef uint32_t front, type, width
    cdef uint64_t size
    if n == 0:
        return -1
    front = 2 if <uint8_t>p[0] >> 4 == 15 else 1
    type = p[0] & 15
    if type != JCE_STRING1 and type != JCE_STRING4:
        return -1
    width = 1 if type == JCE_STRING1 else 4
    if n < front + width:
        return -1
    size = fixed_at(p + front, width, False)
    if size > n - front - width:
        return -1
    out[0] = slice_of(p + front + width, size)
    return <int64_t>front + width + <int64_t>size


cdef int64_t jce_skip(const char *p, uint32_t n, int depth) noexcept nogil:
    # One value with its head: what it took, or -1.  Counted lists nest; each value takes a byte at least.
    cdef uint32_t type, front
    cdef Slice text
    if n == 0 or depth > MOST_NESTED:
        return -1
    front = 2 if <uint8_t>p[0] >> 4 == 15 else 1
    type = p[0] & 15
    if n < front:
        return -1
    if jce_width(type) <= 8:
        return front + jce_width(type) if n >= front + jce_width(type) else -1
    if type == JCE_FLOAT or type == JCE_DOUBLE:
        return front + (4 if type == JCE_FLOAT else 8) if n >= front + (4 if type == JCE_FLOAT else 8) else -1
    if type == JCE_STRING1 or type == JCE_STRING4:
        return jce_text(p, n, &text)
    if type == JCE_BYTES:
        return jce_bytes(p, n, front, &text)
    if type == JCE_STRUCT_END:
        return front
    return jce_many(p, n, front, type, depth)


cdef int64_t jce_bytes(const char *p, uint32_t n, uint32_t front, Slice *out) noexcept nogil:
    # A "simple list": the head of a byte, a count, the bytes.
    cdef uint64_t size = 0
    cdef int64_t used
    if n <= front or p[front] != 0:
        return -1
    used = jce_count(p + front + 1, n - front - 1, &size)
    if used < 0 or size > n - front - 1 - used:
        return -1
    out[0] = slice_of(p + front + 1 + used, size)
    return front + 1 + used + <int64_t>size


cdef int64_t jce_many(const char *p, uint32_t n, uint32_t front, uint32_t type, int depth) noexcept nogil:
    # A map, a list, or a structure up to its end.
    cdef uint64_t count = ~<uint64_t>0
    cdef uint64_t i = 0
    cdef int64_t at = front
    cdef int64_t used
    cdef bint last = False
    if type != JCE_STRUCT:
        used = jce_count(p + at, n - front, &count)
        if (type != JCE_MAP and type != JCE_LIST) or used < 0:
            return -1
        at += used
        count *= 2 if type == JCE_MAP else 1
    while i < count and not last:
        last = type == JCE_STRUCT and at < n and (p[at] & 15) == JCE_STRUCT_END
        used = jce_skip(p + at, n - <uint32_t>at, depth + 1)
        if used < 0:
            return -1
        at += used
        i += 1
    return at


cdef int jce_entry(const char *p, uint32_t n, uint32_t at, Entry *out) noexcept nogil:
    cdef int64_t used = jce_skip(p + at, n - at, 0)
    if used < 0:
        return -1
    out.at = at
    out.number = <uint8_t>p[at] >> 4
    if out.number == 15:
        out.number = <uint8_t>p[at + 1]
    out.type = p[at] & 15
    out.content = at
    out.end = at + <uint32_t>used
    return 0


# -- both

cdef int tagged_entry(const Field *block, const char *p, uint32_t n, uint32_t at, Entry *out) noexcept nogil:
    return protobuf_entry(p, n, at, out) if block.format == H_PROTOBUF else jce_entry(p, n, at, out)


cdef bint tagged_has(const Field *block, const char *p, uint32_t at, uint32_t n, uint32_t number) noexcept nogil:
    cdef Entry entry
    cdef uint32_t end = at + n
    while at < end and tagged_entry(block, p, end, at, &entry) == 0:
        if entry.number == number:
            return True
        at = entry.end
    return False


cdef int note_protobuf(const Field *field, const char *p, const Entry *entry, Place *place) noexcept nogil:
    place.at = entry.content
    place.n = entry.end - entry.content
    if field.type != F_NUMBER:
        return 0 if entry.type == PB_BYTES else -1
    # Fixed-width numbers would have to be written back as such: no protocol that we know has one here.
    return 0 if entry.type == PB_VARINT and varint_at(p + entry.content, place.n, &place.value) > 0 else -1


cdef int note_jce(const Field *field, const char *p, const Entry *entry, Place *place) noexcept nogil:
    cdef const char *at = p + entry.at
    cdef uint32_t n = entry.end - entry.at
    cdef Slice text = slice_of(at, n)
    place.at = entry.at
    place.n = n
    if field.type == F_NUMBER:
        return 0 if jce_at(at, n, &place.value) > 0 else -1
    if field.type == F_HEADERS:
        return 0 if entry.type == JCE_MAP else -1
    if entry.type == JCE_BYTES:
        if jce_bytes(at, n, 2 if <uint8_t>at[0] >> 4 == 15 else 1, &text) < 0:
            return -1
    elif jce_text(at, n, &text) < 0:
        return -1
    place.at = <uint32_t>(text.p - p)
    place.n = text.n
    return 0


cdef int note(const Field *block, const Field *field, const char *p, const Entry *entry, Place *place) noexcept nogil:
    if block.format == H_PROTOBUF:
        return note_protobuf(field, p, entry, place)
    return note_jce(field, p, entry, place)


cdef const Field *child_of(const Declared *declared, const Field *block, uint32_t number,
                           uint32_t *index) noexcept nogil:
    cdef uint32_t i
    for i in range(block.children, <uint32_t>block.children + block.child_count):
        if declared.fields[i].tag == number:
            index[0] = i
            return &declared.fields[i]
    return NULL


cdef int declared_tagged(const Declared *declared, const char *p, const Field *block, uint32_t at, uint32_t n,
                         Place *places, int depth) noexcept nogil:
    cdef const Field *field
    cdef Place *place
    cdef Entry entry
    cdef uint32_t i = 0
    cdef uint32_t end = at + n
    if depth >= MOST_DEPTH:
        return -1
    while at < end:
        if tagged_entry(block, p, end, at, &entry) < 0:
            return -1
        field = child_of(declared, block, entry.number, &i)
        at = entry.end
        if field == NULL:
            continue
        place = &places[i]
        if note(block, field, p, &entry, place) < 0:
            return -1
        place.seen = True
        if field.type == F_TAGGED and declared_tagged(declared, p, field, place.at, place.n, places, depth + 1) < 0:
            return -1
    return 0
