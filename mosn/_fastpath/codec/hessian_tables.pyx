"""What a stream of Hessian values has defined (contracts: hessian_tables.pxd)."""

from libc.stdint cimport int32_t, int64_t, uint32_t
from libc.string cimport memcpy, memset

from mosn._fastpath.codec.hessian2_cursor cimport h2_big_endian, h2_byte, h2_cursor, h2_left, h2_peek, h2_take
from mosn._fastpath.codec.hessian_scalar cimport hs_int, hs_string
from mosn._fastpath.codec.json_write cimport JsonOut
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, buf_len, slice_of

cdef enum:
    FIRST_CAPACITY = 16
    MOST_TYPES = 65536


cdef void hj_init(HessianIn *h, const char *p, size_t n, Arena *arena, JsonOut *json, bint draft) noexcept nogil:
    memset(h, 0, sizeof(HessianIn))
    h.c = h2_cursor(p, n)
    h.arena = arena
    h.json = json
    h.draft = draft


# -- tables

cdef void *_room(HessianIn *h, void *table, uint32_t count, uint32_t *capacity, size_t size,
                 uint32_t most) noexcept nogil:
    # The table with room for one more, or NULL: too many, or no memory.
    cdef uint32_t larger = FIRST_CAPACITY if capacity[0] == 0 else 2 * capacity[0]
    cdef void *copy
    if count < capacity[0]:
        return table
    copy = arena_alloc(h.arena, larger * size) if count < most else NULL
    if copy == NULL:
        return NULL
    if count:
        memcpy(copy, table, count * size)
    capacity[0] = larger
    return copy


cdef int _add_type(HessianIn *h, Slice type) noexcept nogil:
    cdef void *table = _room(h, h.types, h.type_count, &h.type_capacity, sizeof(Slice), MOST_TYPES)
    if table == NULL:
        return -1
    h.types = <Slice *>table
    h.types[h.type_count] = type
    h.type_count += 1
    return 0


cdef int _add_field(HessianIn *h) noexcept nogil:
    cdef void *table = _room(h, h.fields, h.field_count, &h.field_capacity, sizeof(Slice), HJ_MOST_FIELDS)
    if table == NULL:
        return -1
    h.fields = <Slice *>table
    if hs_string(&h.c, h.draft, h.arena, &h.fields[h.field_count]) < 0:
        return -1
    h.field_count += 1
    return 0


cdef int64_t hessian_container(HessianIn *h) noexcept nogil:
    # Its number, for references to it; -1.
    cdef void *table = _room(h, h.rendered, h.container_count, &h.container_capacity, sizeof(Rendered),
                             HJ_MOST_CONTAINERS)
    if table == NULL:
        return -1
    h.rendered = <Rendered *>table
    h.rendered[h.container_count].start = buf_len(h.json.out)
    h.rendered[h.container_count].end = 0
    h.container_count += 1
    return h.container_count - 1


# -- classes and types

cdef int _class_name(HessianIn *h, Slice *out) noexcept nogil:
    # The draft writes an int and as many characters.
    cdef int32_t n = 0
    cdef const char *p
    if not h.draft:
        return 0 if hs_string(&h.c, False, h.arena, out) == 0 else -1
    if hs_int(&h.c, &n) < 0 or n < 0:
        return -1
    p = h2_take(&h.c, <size_t>n)
    if p == NULL:
        return -1
    out[0] = slice_of(p, <size_t>n)
    return 0


cdef int _define(HessianIn *h) noexcept nogil:
    # Behind "C" (in the draft "O").
    cdef HessianClass *made
    cdef int32_t fields = 0
    cdef int32_t _i
    cdef void *table = _room(h, h.classes, h.class_count, &h.class_capacity, sizeof(HessianClass), HJ_MOST_CLASSES)
    if table == NULL:
        return -1
    h.classes = <HessianClass *>table
    made = &h.classes[h.class_count]
    made.first = h.field_count
    if _class_name(h, &made.name) < 0 or hs_int(&h.c, &fields) < 0 or fields < 0:
        return -1
    if <size_t>fields > h2_left(&h.c):
        return -1
    for _i in range(fields):
        if _add_field(h) < 0:
            return -1
    made.count = <uint32_t>fields
    h.class_count += 1
    return 0


cdef int hessian_type_reference(HessianIn *h, Slice *out) noexcept nogil:
    cdef int32_t number = 0
    if hs_int(&h.c, &number) < 0 or not 0 <= number < <int32_t>h.type_count:
        return -1
    out[0] = h.types[number]
    return 0


cdef int hessian_type(HessianIn *h, Slice *out) noexcept nogil:
    # The type of a list or map; in the draft there may be none.
    cdef const char *p
    cdef size_t n
    out[0] = slice_of(NULL, 0)
    if not h.draft:
        if 0x80 <= h2_peek(&h.c) < 0xd8 or h2_peek(&h.c) == c"I":
            return hessian_type_reference(h, out)
        return _add_type(h, out[0]) if hs_string(&h.c, False, h.arena, out) == 0 else -1
    if h2_peek(&h.c) == c"u" or h2_peek(&h.c) == c"T":
        h.c.at += 1
        return hessian_type_reference(h, out)
    if h2_peek(&h.c) != c"t":
        return 0
    h.c.at += 1
    if h2_left(&h.c) < 2:
        return -1
    n = <size_t>h2_big_endian(&h.c, 2, 0)
    p = h2_take(&h.c, n)
    if p == NULL:
        return -1
    out[0] = slice_of(p, n)
    return _add_type(h, out[0])


cdef int64_t hessian_object_class(HessianIn *h, int tag) noexcept nogil:
    # The number of the class of the object whose tag was taken; definitions in front of it are taken, too.  -1.
    cdef int32_t number = 0
    while tag == (c"O" if h.draft else c"C"):
        if _define(h) < 0:
            return -1
        tag = h2_byte(&h.c)
    if not h.draft and 0x60 <= tag <= 0x6f:
        number = tag - 0x60
    elif tag != (c"o" if h.draft else c"O") or hs_int(&h.c, &number) < 0:
        return -1
    return number if 0 <= number < <int32_t>h.class_count else -1
