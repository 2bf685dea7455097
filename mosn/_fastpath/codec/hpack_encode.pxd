# Heads to header blocks (RFC 7541).  No I/O; what a connection remembers is in the struct.

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from mosn._fastpath.codec.hpack_table cimport HpackTable
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


cdef enum:
    HPACK_SLOTS = 128


cdef struct HpackEncoder:
    HpackTable table
    uint32_t lowest             # smallest size since the last block
    uint8_t update_due
    uint32_t by_field[128]      # hash of name and value: the entry's count + 1
    uint32_t by_name[128]
    uint32_t seen[128]          # hashes of fields that came once: the second time they are worth an entry


cdef void hpack_encoder_init(HpackEncoder *encoder) noexcept nogil
cdef void hpack_encoder_free(HpackEncoder *encoder, BlockPool *pool) noexcept nogil
# The peer's SETTINGS_HEADER_TABLE_SIZE; of more than HPACK_DEFAULT_TABLE only `most` is used.
cdef void hpack_encoder_allow(HpackEncoder *encoder, BlockPool *pool, uint32_t table_size,
                              uint32_t most) noexcept nogil
# Before the first field of a block: table size updates that are due.  0, or -1: no memory, as the next.
cdef int hpack_begin(HpackEncoder *encoder, BlockPool *pool, Buf *out) noexcept nogil
# One field; name is lower case, id its HeaderId.
cdef int hpack_put(HpackEncoder *encoder, BlockPool *pool, Buf *out, Slice name, Slice value, uint16_t id,
                   bint never_index) noexcept nogil
# An entry that the peer has already (of a state that was written down).
cdef int hpack_remember(HpackEncoder *encoder, BlockPool *pool, Slice name, Slice value) noexcept nogil
