"""Hessian to JSON (contracts: hessian_json.pxd)."""

from libc.math cimport isfinite
from libc.stdint cimport int32_t, int64_t, uint32_t

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor, h2_big_endian, h2_byte, h2_left, h2_peek, h2_take
from mosn._fastpath.codec.hessian_scalar cimport (
    HS_BINARY, HS_BOOLEAN, HS_DATE, HS_DOUBLE, HS_LONG, HS_NULL, HS_STRING, HessianScalar, hs_binary, hs_int, hs_scalar,
)
from mosn._fastpath.codec.hessian_tables cimport (
    HessianClass, HessianIn, Rendered, hessian_container, hessian_object_class, hessian_type, hessian_type_reference,
)
from mosn._fastpath.codec.json_read cimport json_is_number
from mosn._fastpath.codec.json_write cimport (
    Base64, json_char, json_is_date, json_put_date, json_put_double, json_put_long,
    json_put_string, json_raw,
)
from mosn._fastpath.memory cimport Slice, buf_len, buf_reserve, slice_is, slice_of


# -- lists, maps, objects

cdef inline int _end_container(HessianIn *h, int64_t number, int done) noexcept nogil:
    h.rendered[number].end = buf_len(h.json.out)
    return done


cdef inline void _put(HessianIn *h, char byte) noexcept nogil:
    if not h.silent:
        json_char(h.json, byte)


cdef inline int _ends(HessianIn *h, int64_t *left) noexcept nogil:
    # Is a list over?  `left`: the values to come, or less than 0 until the end mark.
    if left[0] == 0:
        return 1
    if left[0] > 0:
        left[0] -= 1
    elif h2_peek(&h.c) == (c"z" if h.draft else c"Z"):
        h.c.at += 1
        return 1
    return 0


cdef int _list(HessianIn *h, int64_t left, uint32_t depth) noexcept nogil:
    cdef bint first = True
    _put(h, c"[")
    while not _ends(h, &left):
        if not first:
            _put(h, c",")
        first = False
        if _value(h, depth) < 0:
            return -1
    _put(h, c"]")
    return 0


cdef inline int _list_of(HessianIn *h, int64_t left, uint32_t depth) noexcept nogil:
    cdef int64_t number = hessian_container(h)
    if number < 0 or left > <int64_t>h2_left(&h.c):
        return -1
    return _end_container(h, number, _list(h, left, depth))


cdef int64_t _count(HessianIn *h) noexcept nogil:
    cdef int32_t n = 0
    return n if hs_int(&h.c, &n) == 0 and n >= 0 else -2


cdef inline bint _is_text(const HessianScalar *found) noexcept nogil:
    # Is its JSON a string?
    if found.kind == HS_DATE:
        return json_is_date(found.number)
    return found.kind == HS_BINARY or (found.kind == HS_DOUBLE and not isfinite(found.real))


cdef int _key(HessianIn *h) noexcept nogil:
    # A key of a map as a string of JSON.
    cdef HessianScalar found
    if hs_scalar(&h.c, h.draft, h.arena, &found) != 0:
        return -1
    if h.silent:
        return hs_binary(&h.c, h.draft, NULL, NULL) if found.kind == HS_BINARY else 0
    if found.kind == HS_STRING:
        json_put_string(h.json, found.text)
        return 0
    if _is_text(&found):
        return _scalar(h, &found)
    json_char(h.json, c'"')
    if _scalar(h, &found) < 0:
        return -1
    json_char(h.json, c'"')
    return 0


cdef void _class_member(HessianIn *h, Slice name, bint *first) noexcept nogil:
    if h.silent or not h.class_names or name.n == 0:
        return
    json_raw(h.json, b'"class":', 8)
    json_put_string(h.json, name)
    first[0] = False


cdef bint _drop_class(HessianIn *h) noexcept nogil:
    # An entry "class" with a text: what a generic answer says of the type of what is a map then.
    cdef HessianScalar found
    cdef H2Cursor c = h.c
    if h.silent or h.class_names or h2_left(&c) < 7 or c.at[0] != 5:
        return False
    if hs_scalar(&c, h.draft, h.arena, &found) != 0 or not slice_is(found.text, "class"):
        return False
    if hs_scalar(&c, h.draft, h.arena, &found) != 0 or found.kind != HS_STRING:
        return False
    h.c = c
    return True


cdef int _entries(HessianIn *h, bint first, uint32_t depth) noexcept nogil:
    cdef int64_t left = -1
    while not _ends(h, &left):
        if _drop_class(h):
            continue
        if not first:
            _put(h, c",")
        first = False
        if _key(h) < 0:
            return -1
        _put(h, c":")
        if _value(h, depth) < 0:
            return -1
    return 0


cdef int _map(HessianIn *h, Slice type, uint32_t depth) noexcept nogil:
    cdef int64_t number = hessian_container(h)
    cdef bint first = True
    if number < 0:
        return -1
    _put(h, c"{")
    _class_member(h, type, &first)
    if _entries(h, first, depth) < 0:
        return -1
    _put(h, c"}")
    return _end_container(h, number, 0)


cdef int _decimal(HessianIn *h) noexcept nogil:
    # The only field of java.math.BigDecimal: its text, which is a number of JSON, too.
    cdef HessianScalar found
    cdef bint whole = False
    if hs_scalar(&h.c, h.draft, h.arena, &found) != 0 or found.kind != HS_STRING:
        return -1
    if h.silent:
        return 0
    if json_is_number(found.text, &whole):
        json_raw(h.json, found.text.p, found.text.n)
    else:
        json_put_string(h.json, found.text)
    return 0


cdef int _fields(HessianIn *h, HessianClass of, uint32_t depth) noexcept nogil:
    cdef bint first = True
    cdef uint32_t i
    _put(h, c"{")
    _class_member(h, of.name, &first)
    for i in range(of.count):
        if not h.silent:
            if not first:
                json_char(h.json, c",")
            json_put_string(h.json, h.fields[of.first + i])
            json_char(h.json, c":")
        first = False
        if _value(h, depth) < 0:
            return -1
    _put(h, c"}")
    return 0


cdef int _object(HessianIn *h, int tag, uint32_t depth) noexcept nogil:
    cdef int64_t index = hessian_object_class(h, tag)
    cdef int64_t number = hessian_container(h) if index >= 0 else -1
    cdef HessianClass of
    if number < 0:
        return -1
    of = h.classes[index]
    if of.count == 1 and slice_is(of.name, "java.math.BigDecimal"):
        return _end_container(h, number, _decimal(h))
    return _end_container(h, number, _fields(h, of, depth))


cdef int _repeat(HessianIn *h, int64_t number) noexcept nogil:
    # What was told already, once more.
    cdef Rendered at
    if not 0 <= number < h.container_count:
        return -1
    if h.silent:
        return 0
    at = h.rendered[number]
    if at.end == 0 or at.end - at.start > h.json.most - buf_len(h.json.out) or buf_reserve(
            h.json.pool, h.json.out, at.end - at.start) < 0:
        return -1
    json_raw(h.json, h.json.out.data + h.json.out.start + at.start, at.end - at.start)
    return 0


# -- values

cdef int _scalar(HessianIn *h, const HessianScalar *found) noexcept nogil:
    cdef Base64 piece
    if found.kind == HS_BINARY:
        piece.count = 0
        _put(h, c'"')
        if hs_binary(&h.c, h.draft, NULL if h.silent else h.json, &piece) < 0:
            return -1
        _put(h, c'"')
    elif h.silent:
        return 0
    elif found.kind == HS_NULL:
        json_raw(h.json, b"null", 4)
    elif found.kind == HS_BOOLEAN:
        json_raw(h.json, b"true" if found.number else b"false", 4 if found.number else 5)
    elif found.kind == HS_LONG:
        json_put_long(h.json, found.number)
    elif found.kind == HS_DOUBLE:
        json_put_double(h.json, found.real)
    elif found.kind == HS_DATE:
        json_put_date(h.json, found.number)
    else:
        json_put_string(h.json, found.text)
    return 0


cdef int _value2(HessianIn *h, int tag, uint32_t depth) noexcept nogil:
    # A list, map, object or reference of version 2.0, behind its tag.
    cdef Slice type = slice_of(NULL, 0)
    if tag == c"Q":
        return _repeat(h, _count(h))
    if tag == c"H":
        return _map(h, type, depth)
    if tag == c"W":
        return _list_of(h, -1, depth)
    if 0x78 <= tag <= 0x7f:
        return _list_of(h, tag - 0x78, depth)
    if tag == c"X":
        return _counted(h, depth)
    if tag == c"C" or tag == c"O" or 0x60 <= tag <= 0x6f:
        return _object(h, tag, depth)
    if tag != c"M" and tag != c"U" and tag != c"V" and not 0x70 <= tag <= 0x77:
        return -1
    if hessian_type(h, &type) < 0:
        return -1
    if tag == c"M":
        return _map(h, type, depth)
    if tag == c"V":
        return _counted(h, depth)
    return _list_of(h, -1 if tag == c"U" else tag - 0x70, depth)


cdef inline int _counted(HessianIn *h, uint32_t depth) noexcept nogil:
    cdef int64_t n = _count(h)
    return _list_of(h, n, depth) if n >= 0 else -1


cdef int _draft_list(HessianIn *h, uint32_t depth) noexcept nogil:
    # [type] [length], values, "z".
    cdef Slice type
    if hessian_type(h, &type) < 0:
        return -1
    if h2_peek(&h.c) == c"n":
        if h2_take(&h.c, 2) == NULL:
            return -1
    elif h2_peek(&h.c) == c"l" and h2_take(&h.c, 5) == NULL:
        return -1
    return _list_of(h, -1, depth)


cdef int _draft_reference(HessianIn *h, uint32_t bytes) noexcept nogil:
    return _repeat(h, h2_big_endian(&h.c, bytes, 0)) if h2_left(&h.c) >= bytes else -1


cdef int _value_draft(HessianIn *h, int tag, uint32_t depth) noexcept nogil:
    cdef Slice type = slice_of(NULL, 0)
    if tag == c"R" or tag == c"J" or tag == c"K":
        return _draft_reference(h, 4 if tag == c"R" else 1 if tag == c"J" else 2)
    if tag == c"M":
        return _map(h, type, depth) if hessian_type(h, &type) == 0 else -1
    if tag == c"V":
        return _draft_list(h, depth)
    if tag == c"v":
        return _counted(h, depth) if hessian_type_reference(h, &type) == 0 else -1
    return _object(h, tag, depth) if tag == c"O" or tag == c"o" else -1


cdef int _value(HessianIn *h, uint32_t depth) noexcept nogil:
    cdef HessianScalar found
    cdef int said = hs_scalar(&h.c, h.draft, h.arena, &found)
    cdef int tag
    if said < 0 or h.json.failed:
        return -1
    if said == 0:
        return _scalar(h, &found)
    tag = h2_byte(&h.c)
    if depth == HJ_MAX_DEPTH:
        return -1
    return _value_draft(h, tag, depth + 1) if h.draft else _value2(h, tag, depth + 1)


# -- face

cdef int hj_value(HessianIn *h) noexcept nogil:
    return -1 if _value(h, 0) < 0 or h.json.failed else 0


cdef int hj_skip(HessianIn *h) noexcept nogil:
    cdef bint silent = h.silent
    cdef int done
    h.silent = True
    done = _value(h, 0)
    h.silent = silent
    return done


cdef int hj_text(HessianIn *h, Slice *out) noexcept nogil:
    cdef HessianScalar found
    cdef H2Cursor start = h.c
    out[0] = slice_of(NULL, 0)
    if hs_scalar(&h.c, h.draft, h.arena, &found) == 0 and found.kind == HS_STRING:
        out[0] = found.text
        return 0
    h.c = start
    return hj_skip(h)


cdef int hj_object(HessianIn *h, const HessianClass **out) noexcept nogil:
    cdef int tag = h2_peek(&h.c)
    cdef int64_t index
    if h.draft:
        if tag != c"O" and tag != c"o":
            return 1
    elif tag != c"C" and tag != c"O" and not 0x60 <= tag <= 0x6f:
        return 1
    h.c.at += 1
    index = hessian_object_class(h, tag)
    if index < 0 or hessian_container(h) < 0:
        return -1
    out[0] = &h.classes[index]
    return 0
