# Hessian 2.0 without objects: step over any value, read the few that routing needs.
#
# Grammar: Hessian 2.0 serialization protocol, section 3; details as alibaba/hessian-lite reads them.  Stricter than it
# where leniency would let two readers see different values: a string is a string (not a number), UTF-8 is well formed.
# Nothing is allocated but class tables, chunked strings and strings with surrogates, all in the reader's arena and no
# larger than the bytes that were read.  Time is linear in the bytes; nesting is bounded and takes no C stack.

from libc.stdint cimport int32_t, int64_t, uint32_t

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.codec.hessian2_string cimport h2_read_string
from mosn._fastpath.memory cimport Arena, Slice


cdef enum:
    H2_MAX_DEPTH = 512          # containers inside each other, a last element not counted


# A cursor and what a stream of values has defined.
cdef struct H2Reader:
    H2Cursor c
    Arena *arena
    uint32_t *class_fields      # how many fields each class definition so far has
    uint32_t classes
    uint32_t capacity


cdef struct H2Entry:
    # One entry of a map.
    const char *start           # of the key
    const char *value_start
    const char *end
    Slice key                   # when key_is_text
    Slice value                 # when value_is_text
    bint key_is_text            # a string
    bint value_is_text          # a string, an integer or a boolean (as decimal digits, true or false)


cdef void h2_init(H2Reader *r, const char *p, size_t n, Arena *arena) noexcept nogil

# All return 0, or -1 when the bytes are not that (or end, or memory does).  After -1 the reader is of no use.
cdef int h2_skip(H2Reader *r) noexcept nogil
cdef inline int h2_string(H2Reader *r, Slice *out) noexcept nogil:
    # A string as UTF-8: surrogate pairs become one character.  Points into the bytes when it can.  H2_NULL for null.
    return h2_read_string(&r.c, r.arena, out)
cdef int h2_int(H2Reader *r, int32_t *out) noexcept nogil
cdef int h2_long(H2Reader *r, int64_t *out) noexcept nogil     # an int or a long
# In front of a map's first entry; H2_NULL for null.
cdef int h2_map(H2Reader *r) noexcept nogil
# The next entry: 1, 0 at the end of the map (which is taken), -1.
cdef int h2_entry(H2Reader *r, H2Entry *out) noexcept nogil

# Decimal digits of value, in the arena; p NULL when out of memory.
cdef Slice h2_decimal(Arena *arena, int64_t value) noexcept nogil
