"""Hessian 2.0: stepping over values and reading simple ones (contracts: hessian2.pxd)."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from mosn._fastpath.codec.hessian2_cursor cimport (
    H2Cursor, h2_big_endian, h2_byte, h2_cursor, h2_left, h2_peek, h2_take,
)
from mosn._fastpath.codec.hessian2_string cimport H2_NULL, h2_is_string, h2_skip_string
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_of

# What follows a tag.  Below STRING: so many bytes and nothing else.
cdef enum Kind:
    STRING = 16
    BINARY
    CLASS
    MAP
    TYPED_MAP
    OBJECT
    DIRECT_OBJECT
    LIST
    UNTYPED_LIST
    FIXED_LIST
    FIXED_UNTYPED_LIST
    DIRECT_LIST
    DIRECT_UNTYPED_LIST
    REFERENCE
    BAD

# What a container still has to come: a number of values, or until its end.
cdef enum:
    MOST_VALUES = 0x7fffffff
    UNTIL_END = 0x80000000
    UNTIL_END_KEY = 0x80000001          # a map, in front of a key
    UNTIL_END_VALUE = 0x80000002

cdef enum:
    FIRST_CLASSES = 16

cdef uint8_t KINDS[256]


def _fill_kinds() -> None:
    spans = [
        (0x00, 0x1f, STRING), (0x20, 0x2f, BINARY), (0x30, 0x33, STRING), (0x34, 0x37, BINARY), (0x38, 0x3f, 2),
        (0x5b, 0x5c, 0), (0x5d, 0x5d, 1), (0x5e, 0x5e, 2), (0x5f, 0x5f, 4), (0x60, 0x6f, DIRECT_OBJECT),
        (0x70, 0x77, DIRECT_LIST), (0x78, 0x7f, DIRECT_UNTYPED_LIST),
        (0x80, 0xbf, 0), (0xc0, 0xcf, 1), (0xd0, 0xd7, 2), (0xd8, 0xef, 0), (0xf0, 0xff, 1),
    ]
    letters = {
        "A": BINARY, "B": BINARY, "C": CLASS, "D": 8, "F": 0, "H": MAP, "I": 4, "J": 8, "K": 4, "L": 8,
        "M": TYPED_MAP, "N": 0, "O": OBJECT, "Q": REFERENCE, "R": STRING, "S": STRING, "T": 0, "U": LIST,
        "V": FIXED_LIST, "W": UNTYPED_LIST, "X": FIXED_UNTYPED_LIST, "Y": 4,
    }
    memset(KINDS, BAD, sizeof(KINDS))
    for first, last, kind in spans:
        for tag in range(first, last + 1):
            KINDS[tag] = kind
    for letter, kind in letters.items():
        KINDS[ord(letter)] = kind


_fill_kinds()


cdef void h2_init(H2Reader *r, const char *p, size_t n, Arena *arena) noexcept nogil:
    memset(r, 0, sizeof(H2Reader))
    r.c = h2_cursor(p, n)
    r.arena = arena


# -- numbers

cdef inline int _int_behind(H2Cursor *c, int tag, int32_t *out) noexcept nogil:
    if 0x80 <= tag <= 0xbf:
        out[0] = tag - 0x90
    elif 0xc0 <= tag <= 0xcf and h2_left(c) >= 1:
        out[0] = ((tag - 0xc8) * 256) + <int32_t>h2_big_endian(c, 1, 0)
    elif 0xd0 <= tag <= 0xd7 and h2_left(c) >= 2:
        out[0] = ((tag - 0xd4) * 65536) + <int32_t>h2_big_endian(c, 2, 0)
    elif tag == c"I" and h2_left(c) >= 4:
        out[0] = <int32_t><uint32_t>h2_big_endian(c, 4, 0)
    else:
        return -1
    return 0


cdef int h2_int(H2Reader *r, int32_t *out) noexcept nogil:
    return _int_behind(&r.c, h2_byte(&r.c), out)


cdef int _long_behind(H2Cursor *c, int tag, int64_t *out) noexcept nogil:
    if 0xd8 <= tag <= 0xef:
        out[0] = tag - 0xe0
    elif 0xf0 <= tag <= 0xff and h2_left(c) >= 1:
        out[0] = ((tag - 0xf8) * 256) + h2_big_endian(c, 1, 0)
    elif 0x38 <= tag <= 0x3f and h2_left(c) >= 2:
        out[0] = ((tag - 0x3c) * 65536) + h2_big_endian(c, 2, 0)
    elif tag == c"Y" and h2_left(c) >= 4:
        out[0] = <int32_t><uint32_t>h2_big_endian(c, 4, 0)
    elif tag == c"L" and h2_left(c) >= 8:
        out[0] = h2_big_endian(c, 8, 0)
    else:
        return -1
    return 0


cdef int h2_long(H2Reader *r, int64_t *out) noexcept nogil:
    cdef int32_t small = 0
    cdef int tag = h2_byte(&r.c)
    if _int_behind(&r.c, tag, &small) == 0:
        out[0] = small
        return 0
    return _long_behind(&r.c, tag, out)


cdef Slice h2_decimal(Arena *arena, int64_t value) noexcept nogil:
    cdef char *text = <char *>arena_alloc(arena, 24)
    cdef uint64_t left = <uint64_t>value if value >= 0 else <uint64_t>0 - <uint64_t>value
    cdef uint32_t at = 24
    if text == NULL:
        return slice_of(NULL, 0)
    while True:
        at -= 1
        text[at] = <char>(c"0" + left % 10)
        left //= 10
        if left == 0:
            break
    if value < 0:
        at -= 1
        text[at] = c"-"
    return slice_of(text + at, 24 - at)


# -- stepping over

cdef int _skip_binary(H2Cursor *c, int tag) noexcept nogil:
    cdef int byte
    cdef size_t n
    while True:
        if 0x20 <= tag < 0x30:
            n = <size_t>(tag - 0x20)
        elif 0x34 <= tag <= 0x37:
            byte = h2_byte(c)
            if byte < 0:
                return -1
            n = <size_t>(((tag - 0x34) << 8) + byte)
        elif (tag == c"A" or tag == c"B") and h2_left(c) >= 2:
            n = <size_t>h2_big_endian(c, 2, 0)
        else:
            return -1
        if h2_take(c, n) == NULL:
            return -1
        if tag != c"A":
            return 0
        tag = h2_byte(c)


cdef inline int64_t _count(H2Reader *r) noexcept nogil:
    # A number of values to come: each takes at least one byte.
    cdef int32_t n = 0
    if h2_int(r, &n) < 0 or n < 0 or <size_t>n > h2_left(&r.c):
        return -1
    return n


cdef inline int _skip_type(H2Reader *r) noexcept nogil:
    # type: a string, or an int that refers to an earlier one.
    cdef int32_t index = 0
    cdef int tag = h2_byte(&r.c)
    if _int_behind(&r.c, tag, &index) == 0:
        return 0
    # Surrogates in it are nobody's business.
    return -1 if h2_skip_string(&r.c, tag) < 0 else 0


cdef int _grow_classes(H2Reader *r) noexcept nogil:
    cdef uint32_t capacity = FIRST_CLASSES if r.capacity == 0 else 2 * r.capacity
    cdef uint32_t *fields = <uint32_t *>arena_alloc(r.arena, capacity * sizeof(uint32_t))
    if fields == NULL:
        return -1
    if r.classes:
        memcpy(fields, r.class_fields, r.classes * sizeof(uint32_t))
    r.class_fields = fields
    r.capacity = capacity
    return 0


cdef int _define_class(H2Reader *r) noexcept nogil:
    cdef int64_t fields
    cdef int64_t _i
    if h2_skip_string(&r.c, h2_byte(&r.c)) < 0:
        return -1
    fields = _count(r)
    if fields < 0 or (r.classes == r.capacity and _grow_classes(r) < 0):
        return -1
    for _i in range(fields):
        if h2_skip_string(&r.c, h2_byte(&r.c)) < 0:
            return -1
    r.class_fields[r.classes] = <uint32_t>fields
    r.classes += 1
    return 0


cdef inline int64_t _fields_of(H2Reader *r, int64_t index) noexcept nogil:
    return r.class_fields[index] if 0 <= index < r.classes else -1


cdef int64_t _object(H2Reader *r) noexcept nogil:
    cdef int32_t index = 0
    return _fields_of(r, index) if h2_int(r, &index) == 0 else -1


cdef int64_t _container(H2Reader *r, int tag, uint8_t kind) noexcept nogil:
    # How many values are in what this tag begins: a number, UNTIL_END, UNTIL_END_KEY, or -1.
    if kind == OBJECT:
        return _object(r)
    if kind == DIRECT_OBJECT:
        return _fields_of(r, tag - 0x60)
    if kind == CLASS:
        return 1 if _define_class(r) == 0 else -1       # the object itself follows
    if kind == MAP:
        return UNTIL_END_KEY
    if kind == UNTYPED_LIST:
        return UNTIL_END
    if kind == FIXED_UNTYPED_LIST:
        return _count(r)
    if kind == DIRECT_UNTYPED_LIST:
        return tag - 0x78
    # The others have a type.
    if kind == BAD or _skip_type(r) < 0:
        return -1
    if kind == TYPED_MAP:
        return UNTIL_END_KEY
    if kind == LIST:
        return UNTIL_END
    return _count(r) if kind == FIXED_LIST else tag - 0x70


cdef inline int64_t _begin(H2Reader *r) noexcept nogil:
    # Step over a value up to its first element; how many follow (0 for a simple value), or -1.
    cdef int32_t index = 0
    cdef int tag = h2_byte(&r.c)
    cdef uint8_t kind
    if tag < 0:
        return -1
    kind = KINDS[tag]
    if kind < STRING:
        return 0 if h2_take(&r.c, kind) != NULL else -1
    if kind == STRING:
        return 0 if h2_skip_string(&r.c, tag) >= 0 else -1
    if kind == BINARY:
        return _skip_binary(&r.c, tag)
    if kind == REFERENCE:
        return h2_int(r, &index)
    return _container(r, tag, kind)


cdef inline bint _ends(H2Reader *r, uint32_t *pending) noexcept nogil:
    # Does the container with `pending` end here?  Counts the value that comes otherwise.
    if pending[0] <= MOST_VALUES:
        if pending[0] == 0:
            return True
        pending[0] -= 1
    elif pending[0] == UNTIL_END_VALUE:
        pending[0] = UNTIL_END_KEY
    elif h2_peek(&r.c) == c"Z":
        r.c.at += 1
        return True
    elif pending[0] == UNTIL_END_KEY:
        pending[0] = UNTIL_END_VALUE
    return False


cdef int h2_skip(H2Reader *r) noexcept nogil:
    cdef uint32_t outer[H2_MAX_DEPTH]
    cdef uint32_t depth = 0
    cdef uint32_t pending = 1
    cdef int64_t inner
    while True:
        if _ends(r, &pending):
            if depth == 0:
                return 0
            depth -= 1
            pending = outer[depth]
            continue
        inner = _begin(r)
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


# -- maps

cdef int h2_map(H2Reader *r) noexcept nogil:
    cdef int tag = h2_byte(&r.c)
    if tag == c"N":
        return H2_NULL
    if tag == c"H":
        return 0
    return _skip_type(r) if tag == c"M" else -1


cdef int _text(H2Reader *r, H2Entry *out) noexcept nogil:
    # A value that has a short text; anything else is stepped over.
    cdef int64_t number = 0
    cdef int tag = h2_peek(&r.c)
    cdef H2Cursor start = r.c
    out.value_is_text = True
    if tag < 0:
        return -1
    if h2_is_string(tag):
        return h2_string(r, &out.value)
    if tag == c"T" or tag == c"F":
        r.c.at += 1
        out.value = slice_of(b"true", 4) if tag == c"T" else slice_of(b"false", 5)
        return 0
    if h2_long(r, &number) == 0:
        out.value = h2_decimal(r.arena, number)
        return 0 if out.value.p != NULL else -1
    r.c = start
    out.value_is_text = False
    return h2_skip(r)


cdef int h2_entry(H2Reader *r, H2Entry *out) noexcept nogil:
    cdef int tag = h2_peek(&r.c)
    if tag < 0:
        return -1
    if tag == c"Z":
        r.c.at += 1
        return 0
    out.start = r.c.at
    out.key_is_text = h2_is_string(tag)
    out.key = out.value = slice_of(NULL, 0)
    if (h2_string(r, &out.key) if out.key_is_text else h2_skip(r)) < 0:
        return -1
    out.value_start = r.c.at
    if _text(r, out) < 0:
        return -1
    out.end = r.c.at
    return 1
