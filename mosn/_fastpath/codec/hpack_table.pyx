"""The dynamic table (see hpack_table.pxd)."""

from libc.stdint cimport uint16_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from mosn._fastpath.memory cimport buf_consume, buf_len, buf_release, buf_reserve

cdef enum:
    FIRST_ENTRIES = 16


cdef void _evict(HpackTable *table, BlockPool *pool, uint32_t room) noexcept nogil:
    # The oldest leave until the rest fits into `room`.
    cdef const HpackEntry *oldest
    cdef uint32_t n
    cdef uint32_t leaving = 0
    while table.size > room:
        oldest = &table.entries[table.first & table.mask]
        n = oldest.name_len + oldest.value_len
        table.size -= n + ENTRY_OVERHEAD
        leaving += n
        table.first += 1
    if leaving:
        table.gone += leaving
        buf_consume(pool, &table.bytes, leaving)


cdef int _grow(HpackTable *table) noexcept nogil:
    cdef uint32_t size = FIRST_ENTRIES if table.entries == NULL else 2 * (table.mask + 1)
    cdef HpackEntry *entries = <HpackEntry *>malloc(size * sizeof(HpackEntry))
    cdef uint32_t i = table.first
    if entries == NULL:
        return -1
    while i != table.next:          # both wrap
        entries[i & (size - 1)] = table.entries[i & table.mask]
        i += 1
    free(table.entries)
    table.entries = entries
    table.mask = size - 1
    return 0


cdef char *_reserve(HpackTable *table, BlockPool *pool, const char **name, uint32_t n) noexcept nogil:
    # Room behind the newest entry.  A name that stands in the table moves along.
    cdef const char *start = table.bytes.data + table.bytes.start
    cdef bint own = table.bytes.data != NULL and <size_t>name[0] - <size_t>start < buf_len(&table.bytes)
    cdef size_t at = <size_t>name[0] - <size_t>start
    if buf_reserve(pool, &table.bytes, n) < 0:
        return NULL
    if own:
        name[0] = table.bytes.data + table.bytes.start + at
    return table.bytes.data + table.bytes.end


cdef int hpack_table_add(HpackTable *table, BlockPool *pool, const char *name, uint32_t name_len,
                         const char *value, uint32_t value_len, uint16_t id) noexcept nogil:
    # Put first and evicted after: the name may belong to an entry that has to go.
    cdef uint32_t n = name_len + value_len
    cdef HpackEntry *entry
    cdef char *out
    if <size_t>n + ENTRY_OVERHEAD > table.max_size:
        _evict(table, pool, 0)
        return 0
    if (table.entries == NULL or hpack_table_count(table) > table.mask) and _grow(table) < 0:
        return -1
    if n:
        out = _reserve(table, pool, &name, n)
        if out == NULL:
            return -1
        if name_len:
            memcpy(out, name, name_len)
        if value_len:
            memcpy(out + name_len, value, value_len)
    entry = &table.entries[table.next & table.mask]
    entry.at = table.gone + buf_len(&table.bytes)
    entry.name_len = name_len
    entry.value_len = value_len
    entry.id = id
    table.bytes.end += n
    table.next += 1
    table.size += n + ENTRY_OVERHEAD
    _evict(table, pool, table.max_size)
    return 0


cdef void hpack_table_resize(HpackTable *table, BlockPool *pool, uint32_t max_size) noexcept nogil:
    table.max_size = max_size
    _evict(table, pool, max_size)


cdef void hpack_table_free(HpackTable *table, BlockPool *pool) noexcept nogil:
    buf_release(pool, &table.bytes)
    free(table.entries)
    memset(table, 0, sizeof(HpackTable))
