# A state that is written down: numbers (big endian) and byte strings, one after the other.

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.codec.frame cimport be32, be64, put32, put64
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, buf_reserve, slice_of


cdef struct StateWriter:
    BlockPool *pool
    Buf *out
    bint failed                 # no memory: what was written is worth nothing


cdef struct StateReader:
    const char *p
    size_t n
    bint failed                 # it ended too early, or something in it is impossible


cdef inline void write_number(StateWriter *to, uint64_t value) noexcept nogil:
    if to.failed or buf_reserve(to.pool, to.out, 8) < 0:
        to.failed = True
        return
    put64(to.out.data + to.out.end, value)
    to.out.end += 8


cdef inline void write_bytes(StateWriter *to, const char *p, size_t n) noexcept nogil:
    write_number(to, n)
    if not to.failed and buf_append(to.pool, to.out, p, n) < 0:
        to.failed = True


cdef inline uint64_t read_number(StateReader *at) noexcept nogil:
    # 0 after a failure.
    cdef uint64_t value
    if at.failed or at.n < 8:
        at.failed = True
        return 0
    value = be64(at.p)
    at.p += 8
    at.n -= 8
    return value


cdef inline uint32_t read_below(StateReader *at, uint64_t limit) noexcept nogil:
    # A number up to `limit`.
    cdef uint64_t value = read_number(at)
    if value > limit:
        at.failed = True
        return 0
    return <uint32_t>value


cdef inline Slice read_bytes(StateReader *at) noexcept nogil:
    # They stand in what is read.
    cdef uint64_t n = read_number(at)
    cdef Slice found = slice_of(at.p, 0)
    if at.failed or n > at.n:
        at.failed = True
        return found
    found.n = <uint32_t>n
    at.p += n
    at.n -= n
    return found
