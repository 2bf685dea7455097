"""Writing Hessian values in two dialects (contracts: hessian_out.pxd)."""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.codec.frame cimport put16, put32, put64
from mosn._fastpath.codec.hessian2_write cimport h2_put_int, h2_put_text
from mosn._fastpath.memory cimport Slice, buf_append, buf_len, slice_of

cdef enum:
    CHUNK_BYTES = 0x8000


cdef void ho_raw(HessianOut *o, const char *p, size_t n) noexcept nogil:
    if not o.failed and buf_append(o.pool, o.out, p, n) < 0:
        o.failed = True


cdef void ho_tag(HessianOut *o, char tag) noexcept nogil:
    ho_raw(o, &tag, 1)


cdef void ho_string(HessianOut *o, Slice text) noexcept nogil:
    if not o.failed and h2_put_text(o.pool, o.out, text, o.draft) < 0:
        o.failed = True


cdef void ho_int(HessianOut *o, int32_t value) noexcept nogil:
    if not o.failed and h2_put_int(o.pool, o.out, value) < 0:
        o.failed = True


cdef void _wide(HessianOut *o, char tag, uint64_t bits) noexcept nogil:
    cdef char bytes[9]
    bytes[0] = tag
    put64(bytes + 1, bits)
    ho_raw(o, bytes, 9)


cdef void ho_long(HessianOut *o, int64_t value) noexcept nogil:
    cdef char bytes[5]
    if -8 <= value < 16:
        ho_tag(o, <char>(0xe0 + value))
    elif -0x800 <= value < 0x800:
        bytes[0] = <char>(0xf8 + (value >> 8))
        bytes[1] = <char>value
        ho_raw(o, bytes, 2)
    elif -0x40000 <= value < 0x40000:
        bytes[0] = <char>(0x3c + (value >> 16))
        put16(bytes + 1, <uint32_t>value)
        ho_raw(o, bytes, 3)
    elif -0x80000000LL <= value <= 0x7fffffffLL:
        bytes[0] = c"w" if o.draft else c"Y"
        put32(bytes + 1, <uint32_t>value)
        ho_raw(o, bytes, 5)
    else:
        _wide(o, c"L", <uint64_t>value)


cdef void ho_double(HessianOut *o, double value) noexcept nogil:
    cdef uint64_t bits
    memcpy(&bits, &value, 8)
    _wide(o, c"D", bits)


cdef void ho_date(HessianOut *o, int64_t milliseconds) noexcept nogil:
    _wide(o, c"d" if o.draft else c"J", <uint64_t>milliseconds)


cdef void ho_bytes(HessianOut *o, const char *p, size_t n) noexcept nogil:
    cdef char head[3]
    cdef size_t size
    while True:
        size = min(n, <size_t>CHUNK_BYTES)
        head[0] = c"B" if size == n else c"b" if o.draft else c"A"
        put16(head + 1, <uint32_t>size)
        ho_raw(o, head, 3)
        ho_raw(o, p, size)
        if size == n:
            return
        p += size
        n -= size


# -- lists and maps

cdef void _type(HessianOut *o, Slice type) noexcept nogil:
    # Each is written in full: a definition is never referred to.
    cdef char head[3]
    if not o.draft:
        ho_string(o, type)
    elif type.n:
        head[0] = c"t"
        put16(head + 1, type.n)     # names of classes are ASCII here
        ho_raw(o, head, 3)
        ho_raw(o, type.p, type.n)


cdef uint32_t ho_list(HessianOut *o, Slice type) noexcept nogil:
    # The length is written in full, to be filled in later: after "I" (an int) or, in the draft, "l".
    cdef uint32_t mark
    ho_tag(o, c"V" if o.draft or type.n else c"X")
    if o.draft or type.n:
        _type(o, type)
    ho_tag(o, c"l" if o.draft else c"I")
    mark = buf_len(o.out)
    ho_raw(o, b"\0\0\0\0", 4)
    return mark


cdef void ho_list_end(HessianOut *o, uint32_t mark, uint32_t count) noexcept nogil:
    if o.draft:
        ho_tag(o, c"z")
    if not o.failed:
        put32(o.out.data + o.out.start + mark, count)


cdef void ho_map(HessianOut *o, Slice type) noexcept nogil:
    ho_tag(o, c"M" if o.draft or type.n else c"H")
    if type.n:
        _type(o, type)


cdef void ho_map_end(HessianOut *o) noexcept nogil:
    ho_tag(o, c"z" if o.draft else c"Z")


# -- objects

cdef void ho_class(HessianOut *o, Slice name, uint32_t fields) noexcept nogil:
    ho_tag(o, c"O" if o.draft else c"C")
    if o.draft:
        ho_int(o, <int32_t>name.n)
        ho_raw(o, name.p, name.n)
    else:
        ho_string(o, name)
    ho_int(o, <int32_t>fields)
    o.classes += 1


cdef void ho_object(HessianOut *o, uint32_t number) noexcept nogil:
    ho_tag(o, c"o" if o.draft else c"O")
    ho_int(o, <int32_t>number)


cdef void ho_decimal(HessianOut *o, Slice text) noexcept nogil:
    if o.decimal == 0:
        ho_class(o, slice_of(b"java.math.BigDecimal", 20), 1)
        ho_string(o, slice_of(b"value", 5))
        o.decimal = o.classes
    ho_object(o, o.decimal - 1)
    ho_string(o, text)
