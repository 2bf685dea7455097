"""Writing Hessian 2.0: strings as Java does, numbers in their shortest form, one exception."""

from libc.stdint cimport int32_t, uint8_t, uint32_t
from libc.string cimport strlen

from mosn._fastpath.codec.hessian2_string cimport h2_put_unit
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, buf_reserve

cdef enum:
    CHUNK_UNITS = 0x8000


cdef inline uint32_t _character(const char *p, size_t n, uint32_t *point) noexcept nogil:
    # The bytes of the first character of n > 0, and its code point; a byte that is not UTF-8 is a "?".
    cdef const uint8_t *u = <const uint8_t *>p
    cdef uint32_t size = 1 if u[0] < 0x80 else 2 if u[0] < 0xe0 else 3 if u[0] < 0xf0 else 4
    cdef uint32_t i
    point[0] = u[0]
    if size == 1:
        return 1
    if u[0] < 0xc2 or u[0] > 0xf4 or size > n:
        point[0] = c"?"
        return 1
    point[0] = u[0] & (0xff >> (size + 1))
    for i in range(1, size):
        if u[i] & 0xc0 != 0x80:
            point[0] = c"?"
            return 1
        point[0] = (point[0] << 6) | (u[i] & 0x3f)
    if point[0] > 0x10ffff or point[0] < (0x80 if size == 2 else 0x800 if size == 3 else 0x10000):
        point[0] = c"?"
        return 1
    return size


cdef size_t _units(Slice text) noexcept nogil:
    # UTF-16 units.
    cdef size_t units = 0
    cdef size_t at = 0
    cdef uint32_t point = 0
    while at < text.n:
        at += _character(text.p + at, text.n - at, &point)
        units += 2 if point >= 0x10000 else 1
    return units


cdef char *_put_head(char *out, uint32_t units, bint last, bint draft) noexcept nogil:
    if last and units < 32:
        out[0] = <char>units
        return out + 1
    if last and units < 1024 and not draft:
        out[0] = <char>(0x30 + (units >> 8))
        out[1] = <char>(units & 0xff)
        return out + 2
    out[0] = c"S" if last else c"s" if draft else c"R"
    out[1] = <char>(units >> 8)
    out[2] = <char>(units & 0xff)
    return out + 3


cdef char *_put_units(char *out, Slice text, size_t *at, uint32_t units) noexcept nogil:
    # `units` units from `at`, which goes on; one that ends inside a pair leaves the pair to the next chunk.
    cdef uint32_t point = 0
    cdef uint32_t size
    while units:
        size = _character(text.p + at[0], text.n - at[0], &point)
        at[0] += size
        if point < 0x10000:
            out = h2_put_unit(out, point)
            units -= 1
        else:
            out = h2_put_unit(h2_put_unit(out, 0xd7c0 + (point >> 10)), 0xdc00 | (point & 0x3ff))
            units -= 2
    return out


cdef uint32_t _chunk(Slice text, size_t at, size_t left) noexcept nogil:
    # Units of the next chunk: as many as fit without a pair cut in two.
    cdef uint32_t units = 0
    cdef uint32_t point = 0
    if left <= CHUNK_UNITS:
        return <uint32_t>left
    while units < CHUNK_UNITS:
        at += _character(text.p + at, text.n - at, &point)
        if point >= 0x10000 and units + 1 == CHUNK_UNITS:
            break
        units += 2 if point >= 0x10000 else 1
    return units


cdef int h2_put_string(BlockPool *pool, Buf *out, Slice text) noexcept nogil:
    return h2_put_text(pool, out, text, False)


cdef int h2_put_text(BlockPool *pool, Buf *out, Slice text, bint draft) noexcept nogil:
    cdef size_t left = _units(text)
    cdef size_t at = 0
    cdef uint32_t units
    cdef char *to
    # At most three bytes a unit of a text that is not longer than its bytes; a head for each chunk.
    if buf_reserve(pool, out, 3 * left + 3 * (left // (CHUNK_UNITS - 1) + 1)) < 0:
        return -1
    to = out.data + out.end
    while True:
        units = _chunk(text, at, left)
        left -= units
        to = _put_head(to, units, left == 0, draft)
        to = _put_units(to, text, &at, units)
        if left == 0:
            break
    out.end = <uint32_t>(to - out.data)
    return 0


cdef int h2_put_int(BlockPool *pool, Buf *out, int32_t value) noexcept nogil:
    cdef char bytes[5]
    cdef uint32_t n
    if -16 <= value < 48:
        bytes[0] = <char>(0x90 + value)
        n = 1
    elif -0x800 <= value < 0x800:
        bytes[0] = <char>(0xc8 + (value >> 8))
        n = 2
    elif -0x40000 <= value < 0x40000:
        bytes[0] = <char>(0xd4 + (value >> 16))
        bytes[1] = <char>(value >> 8)
        n = 3
    else:
        bytes[0] = c"I"
        bytes[1] = <char>(value >> 24)
        bytes[2] = <char>(value >> 16)
        bytes[3] = <char>(value >> 8)
        n = 5
    if n > 1:
        bytes[n - 1] = <char>value
    return buf_append(pool, out, bytes, n)


cdef int h2_put_tag(BlockPool *pool, Buf *out, char tag) noexcept nogil:
    return buf_append(pool, out, &tag, 1)


cdef int h2_put_null(BlockPool *pool, Buf *out) noexcept nogil:
    return h2_put_tag(pool, out, c"N")


# "C", the class's name (33 units), two fields; then an object of class 0.
cdef const char *RPC_EXCEPTION = (
    b"C\x30\x21org.apache.dubbo.rpc.RpcException"
    b"\x92\x04code\x0ddetailMessage"
    b"\x60"
)


cdef int h2_put_rpc_exception(BlockPool *pool, Buf *out, int32_t code, Slice message) noexcept nogil:
    if buf_append(pool, out, RPC_EXCEPTION, strlen(RPC_EXCEPTION)) < 0:
        return -1
    if h2_put_int(pool, out, code) < 0:
        return -1
    return h2_put_string(pool, out, message)
