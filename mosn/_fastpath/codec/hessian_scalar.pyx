"""Simple Hessian values in two dialects (contracts: hessian_scalar.pxd)."""

from libc.stdint cimport int8_t, int16_t, int32_t, int64_t, uint32_t
from libc.string cimport memcpy

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor, h2_big_endian, h2_byte, h2_left, h2_peek, h2_take
from mosn._fastpath.codec.hessian2_string cimport h2_is_string, h2_join_surrogates, h2_read_string, h2_units
from mosn._fastpath.codec.json_write cimport Base64, JsonOut, json_put_base64, json_put_base64_end
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_of


# -- numbers

cdef int _int_behind(H2Cursor *c, int tag, int64_t *out) noexcept nogil:
    # 0, 1: no int, -1: cut short.
    if 0x80 <= tag <= 0xbf:
        out[0] = tag - 0x90
    elif 0xc0 <= tag <= 0xcf:
        if h2_left(c) < 1:
            return -1
        out[0] = (tag - 0xc8) * 256 + h2_big_endian(c, 1, 0)
    elif 0xd0 <= tag <= 0xd7:
        if h2_left(c) < 2:
            return -1
        out[0] = (tag - 0xd4) * 65536 + h2_big_endian(c, 2, 0)
    elif tag == c"I":
        return _int32(c, out)
    else:
        return 1
    return 0


cdef inline int _int32(H2Cursor *c, int64_t *out) noexcept nogil:
    if h2_left(c) < 4:
        return -1
    out[0] = <int32_t><uint32_t>h2_big_endian(c, 4, 0)
    return 0


cdef inline int _int64(H2Cursor *c, int64_t *out) noexcept nogil:
    if h2_left(c) < 8:
        return -1
    out[0] = h2_big_endian(c, 8, 0)
    return 0


cdef int _long_behind(H2Cursor *c, int tag, bint draft, int64_t *out) noexcept nogil:
    if 0xd8 <= tag <= 0xef:
        out[0] = tag - 0xe0
    elif 0xf0 <= tag <= 0xff:
        if h2_left(c) < 1:
            return -1
        out[0] = (tag - 0xf8) * 256 + h2_big_endian(c, 1, 0)
    elif 0x38 <= tag <= 0x3f:
        if h2_left(c) < 2:
            return -1
        out[0] = (tag - 0x3c) * 65536 + h2_big_endian(c, 2, 0)
    elif tag == (c"w" if draft else c"Y"):
        return _int32(c, out)
    elif tag == c"L":
        return _int64(c, out)
    else:
        return 1
    return 0


cdef int _double(H2Cursor *c, double *out) noexcept nogil:
    cdef int64_t bits = 0
    if _int64(c, &bits) < 0:
        return -1
    memcpy(out, &bits, 8)
    return 0


cdef int _float_or_mill(H2Cursor *c, bint draft, double *out) noexcept nogil:
    # Four bytes: in the draft a float, else thousandths.
    cdef int64_t value = 0
    cdef int32_t bits
    cdef float real
    if _int32(c, &value) < 0:
        return -1
    bits = <int32_t>value
    memcpy(&real, &bits, 4)
    out[0] = <double>real if draft else value / 1000.0
    return 0


cdef int _double_behind(H2Cursor *c, int tag, bint draft, double *out) noexcept nogil:
    cdef int zero = c"g" if draft else 0x5b
    if tag == c"D":
        return _double(c, out)
    if tag < zero or tag > zero + 4:
        return 1
    if tag == zero + 4:
        return _float_or_mill(c, draft, out)
    if h2_left(c) < <size_t>max(0, tag - zero - 1):
        return -1
    if tag <= zero + 1:
        out[0] = tag - zero
    elif tag == zero + 2:
        out[0] = <int8_t>h2_big_endian(c, 1, 0)
    else:
        out[0] = <int16_t>h2_big_endian(c, 2, 0)
    return 0


cdef int _date_behind(H2Cursor *c, int tag, bint draft, int64_t *out) noexcept nogil:
    if tag == (c"d" if draft else c"J"):
        return _int64(c, out)
    if draft or tag != c"K":
        return 1
    if _int32(c, out) < 0:
        return -1
    out[0] *= 60000
    return 0


cdef int hs_int(H2Cursor *c, int32_t *out) noexcept nogil:
    cdef int64_t value = 0
    if _int_behind(c, h2_byte(c), &value) != 0:
        return -1
    out[0] = <int32_t>value
    return 0


# -- strings

cdef int _draft_chunk(H2Cursor *c, bint *last) noexcept nogil:
    # The units of the next chunk, or -1.
    cdef int tag = h2_byte(c)
    last[0] = tag != c"s"
    if 0 <= tag < 0x20:
        return tag
    if (tag != c"S" and tag != c"s") or h2_left(c) < 2:
        return -1
    return <int>h2_big_endian(c, 2, 0)


cdef int _draft_string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil:
    # In one piece and without surrogates it stays where it is; else it is measured, then copied.
    cdef H2Cursor start = c[0]
    cdef bint last = False
    cdef int surrogates = 0
    cdef int chunks = 0
    cdef int units, found
    cdef const char *text = NULL
    while not last:
        units = _draft_chunk(c, &last)
        text = c.at
        found = h2_units(c, <size_t>units) if units >= 0 else -1
        if found < 0:
            return -1
        surrogates |= found
        chunks += 1
    if chunks == 1 and not surrogates:
        out[0] = slice_of(text, <size_t>(c.at - text))
        return 0
    return _gather(&start, c.at, arena, out)


cdef int _gather(H2Cursor *c, const char *end, Arena *arena, Slice *out) noexcept nogil:
    cdef char *copy = <char *>arena_alloc(arena, <size_t>(end - c.at))
    cdef bint last = False
    cdef size_t n = 0
    cdef const char *text
    cdef int units
    if copy == NULL:
        return -1
    while not last:
        units = _draft_chunk(c, &last)
        text = c.at
        h2_units(c, <size_t>units)
        memcpy(copy + n, text, <size_t>(c.at - text))
        n += <size_t>(c.at - text)
    out[0] = slice_of(copy, h2_join_surrogates(copy, n))
    return 0


cdef int hs_string(H2Cursor *c, bint draft, Arena *arena, Slice *out) noexcept nogil:
    if draft:
        return _draft_string(c, arena, out)
    return 0 if h2_read_string(c, arena, out) == 0 else -1


# -- bytes

cdef int _binary_chunk(H2Cursor *c, bint draft, bint *last) noexcept nogil:
    cdef int tag = h2_byte(c)
    cdef int byte
    last[0] = tag != (c"b" if draft else c"A")
    if 0x20 <= tag < 0x30:
        return tag - 0x20
    if not draft and 0x34 <= tag <= 0x37:
        byte = h2_byte(c)
        return -1 if byte < 0 else ((tag - 0x34) << 8) + byte
    if (last[0] and tag != c"B") or h2_left(c) < 2:
        return -1
    return <int>h2_big_endian(c, 2, 0)


cdef int hs_binary(H2Cursor *c, bint draft, JsonOut *json, Base64 *piece) noexcept nogil:
    cdef bint last = False
    cdef const char *p
    cdef int n
    while not last:
        n = _binary_chunk(c, draft, &last)
        p = h2_take(c, <size_t>n) if n >= 0 else NULL
        if p == NULL:
            return -1
        if json != NULL:
            json_put_base64(json, piece, p, <size_t>n)
    if json != NULL:
        json_put_base64_end(json, piece)
    return 0


# -- any of them

cdef inline bint _is_string(int tag, bint draft) noexcept nogil:
    return 0 <= tag < 0x20 or tag == c"S" or tag == c"s" if draft else h2_is_string(tag)


cdef inline bint _is_binary(int tag, bint draft) noexcept nogil:
    if 0x20 <= tag < 0x30 or tag == c"B":
        return True
    return tag == c"b" if draft else (tag == c"A" or 0x34 <= tag <= 0x37)


cdef int _number(H2Cursor *c, int tag, bint draft, HessianScalar *out) noexcept nogil:
    cdef int found = _int_behind(c, tag, &out.number)
    if found > 0:
        found = _long_behind(c, tag, draft, &out.number)
    if found <= 0:
        out.kind = HS_LONG
        return found
    found = _double_behind(c, tag, draft, &out.real)
    if found <= 0:
        out.kind = HS_DOUBLE
        return found
    out.kind = HS_DATE
    return _date_behind(c, tag, draft, &out.number)


cdef int hs_scalar(H2Cursor *c, bint draft, Arena *arena, HessianScalar *out) noexcept nogil:
    cdef int tag = h2_peek(c)
    cdef int found
    if tag < 0:
        return -1
    out.text = slice_of(NULL, 0)
    if _is_string(tag, draft):
        out.kind = HS_STRING
        return hs_string(c, draft, arena, &out.text)
    if _is_binary(tag, draft):
        out.kind = HS_BINARY
        return 0
    c.at += 1
    if tag == c"N" or tag == c"T" or tag == c"F":
        out.kind = HS_NULL if tag == c"N" else HS_BOOLEAN
        out.number = tag == c"T"
        return 0
    found = _number(c, tag, draft, out)
    if found > 0:
        c.at -= 1
    return found
