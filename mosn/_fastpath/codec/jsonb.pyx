"""JSONB (contracts: jsonb.pxd)."""

from libc.stdint cimport int8_t, int32_t, int64_t, uint8_t, uint32_t
from libc.string cimport memset

from mosn._fastpath.codec.hessian2 cimport H2_MAX_DEPTH, H2Entry, h2_decimal
from mosn._fastpath.codec.hessian2_cursor cimport (
    H2Cursor, h2_ascii, h2_big_endian, h2_byte, h2_cursor, h2_left, h2_peek, h2_take,
)
from mosn._fastpath.codec.hessian2_string cimport H2_NULL, h2_join_surrogates, h2_put_unit
from mosn._fastpath.memory cimport Arena, BlockPool, Buf, Slice, arena_alloc, buf_append, slice_of

# What follows a tag.  Below SHORT_STRING: so many bytes and nothing else.
cdef enum Kind:
    SHORT_STRING = 16
    COUNTED                 # a length, so many bytes
    PREFIX                  # another value: a number for most, whose tag says how it is meant
    DECIMAL                 # two values: scale, digits
    TIME                    # 3 bytes, a value
    DATE_TIME               # 7 bytes, a value
    ZONED                   # 7 bytes, two values
    TIMESTAMP               # 8 bytes, a value
    TYPED
    SHORT_ARRAY
    ARRAY
    OBJECT
    BAD

cdef enum:
    STR_ASCII_FIX = 0x49
    STR_ASCII = 0x79
    STR_UTF8 = 0x7a
    STR_UTF16 = 0x7b        # with a byte order mark: nobody writes it, and it is not read
    STR_UTF16LE = 0x7c
    STR_UTF16BE = 0x7d
    ARRAY_FIX = 0x94
    FALSE = 0xb0
    TRUE = 0xb1

# What a container still has to come: a number of values, or until its end.
cdef enum:
    MOST_VALUES = 0x7fffffff
    UNTIL_END_NAME = 0x80000001
    UNTIL_END_VALUE = 0x80000002

cdef uint8_t KINDS[256]


def _fill_kinds() -> None:
    memset(KINDS, BAD, sizeof(KINDS))
    for first, last, kind in [
        (0x00, 0x2f, 0), (0x30, 0x3f, 1), (0x40, 0x47, 2), (0x48, 0x48, 4), (0x49, 0x78, SHORT_STRING),
        (0x79, 0x7e, COUNTED), (0x90, 0x90, PREFIX), (0x91, 0x91, COUNTED), (0x92, 0x92, TYPED),
        (0x93, 0x93, PREFIX), (0x94, 0xa3, SHORT_ARRAY), (0xa4, 0xa4, ARRAY), (0xa6, 0xa6, OBJECT), (0xa7, 0xa7, TIME),
        (0xa8, 0xa8, DATE_TIME), (0xa9, 0xa9, 4), (0xaa, 0xaa, ZONED), (0xab, 0xab, 8), (0xac, 0xad, 4),
        (0xae, 0xae, TIMESTAMP), (0xaf, 0xb3, 0), (0xb4, 0xb4, PREFIX), (0xb5, 0xb5, 8), (0xb6, 0xb6, PREFIX),
        (0xb7, 0xb7, 4), (0xb8, 0xb8, PREFIX), (0xb9, 0xb9, DECIMAL), (0xba, 0xba, PREFIX), (0xbb, 0xbb, COUNTED),
        (0xbc, 0xbc, 2), (0xbd, 0xbd, 1), (0xbe, 0xbe, 8), (0xbf, 0xbf, 4), (0xc0, 0xc7, 2), (0xc8, 0xd7, 1),
        (0xd8, 0xff, 0),
    ]:
        for tag in range(first, last + 1):
            KINDS[tag] = kind


_fill_kinds()


# -- numbers

cdef inline bint _is_int(int tag) noexcept nogil:
    return 0 <= tag <= 0x48 or tag >= 0xf0


cdef int _int_behind(H2Cursor *c, int tag, int32_t *out) noexcept nogil:
    if not _is_int(tag):
        return -1
    if tag <= 0x2f or tag >= 0xf0:
        out[0] = <int8_t>tag
    elif tag <= 0x3f and h2_left(c) >= 1:
        out[0] = ((tag - 0x38) * 256) + <int32_t>h2_big_endian(c, 1, 0)
    elif 0x40 <= tag <= 0x47 and h2_left(c) >= 2:
        out[0] = ((tag - 0x44) * 65536) + <int32_t>h2_big_endian(c, 2, 0)
    elif tag == 0x48 and h2_left(c) >= 4:
        out[0] = <int32_t><uint32_t>h2_big_endian(c, 4, 0)
    else:
        return -1
    return 0


cdef int jsonb_int(H2Cursor *c, int32_t *out) noexcept nogil:
    return _int_behind(c, h2_byte(c), out)


cdef int _long_behind(H2Cursor *c, int tag, int64_t *out) noexcept nogil:
    cdef int64_t n = KINDS[tag] if tag >= 0 else BAD
    if n > 8 or <size_t>n > h2_left(c):
        return -1
    if 0xd8 <= tag <= 0xef:
        out[0] = tag - 0xe0
    elif 0xc8 <= tag <= 0xd7:
        out[0] = ((tag - 0xd0) * 256) + h2_big_endian(c, 1, 0)
    elif 0xc0 <= tag <= 0xc7:
        out[0] = ((tag - 0xc4) * 65536) + h2_big_endian(c, 2, 0)
    elif tag == 0xbf:
        out[0] = <int32_t><uint32_t>h2_big_endian(c, 4, 0)
    elif tag == 0xbe:
        out[0] = h2_big_endian(c, 8, 0)
    elif tag == 0xbd or tag == 0xbc:
        out[0] = h2_big_endian(c, <uint32_t>n, 0)
        out[0] = <int8_t>out[0] if n == 1 else out[0] - ((out[0] & 0x8000) << 1)
    else:
        return -1
    return 0


cdef int jsonb_long(H2Cursor *c, int64_t *out) noexcept nogil:
    cdef int32_t small = 0
    cdef int tag = h2_byte(c)
    if _is_int(tag):
        if _int_behind(c, tag, &small) < 0:
            return -1
        out[0] = small
        return 0
    return _long_behind(c, tag, out)


cdef inline int64_t _length(H2Cursor *c) noexcept nogil:
    # A length or a count; everything that is counted takes at least a byte.
    cdef int32_t n = 0
    if jsonb_int(c, &n) < 0 or n < 0 or <size_t>n > h2_left(c):
        return -1
    return n


# -- stepping over

cdef int _skip_counted(H2Cursor *c) noexcept nogil:
    cdef int64_t n = _length(c)
    return -1 if n < 0 or h2_take(c, <size_t>n) == NULL else 0


cdef int _skip_symbol(H2Cursor *c) noexcept nogil:
    # The number of one that is known; or a string and its number.
    cdef int32_t number = 0
    if not _is_int(h2_peek(c)):
        if KINDS[h2_peek(c) & 255] == SHORT_STRING:
            if h2_take(c, <size_t>(h2_byte(c) - STR_ASCII_FIX)) == NULL:
                return -1
        elif not STR_ASCII <= h2_byte(c) < JSONB_SYMBOL or _skip_counted(c) < 0:
            return -1
    return jsonb_int(c, &number)


cdef int64_t _behind(H2Cursor *c, size_t n, int64_t values) noexcept nogil:
    return values if h2_take(c, n) != NULL else -1


cdef int64_t _begin(H2Cursor *c) noexcept nogil:
    # Step over a value up to its first element; how many follow (0 for a simple value), UNTIL_END_NAME, or -1.
    cdef int tag = h2_byte(c)
    cdef uint8_t kind
    if tag < 0:
        return -1
    kind = KINDS[tag]
    if kind < SHORT_STRING:
        return _behind(c, kind, 0)
    if kind == SHORT_STRING:
        return _behind(c, <size_t>(tag - STR_ASCII_FIX), 0)
    if kind == COUNTED:
        return _skip_counted(c)
    if kind == OBJECT:
        return UNTIL_END_NAME
    if kind == SHORT_ARRAY:
        return tag - ARRAY_FIX
    if kind == ARRAY:
        return _length(c)
    return _begin_rare(c, kind)


cdef int64_t _begin_rare(H2Cursor *c, uint8_t kind) noexcept nogil:
    if kind == TYPED:
        return 1 if _skip_symbol(c) == 0 else -1
    if kind == PREFIX:
        return 1
    if kind == DECIMAL:
        return 2
    if kind == TIME:
        return _behind(c, 3, 1)
    if kind == DATE_TIME:
        return _behind(c, 7, 1)
    if kind == ZONED:
        return _behind(c, 7, 2)
    return _behind(c, 8, 1) if kind == TIMESTAMP else -1


cdef inline int _ends(H2Cursor *c, uint32_t *pending) noexcept nogil:
    # 1 when the container with `pending` ends here; counts the value that comes otherwise (2: a name that was taken).
    if pending[0] <= MOST_VALUES:
        if pending[0] == 0:
            return 1
        pending[0] -= 1
        return 0
    if pending[0] == UNTIL_END_VALUE:
        pending[0] = UNTIL_END_NAME
        return 0
    if h2_peek(c) == JSONB_OBJECT_END:
        c.at += 1
        return 1
    pending[0] = UNTIL_END_VALUE
    if h2_peek(c) == JSONB_SYMBOL:
        c.at += 1
        return 2 if _skip_symbol(c) == 0 else -1
    return 0


cdef int jsonb_skip(H2Cursor *c) noexcept nogil:
    cdef uint32_t outer[H2_MAX_DEPTH]
    cdef uint32_t depth = 0
    cdef uint32_t pending = 1
    cdef int64_t inner
    cdef int end
    while True:
        end = _ends(c, &pending)
        if end < 0:
            return -1
        if end == 1:
            if depth == 0:
                return 0
            depth -= 1
            pending = outer[depth]
        if end:
            continue
        inner = _begin(c)
        if inner < 0:
            return -1
        if inner == 0:
            continue
        # Nothing is remembered of a container whose last element this is.
        if pending:
            if depth == H2_MAX_DEPTH:
                return -1
            outer[depth] = pending
            depth += 1
        pending = <uint32_t>inner


# -- strings

cdef int _from_latin1(const char *p, size_t n, Arena *arena, Slice *out) noexcept nogil:
    cdef char *text = <char *>arena_alloc(arena, 2 * n)
    cdef char *to = text
    cdef size_t i
    if text == NULL:
        return -1
    for i in range(n):
        to = h2_put_unit(to, <uint8_t>p[i])
    out[0] = slice_of(text, <size_t>(to - text))
    return 0


cdef int _from_utf16(const char *p, size_t n, uint32_t low, Arena *arena, Slice *out) noexcept nogil:
    # `low` is where the low byte of a unit is: 0 or 1.
    cdef char *text
    cdef char *to
    cdef size_t i
    if n & 1:
        return -1
    text = to = <char *>arena_alloc(arena, n + (n >> 1))
    if text == NULL:
        return -1
    for i in range(n >> 1):
        to = h2_put_unit(to, <uint8_t>p[2 * i + low] | (<uint32_t><uint8_t>p[2 * i + 1 - low] << 8))
    out[0] = slice_of(text, h2_join_surrogates(text, <size_t>(to - text)))
    return 0


cdef bint _valid_utf8(const char *p, size_t n) noexcept nogil:
    cdef H2Cursor c = h2_cursor(p, n)
    cdef uint32_t point
    cdef int first
    cdef int _i
    while h2_left(&c):
        h2_ascii(&c, h2_left(&c))
        first = h2_byte(&c)
        if first < 0:
            break
        if first < 0xc2 or first > 0xf4:
            return False
        point = first & (0x1f if first < 0xe0 else 0x0f if first < 0xf0 else 0x07)
        for _i in range(1 if first < 0xe0 else 2 if first < 0xf0 else 3):
            if h2_left(&c) == 0 or <uint8_t>c.at[0] & 0xc0 != 0x80:
                return False
            point = (point << 6) | <uint32_t>(h2_byte(&c) & 0x3f)
        if point > 0x10ffff or point < (0x80 if first < 0xe0 else 0x800 if first < 0xf0 else 0x10000):
            return False
    return True


cdef int jsonb_string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil:
    cdef int tag = h2_byte(c)
    cdef H2Cursor text
    cdef int64_t n
    cdef const char *p
    out[0] = slice_of(NULL, 0)
    if tag == JSONB_NULL:
        return H2_NULL
    if tag < STR_ASCII_FIX or tag > STR_UTF16BE or tag == STR_UTF16:
        return -1
    n = _length(c) if tag >= STR_ASCII else tag - STR_ASCII_FIX
    p = h2_take(c, <size_t>n) if n >= 0 else NULL
    if p == NULL:
        return -1
    if tag == STR_UTF16LE or tag == STR_UTF16BE:
        return _from_utf16(p, <size_t>n, tag - STR_UTF16LE, arena, out)
    text = h2_cursor(p, <size_t>n)
    out[0] = slice_of(p, <size_t>n)
    if h2_ascii(&text, <size_t>n) == <size_t>n:
        return 0
    if tag <= STR_ASCII:
        return _from_latin1(p, <size_t>n, arena, out)
    return 0 if _valid_utf8(p, <size_t>n) else -1


# -- objects

cdef int jsonb_object(H2Cursor *c) noexcept nogil:
    cdef int tag = h2_byte(c)
    if tag == JSONB_NULL:
        return H2_NULL
    if tag == JSONB_TYPED:
        if _skip_symbol(c) < 0:
            return -1
        tag = h2_byte(c)
    return 0 if tag == JSONB_OBJECT else -1


cdef inline bint _is_string(int tag) noexcept nogil:
    return STR_ASCII_FIX <= tag <= STR_UTF8 or tag == STR_UTF16LE or tag == STR_UTF16BE


cdef int _text(H2Cursor *c, Arena *arena, H2Entry *out) noexcept nogil:
    # A value that has a short text; anything else is stepped over.
    cdef int64_t number = 0
    cdef int tag = h2_peek(c)
    cdef H2Cursor start = c[0]
    out.value_is_text = True
    if _is_string(tag):
        return jsonb_string(c, arena, &out.value)
    if tag == TRUE or tag == FALSE:
        c.at += 1
        out.value = slice_of(b"true", 4) if tag == TRUE else slice_of(b"false", 5)
        return 0
    if jsonb_long(c, &number) == 0:
        out.value = h2_decimal(arena, number)
        return 0 if out.value.p != NULL else -1
    c[0] = start
    out.value_is_text = False
    return jsonb_skip(c)


cdef int jsonb_entry(H2Cursor *c, Arena *arena, H2Entry *out) noexcept nogil:
    cdef int tag = h2_peek(c)
    if tag == JSONB_OBJECT_END:
        c.at += 1
        return 0
    out.start = c.at
    out.key_is_text = _is_string(tag)
    out.key = out.value = slice_of(NULL, 0)
    # A string in an encoding that is not read here would hide a name.
    if (jsonb_string(c, arena, &out.key) if STR_ASCII_FIX <= tag < JSONB_SYMBOL else jsonb_skip(c)) < 0:
        return -1
    out.value_start = c.at
    if _text(c, arena, out) < 0:
        return -1
    out.end = c.at
    return 1


# -- writing

cdef int jsonb_put_string(BlockPool *pool, Buf *out, Slice text) noexcept nogil:
    cdef H2Cursor c = h2_cursor(text.p, text.n)
    cdef bint ascii = h2_ascii(&c, text.n) == text.n
    cdef uint32_t n = 6
    cdef char head[6]
    if ascii and text.n <= STR_ASCII - STR_ASCII_FIX - 1:
        head[0] = <char>(STR_ASCII_FIX + text.n)
        n = 1
    else:
        head[0] = STR_ASCII if ascii else STR_UTF8
        head[1] = 0x48
        head[2] = <char>(text.n >> 24)
        head[3] = <char>(text.n >> 16)
        head[4] = <char>(text.n >> 8)
        head[5] = <char>text.n
    return -1 if buf_append(pool, out, head, n) < 0 else buf_append(pool, out, text.p, text.n)
