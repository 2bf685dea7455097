"""Strict JSON (contracts: json_read.pxd)."""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcmp

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor, h2_cursor, h2_left, h2_peek
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_of


cdef inline void _space(H2Cursor *c) noexcept nogil:
    while c.at < c.end and (c.at[0] == c" " or c.at[0] == c"\n" or c.at[0] == c"\r" or c.at[0] == c"\t"):
        c.at += 1


cdef int json_kind(H2Cursor *c) noexcept nogil:
    cdef int byte
    _space(c)
    byte = h2_peek(c)
    if byte == c'"':
        return JSON_STRING
    if byte == c"{":
        return JSON_OBJECT
    if byte == c"[":
        return JSON_ARRAY
    if byte == c"-" or c"0" <= byte <= c"9":
        return JSON_NUMBER
    return JSON_TRUE if byte == c"t" else JSON_FALSE if byte == c"f" else JSON_NULL if byte == c"n" else JSON_END


cdef int json_word(H2Cursor *c, int kind) noexcept nogil:
    cdef const char *word = b"true" if kind == JSON_TRUE else b"false" if kind == JSON_FALSE else b"null"
    cdef size_t n = 5 if kind == JSON_FALSE else 4
    if h2_left(c) < n or memcmp(c.at, word, n) != 0:
        return -1
    c.at += n
    return 0


# -- numbers

cdef inline uint32_t _digits(H2Cursor *c) noexcept nogil:
    cdef const char *start = c.at
    while c.at < c.end and c"0" <= c.at[0] <= c"9":
        c.at += 1
    return <uint32_t>(c.at - start)


cdef int json_number(H2Cursor *c, Slice *out, bint *whole) noexcept nogil:
    cdef const char *start = c.at
    cdef bint zero
    cdef uint32_t digits
    whole[0] = True
    if h2_peek(c) == c"-":
        c.at += 1
    zero = h2_peek(c) == c"0"
    digits = _digits(c)
    if digits == 0 or (zero and digits > 1):
        return -1
    if h2_peek(c) == c".":
        whole[0] = False
        c.at += 1
        if _digits(c) == 0:
            return -1
    if h2_peek(c) == c"e" or h2_peek(c) == c"E":
        whole[0] = False
        c.at += 1
        if h2_peek(c) == c"+" or h2_peek(c) == c"-":
            c.at += 1
        if _digits(c) == 0:
            return -1
    out[0] = slice_of(start, <size_t>(c.at - start))
    return 0


cdef bint json_is_number(Slice text, bint *whole) noexcept nogil:
    cdef H2Cursor c = h2_cursor(text.p, text.n)
    cdef Slice found
    return json_number(&c, &found, whole) == 0 and h2_left(&c) == 0


cdef int json_long(Slice text, int64_t *out) noexcept nogil:
    cdef bint negative = text.n > 0 and text.p[0] == c"-"
    cdef uint64_t most = (<uint64_t>1 << 63) - (0 if negative else 1)
    cdef uint64_t value = 0
    cdef uint32_t digit
    cdef uint32_t i
    for i in range(negative, text.n):
        digit = <uint32_t>(text.p[i] - c"0")
        if value > (most - digit) // 10:
            return -1
        value = 10 * value + digit
    out[0] = <int64_t>(<uint64_t>0 - value) if negative else <int64_t>value
    return 0


# -- strings

cdef uint32_t utf8_length(const char *p, size_t n) noexcept nogil:
    cdef const uint8_t *u = <const uint8_t *>p
    cdef uint32_t size = 1 if u[0] < 0x80 else 2 if u[0] < 0xe0 else 3 if u[0] < 0xf0 else 4
    cdef uint32_t i
    if size == 1:
        return 1
    if u[0] < 0xc2 or u[0] > 0xf4 or size > n:
        return 0
    for i in range(1, size):
        if u[i] & 0xc0 != 0x80:
            return 0
    # Not the shortest form; a surrogate; beyond the last plane.
    if (u[0] == 0xe0 and u[1] < 0xa0) or (u[0] == 0xed and u[1] >= 0xa0):
        return 0
    return 0 if (u[0] == 0xf0 and u[1] < 0x90) or (u[0] == 0xf4 and u[1] >= 0x90) else size


cdef int _hex4(H2Cursor *c) noexcept nogil:
    cdef int value = 0
    cdef int digit
    cdef uint32_t i
    if h2_left(c) < 4:
        return -1
    for i in range(4):
        digit = c.at[i]
        if c"0" <= digit <= c"9":
            digit -= c"0"
        elif c"a" <= (digit | 0x20) <= c"f":
            digit = (digit | 0x20) - c"a" + 10
        else:
            return -1
        value = 16 * value + digit
    c.at += 4
    return value


cdef int _code_point(H2Cursor *c) noexcept nogil:
    # Behind "\u": the character of one escape or of a pair.
    cdef int high = _hex4(c)
    cdef int low
    if high < 0 or 0xdc00 <= high <= 0xdfff:
        return -1
    if not 0xd800 <= high <= 0xdbff:
        return high
    if h2_left(c) < 6 or c.at[0] != c"\\" or c.at[1] != c"u":
        return -1
    c.at += 2
    low = _hex4(c)
    return 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00) if 0xdc00 <= low <= 0xdfff else -1


cdef char *_put_point(char *to, int point) noexcept nogil:
    if point < 0x80:
        to[0] = <char>point
        return to + 1
    if point < 0x800:
        to[0] = <char>(0xc0 | (point >> 6))
    elif point < 0x10000:
        to[0] = <char>(0xe0 | (point >> 12))
    else:
        to[0] = <char>(0xf0 | (point >> 18))
        to[1] = <char>(0x80 | ((point >> 12) & 0x3f))
        to += 1
    if point >= 0x800:
        to[1] = <char>(0x80 | ((point >> 6) & 0x3f))
        to += 1
    to[1] = <char>(0x80 | (point & 0x3f))
    return to + 2


cdef int _escape(H2Cursor *c) noexcept nogil:
    # Behind a backslash: the character, or -1.
    cdef int byte = h2_peek(c)
    if byte < 0:
        return -1
    c.at += 1
    if byte == c"u":
        return _code_point(c)
    if byte == c'"' or byte == c"\\" or byte == c"/":
        return byte
    return 8 if byte == c"b" else 12 if byte == c"f" else 10 if byte == c"n" else 13 if byte == c"r" else (
        9 if byte == c"t" else -1)


cdef int _string_end(H2Cursor *c, bint *escaped) noexcept nogil:
    # Behind the opening quote: step behind the closing one.
    cdef uint32_t size
    cdef int byte
    escaped[0] = False
    while True:
        byte = h2_peek(c)
        if byte < 0x20:
            return -1
        if byte == c'"':
            c.at += 1
            return 0
        if byte == c"\\":
            escaped[0] = True
            c.at += 1
            if _escape(c) < 0:
                return -1
            continue
        size = utf8_length(c.at, h2_left(c))
        if size == 0:
            return -1
        c.at += size


cdef int json_string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil:
    cdef H2Cursor inside
    cdef bint escaped = False
    cdef char *to
    if h2_peek(c) != c'"':
        return -1
    c.at += 1
    inside = c[0]
    if _string_end(c, &escaped) < 0:
        return -1
    inside.end = c.at - 1
    out[0] = slice_of(inside.at, h2_left(&inside))
    if not escaped:
        return 0
    to = <char *>arena_alloc(arena, out.n)
    if to == NULL:
        return -1
    out.p = to
    while inside.at < inside.end:
        if inside.at[0] == c"\\":
            inside.at += 1
            to = _put_point(to, _escape(&inside))
        else:
            to[0] = inside.at[0]
            to += 1
            inside.at += 1
    out.n = <uint32_t>(to - out.p)
    return 0


# -- arrays and objects

cdef int json_next(H2Cursor *c, char closing, bint first) noexcept nogil:
    _space(c)
    if h2_peek(c) == closing:
        c.at += 1
        return 0
    if first:
        return 1
    if h2_peek(c) != c",":
        return -1
    c.at += 1
    _space(c)
    return 1 if h2_peek(c) != closing else -1


cdef int _colon(H2Cursor *c) noexcept nogil:
    _space(c)
    if h2_peek(c) != c":":
        return -1
    c.at += 1
    return 0


cdef int json_member(H2Cursor *c, Arena *arena, Slice *name) noexcept nogil:
    _space(c)
    return _colon(c) if json_string(c, arena, name) == 0 else -1


cdef int _skip_name(H2Cursor *c) noexcept nogil:
    cdef bint escaped = False
    _space(c)
    if h2_peek(c) != c'"':
        return -1
    c.at += 1
    return _colon(c) if _string_end(c, &escaped) == 0 else -1


cdef int _skip_simple(H2Cursor *c, int kind) noexcept nogil:
    cdef Slice text
    cdef bint flag = False
    if kind == JSON_NUMBER:
        return json_number(c, &text, &flag)
    if kind != JSON_STRING:
        return -1 if kind == JSON_END else json_word(c, kind)
    c.at += 1
    return _string_end(c, &flag)


cdef int json_skip(H2Cursor *c) noexcept nogil:
    cdef char closings[JSON_MAX_DEPTH]
    cdef uint32_t depth = 0
    cdef bint first
    cdef int kind
    cdef int more
    while True:
        kind = json_kind(c)
        first = kind == JSON_ARRAY or kind == JSON_OBJECT
        if first:
            if depth == JSON_MAX_DEPTH:
                return -1
            closings[depth] = c"]" if kind == JSON_ARRAY else c"}"
            depth += 1
            c.at += 1
        elif _skip_simple(c, kind) < 0:
            return -1
        while depth:
            more = json_next(c, closings[depth - 1], first)
            if more:
                break
            depth -= 1
            first = False
        if depth == 0:
            return 0
        if more < 0 or (closings[depth - 1] == c"}" and _skip_name(c) < 0):
            return -1


cdef int json_check(const char *p, size_t n) noexcept nogil:
    cdef H2Cursor c = h2_cursor(p, n)
    if json_skip(&c) < 0:
        return -1
    _space(&c)
    return -1 if h2_left(&c) else 0
