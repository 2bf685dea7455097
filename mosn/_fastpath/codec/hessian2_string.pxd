# Strings of Hessian 2.0: lengths in UTF-16 units, UTF-8 with each half of a surrogate pair by itself, in chunks.

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.memory cimport Arena, Slice


cdef enum:
    H2_NULL = 1                 # what readers return instead of 0 for null


cdef inline bint h2_is_string(int tag) noexcept nogil:
    return 0 <= tag < 0x20 or 0x30 <= tag <= 0x33 or tag == c"S" or tag == c"R"


# A string in real UTF-8: surrogate pairs become one character.  Points into the bytes when it can, else into arena.
# 0, H2_NULL, or -1 when it is not a string, not UTF-8, or memory ends.
cdef int h2_read_string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil
# Step over the string with this tag, which has been taken: 0, 1 when there are surrogates in it, -1.
cdef int h2_skip_string(H2Cursor *c, int tag) noexcept nogil
# n UTF-16 units of UTF-8: 0, 1 when there are surrogates among them, -1.
cdef int h2_units(H2Cursor *c, size_t n) noexcept nogil
# Turn surrogate pairs of n bytes into four-byte characters, in place; the bytes that are left.
cdef size_t h2_join_surrogates(char *p, size_t n) noexcept nogil


cdef inline char *h2_put_unit(char *out, uint32_t unit) noexcept nogil:
    # One UTF-16 unit as Java writes it; what is behind it.
    if unit < 0x80:
        out[0] = <char>unit
        return out + 1
    if unit < 0x800:
        out[0] = <char>(0xc0 | (unit >> 6))
        out[1] = <char>(0x80 | (unit & 0x3f))
        return out + 2
    out[0] = <char>(0xe0 | (unit >> 12))
    out[1] = <char>(0x80 | ((unit >> 6) & 0x3f))
    out[2] = <char>(0x80 | (unit & 0x3f))
    return out + 3
