"""HPACK's memory written down (see hpack_state.pxd)."""

from libc.stdint cimport uint32_t

from mosn._fastpath.codec.hpack_encode cimport hpack_remember
from mosn._fastpath.codec.hpack_table cimport (
    HpackEntry, HpackTable, hpack_table_add, hpack_table_count, hpack_table_entry, hpack_table_name,
)
from mosn._fastpath.codec.state_bytes cimport read_below, read_bytes, read_number, write_bytes, write_number
from mosn._fastpath.head cimport header_id
from mosn._fastpath.memory cimport Slice

cdef enum:
    MOST_TABLE = 1 << 30


cdef void _save_table(const HpackTable *table, StateWriter *to) noexcept nogil:
    # Oldest first, so that reading adds them in their order.
    cdef const HpackEntry *entry
    cdef const char *name
    cdef uint32_t age = hpack_table_count(table)
    write_number(to, table.max_size)
    write_number(to, age)
    while age:
        age -= 1
        entry = hpack_table_entry(table, age)
        name = hpack_table_name(table, entry)
        write_bytes(to, name, entry.name_len)
        write_bytes(to, name + entry.name_len, entry.value_len)


cdef void hpack_decoder_save(const HpackDecoder *decoder, StateWriter *to) noexcept nogil:
    _save_table(&decoder.table, to)
    write_number(to, decoder.allowed)
    write_number(to, decoder.update_due)


cdef void hpack_encoder_save(const HpackEncoder *encoder, StateWriter *to) noexcept nogil:
    _save_table(&encoder.table, to)
    write_number(to, encoder.lowest)
    write_number(to, encoder.update_due)


cdef void hpack_decoder_restore(HpackDecoder *decoder, BlockPool *pool, StateReader *at) noexcept nogil:
    cdef Slice name, value
    cdef uint32_t count
    decoder.table.max_size = read_below(at, MOST_TABLE)
    count = read_below(at, MOST_TABLE)
    while count and not at.failed:
        count -= 1
        name = read_bytes(at)
        value = read_bytes(at)
        if not at.failed and hpack_table_add(&decoder.table, pool, name.p, name.n, value.p, value.n,
                                             header_id(name.p, name.n)) < 0:
            at.failed = True
    decoder.allowed = read_below(at, MOST_TABLE)
    decoder.update_due = read_number(at) != 0


cdef void hpack_encoder_restore(HpackEncoder *encoder, BlockPool *pool, StateReader *at) noexcept nogil:
    cdef Slice name, value
    cdef uint32_t count
    encoder.table.max_size = read_below(at, MOST_TABLE)
    count = read_below(at, MOST_TABLE)
    while count and not at.failed:
        count -= 1
        name = read_bytes(at)
        value = read_bytes(at)
        if not at.failed and hpack_remember(encoder, pool, name, value) < 0:
            at.failed = True
    encoder.lowest = read_below(at, MOST_TABLE)
    encoder.update_due = read_number(at) != 0
