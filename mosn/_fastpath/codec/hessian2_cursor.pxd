# A bounds-checked cursor over bytes: the only pointer arithmetic of the Hessian and JSONB readers.

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy


cdef struct H2Cursor:
    const char *at
    const char *end             # one past the last byte


cdef inline H2Cursor h2_cursor(const char *p, size_t n) noexcept nogil:
    cdef H2Cursor c
    c.at = p
    c.end = p + n
    return c


cdef inline size_t h2_left(const H2Cursor *c) noexcept nogil:
    return <size_t>(c.end - c.at)


cdef inline int h2_peek(const H2Cursor *c) noexcept nogil:
    # The next byte, or -1 at the end.
    return <int>(<const uint8_t *>c.at)[0] if c.at < c.end else -1


cdef inline int h2_byte(H2Cursor *c) noexcept nogil:
    # The next byte, taken, or -1 at the end.
    cdef int byte
    if c.at >= c.end:
        return -1
    byte = <int>(<const uint8_t *>c.at)[0]
    c.at += 1
    return byte


cdef inline const char *h2_take(H2Cursor *c, size_t n) noexcept nogil:
    # The next n bytes, taken; NULL when there are fewer.
    cdef const char *p = c.at
    if n > <size_t>(c.end - c.at):
        return NULL
    c.at += n
    return p


cdef inline int64_t h2_big_endian(H2Cursor *c, uint32_t n, uint64_t start) noexcept nogil:
    # n (at most 8) bytes behind the bits of `start`; the caller has seen that they are there.
    cdef uint32_t _i
    for _i in range(n):
        start = (start << 8) | (<const uint8_t *>c.at)[0]
        c.at += 1
    return <int64_t>start


cdef inline size_t h2_ascii(H2Cursor *c, size_t most) noexcept nogil:
    # Take at most `most` ASCII bytes, many at a time, and fewer only at the end or in front of another byte.
    cdef size_t n = 0
    cdef size_t left = <size_t>(c.end - c.at)
    cdef uint64_t word
    cdef uint64_t[4] words
    if most > left:
        most = left
    while n + 32 <= most:
        memcpy(words, c.at + n, 32)
        if (words[0] | words[1] | words[2] | words[3]) & <uint64_t>0x8080808080808080:
            break
        n += 32
    # The last word may reach behind `most`, but not behind the end.
    while n < most and n + 8 <= left:
        memcpy(&word, c.at + n, 8)
        if word & <uint64_t>0x8080808080808080:
            break
        n += 8
    if n > most:
        n = most
    while n < most and (<const uint8_t *>c.at)[n] < 0x80:
        n += 1
    c.at += n
    return n
