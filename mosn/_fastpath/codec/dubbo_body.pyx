"""Reading the body of a Dubbo request (contracts: dubbo_body.pxd)."""

from libc.string cimport memchr

from mosn._fastpath.codec.dubbo cimport DUBBO_FASTJSON2, DUBBO_HEAD
from mosn._fastpath.codec.frame cimport Frame, be32
from mosn._fastpath.codec.hessian2 cimport H2Entry, h2_entry, h2_init, h2_map, h2_skip, h2_string
from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor, h2_cursor, h2_left, h2_take
from mosn._fastpath.codec.hessian2_string cimport H2_NULL
from mosn._fastpath.codec.jsonb cimport jsonb_entry, jsonb_object, jsonb_string
from mosn._fastpath.memory cimport Arena, Slice


cdef void dubbo_body(DubboBody *b, const char *p, const Frame *frame, Arena *arena) noexcept nogil:
    h2_init(&b.hessian, p + DUBBO_HEAD, frame.length - DUBBO_HEAD, arena)
    b.jsonb = frame.serialization == DUBBO_FASTJSON2
    b.map_start = NULL


cdef int _document(DubboBody *b, H2Cursor *out) noexcept nogil:
    # The next document of JSONB.
    cdef H2Cursor *c = &b.hessian.c
    cdef const char *length = h2_take(c, 4)
    cdef const char *p
    if length == NULL:
        return -1
    p = h2_take(c, be32(length))
    if p == NULL:
        return -1
    out[0] = h2_cursor(p, be32(length))
    return 0


cdef inline int _string(DubboBody *b, Slice *out) noexcept nogil:
    cdef H2Cursor document
    if not b.jsonb:
        return h2_string(&b.hessian, out)
    if _document(b, &document) < 0 or jsonb_string(&document, b.hessian.arena, out) < 0 or h2_left(&document):
        return -1
    return 0


cdef int dubbo_service(DubboBody *b, DubboService *out) noexcept nogil:
    if _string(b, &out.dubbo_version) < 0 or _string(b, &out.path) < 0 or _string(b, &out.version) < 0:
        return -1
    return -1 if _string(b, &out.method) < 0 or _string(b, &out.types) < 0 else 0


cdef int dubbo_parameters(Slice types) noexcept nogil:
    cdef H2Cursor c = h2_cursor(types.p, types.n)
    cdef const char *end
    cdef int count = 0
    while h2_left(&c):
        while h2_left(&c) and c.at[0] == c"[":
            c.at += 1
        if h2_left(&c) == 0:
            return -1
        if c.at[0] == c"L":
            end = <const char *>memchr(c.at, c";", h2_left(&c))
            if end == NULL:
                return -1
            c.at = end + 1
        elif memchr(b"ZBCSIJFDV", c.at[0], 9) != NULL:
            c.at += 1
        else:
            return -1
        count += 1
    return count


cdef int dubbo_arguments(DubboBody *b, Slice types) noexcept nogil:
    cdef H2Cursor document
    cdef int _i
    cdef int count = dubbo_parameters(types)
    for _i in range(count):
        if (_document(b, &document) if b.jsonb else h2_skip(&b.hessian)) < 0:
            return -1
    return -1 if count < 0 else 0


cdef int dubbo_map(DubboBody *b) noexcept nogil:
    b.map_start = b.hessian.c.at
    if h2_left(&b.hessian.c) == 0:
        return H2_NULL
    if not b.jsonb:
        return h2_map(&b.hessian)
    if _document(b, &b.document) < 0:
        return -1
    return jsonb_object(&b.document)


cdef int dubbo_entry(DubboBody *b, H2Entry *out) noexcept nogil:
    cdef int found
    if not b.jsonb:
        return h2_entry(&b.hessian, out)
    found = jsonb_entry(&b.document, b.hessian.arena, out)
    # The object is the whole document.
    return -1 if found == 0 and h2_left(&b.document) else found


cdef const char *dubbo_at(const DubboBody *b) noexcept nogil:
    return b.document.at if b.jsonb else b.hessian.c.at
