# The dynamic table of HPACK (RFC 7541 sections 2.3.2, 4): a queue of fields, newest first, bounded by its size.

from libc.stdint cimport uint16_t, uint32_t

from mosn._fastpath.memory cimport BlockPool, Buf


cdef enum:
    ENTRY_OVERHEAD = 32         # what an entry counts beside its name and value


cdef struct HpackEntry:
    uint32_t at                 # of its name, counted over everything that ever was in the table
    uint32_t name_len
    uint32_t value_len
    uint16_t id                 # HeaderId


cdef struct HpackTable:
    # Zeroed = empty.  Owns entries and bytes.
    HpackEntry *entries         # a ring
    uint32_t mask
    uint32_t first              # counts entries that left
    uint32_t next               # counts entries that came
    uint32_t gone               # counts bytes that left
    uint32_t size               # as RFC 7541 4.1 counts
    uint32_t max_size
    Buf bytes                   # names and values, oldest first, without gaps


# Add a field; it may push out others, or all of them and itself.  Name (not value) may stand in the table.  0, or -1:
# no memory, and the table is as before.
cdef int hpack_table_add(HpackTable *table, BlockPool *pool, const char *name, uint32_t name_len,
                         const char *value, uint32_t value_len, uint16_t id) noexcept nogil
cdef void hpack_table_resize(HpackTable *table, BlockPool *pool, uint32_t max_size) noexcept nogil
cdef void hpack_table_free(HpackTable *table, BlockPool *pool) noexcept nogil

cdef inline uint32_t hpack_table_count(const HpackTable *table) noexcept nogil:
    return table.next - table.first

cdef inline const HpackEntry *hpack_table_entry(const HpackTable *table, uint32_t age) noexcept nogil:
    # age 0 is the newest; less than hpack_table_count.
    return &table.entries[(table.next - 1 - age) & table.mask]

cdef inline const char *hpack_table_name(const HpackTable *table, const HpackEntry *entry) noexcept nogil:
    # Its value follows its name.  Good until the next add or resize.
    return table.bytes.data + table.bytes.start + <uint32_t>(entry.at - table.gone)
