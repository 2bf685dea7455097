"""Method and service of a SofaRequest (contracts: hessian2_sofa.pxd)."""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport memset

from mosn._fastpath.codec.hessian2 cimport H2_MAX_DEPTH, H2Reader, h2_init, h2_int
from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor, h2_big_endian, h2_byte, h2_left, h2_peek, h2_take
from mosn._fastpath.codec.hessian2_string cimport h2_read_string, h2_units
from mosn._fastpath.memory cimport Arena, Slice, slice_is, slice_of

cdef enum:
    MAX_FIELDS = 32             # SofaRequest has five
    METHOD = 1
    SERVICE = 2

# What follows a tag of the draft.  Below STRING: so many bytes and nothing else.
cdef enum Kind:
    STRING = 16
    BINARY
    MAP
    LIST
    BAD

cdef uint8_t KINDS[256]


def _fill_kinds() -> None:
    spans = [
        (0x00, 0x1f, STRING), (0x20, 0x2f, BINARY), (0x38, 0x3f, 2), (0x80, 0xbf, 0), (0xc0, 0xcf, 1),
        (0xd0, 0xd7, 2), (0xd8, 0xef, 0), (0xf0, 0xff, 1),
    ]
    letters = {
        "B": BINARY, "D": 8, "F": 0, "I": 4, "J": 1, "K": 2, "L": 8, "M": MAP, "N": 0, "R": 4, "S": STRING, "T": 0,
        "V": LIST, "b": BINARY, "d": 8, "g": 0, "h": 0, "i": 1, "j": 2, "k": 4, "s": STRING, "w": 4,
    }
    memset(KINDS, BAD, sizeof(KINDS))
    for first, last, kind in spans:
        for tag in range(first, last + 1):
            KINDS[tag] = kind
    for letter, kind in letters.items():
        KINDS[ord(letter)] = kind


_fill_kinds()


# -- stepping over: strings, numbers, maps and lists; no objects

cdef int _skip_string(H2Cursor *c, int tag) noexcept nogil:
    while True:
        if 0 <= tag < 0x20:
            return -1 if h2_units(c, <size_t>tag) < 0 else 0
        if (tag != c"S" and tag != c"s") or h2_left(c) < 2:
            return -1
        if h2_units(c, <size_t>h2_big_endian(c, 2, 0)) < 0:
            return -1
        if tag == c"S":
            return 0
        tag = h2_byte(c)


cdef int _skip_binary(H2Cursor *c, int tag) noexcept nogil:
    while True:
        if 0x20 <= tag < 0x30:
            return -1 if h2_take(c, <size_t>(tag - 0x20)) == NULL else 0
        if (tag != c"B" and tag != c"b") or h2_left(c) < 2:
            return -1
        if h2_take(c, <size_t>h2_big_endian(c, 2, 0)) == NULL:
            return -1
        if tag == c"B":
            return 0
        tag = h2_byte(c)


cdef int _skip_list_head(H2Cursor *c) noexcept nogil:
    # [type] [length]; type: "t" and two bytes of length, or "T" and a reference.
    if _skip_type(c) < 0:
        return -1
    if h2_peek(c) == c"n":
        return -1 if h2_take(c, 2) == NULL else 0
    if h2_peek(c) == c"l":
        return -1 if h2_take(c, 5) == NULL else 0
    return 0


cdef int _skip_type(H2Cursor *c) noexcept nogil:
    if h2_peek(c) == c"T" and h2_left(c) >= 5:
        c.at += 5
    elif h2_peek(c) == c"u":
        return -1 if h2_take(c, 2) == NULL else 0
    elif h2_peek(c) == c"t":
        c.at += 1
        return -1 if h2_left(c) < 2 or h2_take(c, <size_t>h2_big_endian(c, 2, 0)) == NULL else 0
    return 0


cdef int _begin(H2Cursor *c) noexcept nogil:
    # Step over a value up to its first element: 0, 1 when elements and a "z" follow, -1.
    cdef int tag = h2_byte(c)
    cdef uint8_t kind = KINDS[tag] if tag >= 0 else BAD
    if kind < STRING:
        return -1 if h2_take(c, kind) == NULL else 0
    if kind == STRING:
        return _skip_string(c, tag)
    if kind == BINARY:
        return _skip_binary(c, tag)
    if kind == MAP:
        return -1 if _skip_type(c) < 0 else 1
    return 1 if kind == LIST and _skip_list_head(c) == 0 else -1


cdef int _skip(H2Cursor *c) noexcept nogil:
    cdef uint32_t depth = 0
    cdef int inner
    while True:
        if depth and h2_peek(c) == c"z":
            c.at += 1
            depth -= 1
        else:
            inner = _begin(c)
            if inner < 0 or depth == H2_MAX_DEPTH:
                return -1
            depth += <uint32_t>inner
        if depth == 0:
            return 0


# -- the request

cdef int _string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil:
    # A string in one piece, or null; service and method names are no longer.
    cdef int tag = h2_peek(c)
    out[0] = slice_of(NULL, 0)
    if 0 <= tag < 0x20 or tag == c"S" or tag == c"N":
        return -1 if h2_read_string(c, arena, out) < 0 else 0
    return -1


cdef int _is_sofa_request(H2Reader *r) noexcept nogil:
    # "O", the length of the name as an int, the name.
    cdef int32_t n = 0
    cdef const char *name
    if h2_byte(&r.c) != c"O" or h2_int(r, &n) < 0 or n < 0:
        return False
    name = h2_take(&r.c, <size_t>n)
    return name != NULL and slice_is(slice_of(name, <size_t>n), b"com.alipay.sofa.rpc.core.request.SofaRequest")


cdef int _fields(H2Reader *r, uint8_t *fields) noexcept nogil:
    # What each field is: METHOD, SERVICE or 0; their number, or -1.
    cdef int32_t count = 0
    cdef Slice name
    cdef int32_t i
    if h2_int(r, &count) < 0 or count < 0 or count > MAX_FIELDS:
        return -1
    for i in range(count):
        if _string(&r.c, r.arena, &name) < 0:
            return -1
        fields[i] = METHOD if slice_is(name, b"methodName") else 0
        if slice_is(name, b"targetServiceUniqueName"):
            fields[i] = SERVICE
    return count


cdef int h2_sofa_request(const char *p, size_t n, Arena *arena, Slice *method, Slice *service) noexcept nogil:
    cdef H2Reader r
    cdef uint8_t fields[MAX_FIELDS]
    cdef int32_t index = -1
    cdef int found = 0
    cdef int done = 0
    cdef int count, i
    method[0] = service[0] = slice_of(NULL, 0)
    h2_init(&r, p, n, arena)
    if not _is_sofa_request(&r):
        return -1
    count = _fields(&r, fields)
    if count < 0 or h2_byte(&r.c) != c"o" or h2_int(&r, &index) < 0 or index != 0:
        return -1
    for i in range(count):
        if fields[i]:
            done = _string(&r.c, arena, method if fields[i] == METHOD else service)
            found |= fields[i]
        else:
            done = _skip(&r.c)
        if done < 0 or found == METHOD | SERVICE:
            return done
    return 0
