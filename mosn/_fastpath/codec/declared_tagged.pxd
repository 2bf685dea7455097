# Blocks of fields that say their own number: Protocol Buffers, and Tars' (JCE).

from libc.stdint cimport int64_t, uint32_t, uint64_t

from mosn._fastpath.codec.declared_types cimport Declared, Field, Place
from mosn._fastpath.memory cimport Slice


cdef struct Entry:
    # One field of a block, as it stands there.
    uint32_t number
    uint32_t type               # the wire's
    uint32_t at                 # offsets in the block: its first byte, its content, what follows it
    uint32_t content
    uint32_t end


# Note the places of the block's declared fields, of those that occur twice the last.  0, or -1: it cannot be read.
cdef int declared_tagged(const Declared *declared, const char *p, const Field *block, uint32_t at, uint32_t n,
                         Place *places, int depth) noexcept nogil
# The entry at `at`; 0, or -1.
cdef int tagged_entry(const Field *block, const char *p, uint32_t n, uint32_t at, Entry *out) noexcept nogil
# Is there an entry of this number?  No, too, where the block cannot be read.
cdef bint tagged_has(const Field *block, const char *p, uint32_t at, uint32_t n, uint32_t number) noexcept nogil
# Name and value of an entry of a protobuf map<string, string>; 0, or -1.
cdef int protobuf_pair(const char *p, uint32_t n, Slice *name, Slice *value) noexcept nogil
# The string at p, what it took, or -1.
cdef int64_t jce_text(const char *p, uint32_t n, Slice *out) noexcept nogil
