# JSONB, the binary form of fastjson2, as far as Dubbo's fields and attachments need it: step over any value, read
# strings, small numbers and the entries of an object.
#
# The tags are those of com.alibaba.fastjson2.JSONB (its documentation and JSONBConstants).  Bounds as for Hessian 2.0:
# time linear in the bytes, bounded nesting without C stack, copies (Latin-1, UTF-16) in the arena and at most three
# times the bytes that were read.

from libc.stdint cimport int32_t, int64_t

from mosn._fastpath.codec.hessian2 cimport H2Entry
from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.memory cimport Arena, BlockPool, Buf, Slice


cdef enum JsonbTag:
    JSONB_TYPED = 0x92          # a type, then the value
    JSONB_OBJECT_END = 0xa5
    JSONB_OBJECT = 0xa6
    JSONB_NULL = 0xaf
    JSONB_SYMBOL = 0x7f


# All return 0, or -1 when the bytes are not that (or end, or memory does).
cdef int jsonb_skip(H2Cursor *c) noexcept nogil
# A string as UTF-8; H2_NULL for null.
cdef int jsonb_string(H2Cursor *c, Arena *arena, Slice *out) noexcept nogil
cdef int jsonb_int(H2Cursor *c, int32_t *out) noexcept nogil
cdef int jsonb_long(H2Cursor *c, int64_t *out) noexcept nogil      # any integer of up to 64 bits
# In front of an object's first entry, its type stepped over; H2_NULL for null.
cdef int jsonb_object(H2Cursor *c) noexcept nogil
# The next entry: 1, 0 at the end of the object (which is taken), -1; also when its name is a symbol.
cdef int jsonb_entry(H2Cursor *c, Arena *arena, H2Entry *out) noexcept nogil

# Append text, which is UTF-8.  0, or -1 when out of memory.
cdef int jsonb_put_string(BlockPool *pool, Buf *out, Slice text) noexcept nogil
