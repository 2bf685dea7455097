"""Reading header blocks (see hpack_decode.pxd).

Decoding copies a field's bytes once, into the arena: literals from the block, Huffman codes while they are decoded,
entries of the dynamic table because the next field may push them out.  The static table is only pointed at.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy, memset

from mosn._fastpath.codec.hpack_huffman cimport hpack_huffman_decode, hpack_huffman_room
from mosn._fastpath.codec.hpack_static cimport STATIC_ENTRIES, StaticEntry, hpack_static
from mosn._fastpath.codec.hpack_table cimport (
    ENTRY_OVERHEAD, HpackEntry, hpack_table_add, hpack_table_count, hpack_table_entry, hpack_table_free,
    hpack_table_name, hpack_table_resize,
)
from mosn._fastpath.head cimport Header, head_add, header_id
from mosn._fastpath.memory cimport Arena, Buf, arena_alloc, buf_release, buf_reserve, slice_of

cdef enum:
    MOST_INTEGER_BYTES = 5      # behind the prefix


cdef struct Cursor:
    const uint8_t *p
    const uint8_t *end
    Arena *arena                # where strings go, or NULL: into spare
    char *spare
    uint8_t no_memory


cdef struct Field:
    Slice name
    Slice value
    uint16_t id


cdef int _integer(Cursor *at, uint32_t prefix, uint32_t *out) noexcept nogil:
    # RFC 7541 5.1, up to 2^31 - 1.  0 or -1.
    cdef uint64_t value
    cdef uint32_t shift = 0
    cdef int _i
    cdef uint8_t byte
    if at.p >= at.end:
        return -1
    value = at.p[0] & prefix
    at.p += 1
    if value < prefix:
        out[0] = <uint32_t>value
        return 0
    for _i in range(MOST_INTEGER_BYTES):
        if at.p >= at.end:
            return -1
        byte = at.p[0]
        at.p += 1
        value += <uint64_t>(byte & 127) << shift
        shift += 7
        if byte < 128:
            out[0] = <uint32_t>value
            return 0 if value < <uint64_t>1 << 31 else -1
    return -1


cdef char *_room(Cursor *at, size_t n) noexcept nogil:
    cdef char *room
    if at.arena != NULL:
        room = <char *>arena_alloc(at.arena, n)
        at.no_memory |= room == NULL
        return room
    room = at.spare
    at.spare += n
    return room


cdef int _string(Cursor *at, Slice *out) noexcept nogil:
    cdef bint huffman = at.p < at.end and at.p[0] & 128
    cdef uint32_t n
    cdef int64_t decoded
    cdef char *room
    if _integer(at, 127, &n) < 0 or n > <size_t>(at.end - at.p):
        return -1
    room = _room(at, hpack_huffman_room(n) if huffman else n)
    if room == NULL and n:
        return -1
    if huffman:
        decoded = hpack_huffman_decode(<const char *>at.p, n, room)
        if decoded < 0:
            return -1
        out[0] = slice_of(room, <size_t>decoded)
    else:
        if n:
            memcpy(room, at.p, n)
        out[0] = slice_of(room, n)
    at.p += n
    return 0


cdef int _indexed(const HpackDecoder *decoder, uint32_t index, Field *field) noexcept nogil:
    # Static entries last for ever; those of the dynamic table until it changes.
    cdef const StaticEntry *fixed
    cdef const HpackEntry *entry
    if index == 0:
        return -1
    if index <= STATIC_ENTRIES:
        fixed = hpack_static(index)
        field.name = fixed.name
        field.value = fixed.value
        field.id = fixed.id
        return 0
    index -= STATIC_ENTRIES + 1
    if index >= hpack_table_count(&decoder.table):
        return -1
    entry = hpack_table_entry(&decoder.table, index)
    field.name = slice_of(hpack_table_name(&decoder.table, entry), entry.name_len)
    field.value = slice_of(field.name.p + entry.name_len, entry.value_len)
    field.id = entry.id
    return 0


cdef int _literal(const HpackDecoder *decoder, Cursor *at, uint32_t prefix, Field *field) noexcept nogil:
    cdef uint32_t index
    if _integer(at, prefix, &index) < 0:
        return -1
    if index:
        if _indexed(decoder, index, field) < 0:
            return -1
    else:
        if _string(at, &field.name) < 0:
            return -1
        field.id = header_id(field.name.p, field.name.n)
    return _string(at, &field.value)


cdef int _keep(Cursor *at, Slice *bytes) noexcept nogil:
    # Out of the dynamic table, which may change.
    cdef char *copy = _room(at, bytes.n)
    if copy == NULL and bytes.n:
        return -1
    if bytes.n:
        memcpy(copy, bytes.p, bytes.n)
    bytes.p = copy
    return 0


cdef bint _in_table(const HpackDecoder *decoder, const char *p) noexcept nogil:
    return decoder.table.bytes.data != NULL and <size_t>p - <size_t>decoder.table.bytes.data <= decoder.table.bytes.end


cdef int _resize(HpackDecoder *decoder, BlockPool *pool, Cursor *at, bint first) noexcept nogil:
    # RFC 7541 4.2, 6.3: only in front of the first field.
    cdef uint32_t size
    if _integer(at, 31, &size) < 0 or not first or size > decoder.allowed:
        return -1
    decoder.update_due = False
    hpack_table_resize(&decoder.table, pool, size)
    return 0


cdef int _field(HpackDecoder *decoder, BlockPool *pool, Cursor *at, Field *field, bint *never) noexcept nogil:
    cdef uint8_t byte = at.p[0]
    cdef uint32_t index
    cdef bint keep = at.arena != NULL
    never[0] = False
    if byte & 128:
        if _integer(at, 127, &index) < 0 or _indexed(decoder, index, field) < 0:
            return -1
        if keep and index > STATIC_ENTRIES and (_keep(at, &field.name) < 0 or _keep(at, &field.value) < 0):
            return -1
        return 0
    if byte & 64:
        if _literal(decoder, at, 63, field) < 0:
            return -1
        if keep and _in_table(decoder, field.name.p) and _keep(at, &field.name) < 0:
            return -1
        if hpack_table_add(&decoder.table, pool, field.name.p, field.name.n, field.value.p, field.value.n,
                           field.id) < 0:
            at.no_memory = 1
            return -1
        return 0
    never[0] = (byte & 16) != 0
    if _literal(decoder, at, 15, field) < 0:
        return -1
    return _keep(at, &field.name) if keep and _in_table(decoder, field.name.p) else 0


cdef int _fields(HpackDecoder *decoder, BlockPool *pool, Cursor *at, const HpackLimits *limits, Buf *spare,
                 Head *head) noexcept nogil:
    cdef Field field
    cdef Header *item
    cdef uint64_t size = 0
    cdef uint32_t fields = 0
    cdef bint first = True
    cdef bint never
    while at.p < at.end:
        if at.p[0] & 224 == 32:
            if _resize(decoder, pool, at, first) < 0:
                return HPACK_BROKEN
            continue
        if decoder.update_due:
            return HPACK_BROKEN
        first = False
        if at.arena == NULL:
            at.spare = spare.data
        if _field(decoder, pool, at, &field, &never) < 0:
            return HPACK_NO_MEMORY if at.no_memory else HPACK_BROKEN
        size += <uint64_t>field.name.n + field.value.n + ENTRY_OVERHEAD
        fields += 1
        if at.arena == NULL:
            continue
        if size > limits.list_bytes or fields > limits.fields:
            # Read on for the table's sake, but keep nothing.
            at.arena = NULL
            if buf_reserve(pool, spare, 2 * hpack_huffman_room(<size_t>(at.end - at.p)) + 8) < 0:
                return HPACK_NO_MEMORY
            continue
        item = head_add(head, field.id, field.name.p, field.name.n, field.value.p, field.value.n)
        if item == NULL:
            return HPACK_NO_MEMORY
        item.hash = NEVER_INDEXED if never else 0
    return HPACK_OK if at.arena != NULL else HPACK_TOO_LARGE


cdef int hpack_decode(HpackDecoder *decoder, BlockPool *pool, const char *p, size_t n, const HpackLimits *limits,
                      Head *head) noexcept nogil:
    cdef Cursor at
    cdef Buf spare
    cdef int result
    memset(&spare, 0, sizeof(Buf))
    at.p = <const uint8_t *>p
    at.end = at.p + n
    at.arena = head.arena
    at.spare = NULL
    at.no_memory = 0
    result = _fields(decoder, pool, &at, limits, &spare, head)
    buf_release(pool, &spare)
    return result


cdef void hpack_decoder_init(HpackDecoder *decoder) noexcept nogil:
    memset(decoder, 0, sizeof(HpackDecoder))
    decoder.allowed = HPACK_DEFAULT_TABLE
    decoder.table.max_size = HPACK_DEFAULT_TABLE


cdef void hpack_decoder_free(HpackDecoder *decoder, BlockPool *pool) noexcept nogil:
    hpack_table_free(&decoder.table, pool)


cdef void hpack_decoder_allow(HpackDecoder *decoder, uint32_t table_size) noexcept nogil:
    decoder.allowed = table_size
    decoder.update_due = table_size < decoder.table.max_size
