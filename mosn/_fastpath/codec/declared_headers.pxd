# Header blocks of declared protocols: reading them one by one, and writing a head's instead.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.codec.declared_types cimport Declared, Field, Place
from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


cdef struct HeaderCursor:
    const Field *field
    const Field *block          # of a protobuf map: what it stands in
    const char *p
    uint32_t at
    uint32_t end
    uint64_t left               # that were announced; all there are where none were


# Before the first header.  0, or -1: the block's beginning cannot be read.
cdef int headers_begin(const Declared *declared, const char *p, const Place *places, HeaderCursor *out) noexcept nogil
# 1: name and value; 0: there are no more; -1: they cannot be read.
cdef int headers_next(HeaderCursor *cursor, Slice *name, Slice *value) noexcept nogil
# Append the block with head's headers; own names keep their case.  0, or -1: no memory, or one does not fit the format.
cdef int headers_write(const Declared *declared, BlockPool *pool, Buf *out, const char *p, const Place *places,
                       const Frame *frame, const Head *head) noexcept nogil
