# Header blocks to heads (RFC 7541).  No I/O; what a connection remembers is in the struct.

from libc.stdint cimport uint8_t, uint32_t

from mosn._fastpath.codec.hpack_table cimport HpackTable
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Slice


cdef enum HpackResult:
    HPACK_OK = 0
    HPACK_TOO_LARGE = 1         # the table is right, the head is not complete
    HPACK_BROKEN = -1           # COMPRESSION_ERROR: the connection cannot go on
    HPACK_NO_MEMORY = -2


cdef enum:
    HPACK_DEFAULT_TABLE = 4096
    NEVER_INDEXED = 1           # Header.hash: the sender said so, and we say so too (RFC 7541 6.2.3)


cdef struct HpackLimits:
    uint32_t list_bytes         # names, values and 32 for each field (RFC 9113 6.5.2)
    uint32_t fields


cdef struct HpackDecoder:
    HpackTable table
    uint32_t allowed            # SETTINGS_HEADER_TABLE_SIZE that the peer acknowledged
    uint8_t update_due          # it was lowered: the next block has to begin with an update


cdef void hpack_decoder_init(HpackDecoder *decoder) noexcept nogil
cdef void hpack_decoder_free(HpackDecoder *decoder, BlockPool *pool) noexcept nogil
# The peer acknowledged this SETTINGS_HEADER_TABLE_SIZE of ours.
cdef void hpack_decoder_allow(HpackDecoder *decoder, uint32_t table_size) noexcept nogil
# One whole header block.  Its fields are added to head.items in their order, pseudo-header fields too, nothing about
# them is checked; their bytes live in head.arena.  HpackResult.
cdef int hpack_decode(HpackDecoder *decoder, BlockPool *pool, const char *p, size_t n, const HpackLimits *limits,
                      Head *head) noexcept nogil
