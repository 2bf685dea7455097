"""Strings of Hessian 2.0 (contracts: hessian2_string.pxd)."""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor, h2_ascii, h2_big_endian, h2_byte, h2_left, h2_peek, h2_take
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_of

cdef inline bint _continues(const char *p) noexcept nogil:
    return (<uint8_t>p[0] & 0xc0) == 0x80


cdef int _wide_unit(H2Cursor *c) noexcept nogil:
    # One UTF-16 unit of two or three bytes, in its shortest form: 0, 1 for a surrogate, -1.
    cdef const uint8_t *u
    cdef const char *p
    if h2_peek(c) < 0xe0:
        p = h2_take(c, 2)
        return 0 if p != NULL and <uint8_t>p[0] >= 0xc2 and _continues(p + 1) else -1
    p = h2_take(c, 3)
    if p == NULL or not _continues(p + 1) or not _continues(p + 2):
        return -1
    u = <const uint8_t *>p
    if u[0] > 0xef or (u[0] == 0xe0 and u[1] < 0xa0):
        return -1
    return u[0] == 0xed and u[1] >= 0xa0


cdef int h2_units(H2Cursor *c, size_t n) noexcept nogil:
    cdef int surrogates = 0
    cdef int found
    n -= h2_ascii(c, n)
    while n:
        found = _wide_unit(c)
        if found < 0:
            return -1
        surrogates |= found
        n -= 1
        # Chinese text has no ASCII for long; look for a run of it only where one begins.
        if n and c.at < c.end and <uint8_t>c.at[0] < 0x80:
            n -= h2_ascii(c, n)
    return surrogates


cdef inline int _chunk(H2Cursor *c, int tag, bint *last) noexcept nogil:
    # The units of the chunk of a string behind this tag, or -1.
    cdef int byte
    last[0] = tag != c"R"
    if 0 <= tag < 0x20:
        return tag
    if 0x30 <= tag <= 0x33:
        byte = h2_byte(c)
        return -1 if byte < 0 else ((tag - 0x30) << 8) + byte
    if (tag == c"S" or tag == c"R") and h2_left(c) >= 2:
        return <int>h2_big_endian(c, 2, 0)
    return -1


cdef int h2_skip_string(H2Cursor *c, int tag) noexcept nogil:
    # 0, 1 when there are surrogates, -1.
    cdef bint last = False
    cdef int surrogates = 0
    cdef int found
    cdef int units
    while True:
        units = _chunk(c, tag, &last)
        if units < 0:
            return -1
        found = h2_units(c, units)
        if found < 0:
            return -1
        surrogates |= found
        if last:
            return surrogates
        tag = h2_byte(c)


cdef size_t _gather(H2Cursor c, char *out) noexcept nogil:
    # Copy the chunks of a string that has been stepped over; how many bytes they are.
    cdef bint last = False
    cdef size_t n = 0
    cdef const char *start
    cdef int units
    while not last:
        units = _chunk(&c, h2_byte(&c), &last)
        start = c.at
        h2_units(&c, units)
        memcpy(out + n, start, <size_t>(c.at - start))
        n += <size_t>(c.at - start)
    return n


cdef inline uint32_t _unit(const char *p) noexcept nogil:
    # The UTF-16 unit of three bytes.
    cdef const uint8_t *u = <const uint8_t *>p
    return ((u[0] & 0x0f) << 12) | ((u[1] & 0x3f) << 6) | (u[2] & 0x3f)


cdef inline bint _pair(const char *p, size_t n) noexcept nogil:
    return n >= 6 and <uint8_t>p[0] == 0xed and 0xa0 <= <uint8_t>p[1] < 0xb0 and <uint8_t>p[3] == 0xed and (
        <uint8_t>p[4] >= 0xb0)


cdef size_t h2_join_surrogates(char *p, size_t n) noexcept nogil:
    cdef size_t read = 0
    cdef size_t wrote = 0
    cdef uint32_t point
    while read < n:
        if not _pair(p + read, n - read):
            p[wrote] = p[read]
            read += 1
            wrote += 1
            continue
        point = 0x10000 + ((_unit(p + read) - 0xd800) << 10) + (_unit(p + read + 3) - 0xdc00)
        p[wrote] = <char>(0xf0 | (point >> 18))
        p[wrote + 1] = <char>(0x80 | ((point >> 12) & 0x3f))
        p[wrote + 2] = <char>(0x80 | ((point >> 6) & 0x3f))
        p[wrote + 3] = <char>(0x80 | (point & 0x3f))
        read += 6
        wrote += 4
    return wrote


cdef int _copied_string(H2Cursor start, const char *end, Arena *arena, Slice *out) noexcept nogil:
    # A string of several chunks, or with surrogates, that ends at `end`.
    cdef char *copy = <char *>arena_alloc(arena, <size_t>(end - start.at))
    if copy == NULL:
        return -1
    out[0] = slice_of(copy, h2_join_surrogates(copy, _gather(start, copy)))
    return 0


cdef int h2_read_string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil:
    cdef H2Cursor start = c[0]
    cdef const char *text
    cdef bint last = False
    cdef int found
    cdef int units
    cdef int tag = h2_byte(c)
    out[0] = slice_of(NULL, 0)
    if tag == c"N":
        return H2_NULL
    units = _chunk(c, tag, &last)
    if units < 0:
        return -1
    text = c.at
    found = h2_units(c, units)
    if found < 0:
        return -1
    if last and not found:
        out[0] = slice_of(text, <size_t>(c.at - text))
        return 0
    if not last and h2_skip_string(c, h2_byte(c)) < 0:
        return -1
    return _copied_string(start, c.at, arena, out)
