"""Header blocks (see declared_headers.pxd)."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memchr

from mosn._fastpath.codec.declared_types cimport (
    H_JCE, H_LINES, H_PAIRS, H_PROTOBUF, H_THEADER, LONGEST_NUMBER, N_NONE, N_VARINT, Declared, Field, Number, Place,
)
from mosn._fastpath.codec.declared_number cimport jce_at, number_at, number_put, put_jce, put_varint, varint_at
from mosn._fastpath.codec.declared_tagged cimport Entry, jce_text, protobuf_pair, tagged_entry
from mosn._fastpath.codec.frame cimport Frame
from mosn._fastpath.head cimport Head, Header
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, buf_len, buf_reserve, slice_of

cdef enum:
    THEADER_PAIRS = 1           # Thrift's "info": key and value, of this message or of the connection
    THEADER_KEPT_PAIRS = 2
    JCE_STRING1 = 6
    JCE_STRING4 = 7
    JCE_MAP = 8

cdef Number VARINT
VARINT.type = N_VARINT


# -- reading

cdef int begin_theader(HeaderCursor *cursor) noexcept nogil:
    # Protocol (0, binary) and transforms (none); infos follow.
    cdef uint64_t protocol = 0
    cdef uint64_t transforms = 0
    cdef int used = varint_at(cursor.p + cursor.at, cursor.end - cursor.at, &protocol)
    if used <= 0 or protocol:
        return -1
    cursor.at += <uint32_t>used
    used = varint_at(cursor.p + cursor.at, cursor.end - cursor.at, &transforms)
    if used <= 0 or transforms:
        return -1
    cursor.at += <uint32_t>used
    cursor.left = 0
    return 0


cdef int begin_jce(HeaderCursor *cursor) noexcept nogil:
    # The map's head, with its tag, and the count.
    cdef int used
    cursor.at += 2 if <unsigned char>cursor.p[cursor.at] >> 4 == 15 else 1
    if cursor.at >= cursor.end:
        return -1
    used = jce_at(cursor.p + cursor.at, cursor.end - cursor.at, &cursor.left)
    if used <= 0:
        return -1
    cursor.at += <uint32_t>used
    return 0


cdef int headers_begin(const Declared *declared, const char *p, const Place *places, HeaderCursor *out) noexcept nogil:
    cdef const Field *field = &declared.fields[declared.headers]
    cdef const Place *place = &places[declared.headers]
    cdef int used
    if field.format == H_PROTOBUF:
        place = &places[field.parent]
        out.block = &declared.fields[field.parent]
    out.field = field
    out.p = p
    out.at = place.at
    out.end = place.at + place.n
    out.left = ~<uint64_t>0
    if not place.seen or place.n == 0:
        out.end = out.at
        return 0
    if field.format == H_THEADER:
        return begin_theader(out)
    if field.format == H_JCE:
        return begin_jce(out)
    if field.format == H_PAIRS and field.count_number.type != N_NONE:
        used = number_at(&field.count_number, p + out.at, out.end - out.at, &out.left)
        if used <= 0:
            return -1
        out.at += <uint32_t>used
    return 0


cdef int sized_text(HeaderCursor *cursor, const Number *form, Slice *out) noexcept nogil:
    cdef uint64_t size = 0
    cdef int used = number_at(form, cursor.p + cursor.at, cursor.end - cursor.at, &size)
    if used <= 0:
        return -1
    cursor.at += <uint32_t>used
    if size > cursor.end - cursor.at:
        return -1
    out[0] = slice_of(cursor.p + cursor.at, size)
    cursor.at += <uint32_t>size
    return 1


cdef void line(HeaderCursor *cursor, Slice *out) noexcept nogil:
    # Up to a line feed, or to the end.
    cdef const char *start = cursor.p + cursor.at
    cdef const char *stop = <const char *>memchr(start, c'\n', cursor.end - cursor.at)
    if stop == NULL:
        out[0] = slice_of(start, cursor.end - cursor.at)
        cursor.at = cursor.end
    else:
        out[0] = slice_of(start, stop - start)
        cursor.at += out.n + 1


cdef int next_line(HeaderCursor *cursor, Slice *name, Slice *value) noexcept nogil:
    line(cursor, name)
    if cursor.at >= cursor.end and cursor.p[cursor.end - 1] != c'\n':
        return -1
    line(cursor, value)
    return 1


cdef int next_info(HeaderCursor *cursor) noexcept nogil:
    # 1: pairs follow; 0: padding, or infos of another kind, which end what can be read.
    cdef uint64_t kind = 0
    cdef int used
    while cursor.left == 0:
        if cursor.at >= cursor.end:
            return 0
        used = varint_at(cursor.p + cursor.at, cursor.end - cursor.at, &kind)
        if used <= 0:
            return -1
        if kind != THEADER_PAIRS and kind != THEADER_KEPT_PAIRS:
            return 0
        cursor.at += <uint32_t>used
        used = varint_at(cursor.p + cursor.at, cursor.end - cursor.at, &cursor.left)
        if used <= 0:
            return -1
        cursor.at += <uint32_t>used
    return 1


cdef int next_map_entry(HeaderCursor *cursor, Slice *name, Slice *value) noexcept nogil:
    cdef Entry entry
    while cursor.at < cursor.end:
        if tagged_entry(cursor.block, cursor.p, cursor.end, cursor.at, &entry) < 0:
            return -1
        cursor.at = entry.end
        if entry.number == cursor.field.tag:
            return -1 if protobuf_pair(cursor.p + entry.content, entry.end - entry.content, name, value) < 0 else 1
    return 0


cdef int jce_pair(HeaderCursor *cursor, Slice *name, Slice *value) noexcept nogil:
    cdef int64_t used = jce_text(cursor.p + cursor.at, cursor.end - cursor.at, name)
    if used < 0:
        return -1
    cursor.at += <uint32_t>used
    used = jce_text(cursor.p + cursor.at, cursor.end - cursor.at, value)
    if used < 0:
        return -1
    cursor.at += <uint32_t>used
    return 1


cdef int headers_next(HeaderCursor *cursor, Slice *name, Slice *value) noexcept nogil:
    cdef int said
    if cursor.field.format == H_PROTOBUF:
        return next_map_entry(cursor, name, value)
    if cursor.field.format == H_THEADER:
        said = next_info(cursor) if cursor.at < cursor.end else 0 if cursor.left == 0 else -1
        if said <= 0:
            return said
    elif cursor.left == 0:
        return 0 if cursor.at == cursor.end else -1
    if cursor.at >= cursor.end:
        return 0 if cursor.left == ~<uint64_t>0 else -1
    if cursor.left != ~<uint64_t>0:
        cursor.left -= 1
    if cursor.field.format == H_LINES:
        return next_line(cursor, name, value)
    if cursor.field.format == H_JCE:
        return jce_pair(cursor, name, value)
    if cursor.field.format == H_THEADER:
        said = sized_text(cursor, &VARINT, name)
        return said if said < 0 else sized_text(cursor, &VARINT, value)
    said = sized_text(cursor, &cursor.field.number, name)
    return said if said < 0 else sized_text(cursor, &cursor.field.value_number, value)


# -- writing

cdef int put_number(BlockPool *pool, Buf *out, const Number *form, uint64_t value) noexcept nogil:
    cdef int n
    if buf_reserve(pool, out, LONGEST_NUMBER) < 0:
        return -1
    n = number_put(form, out.data + out.end, value)
    if n < 0:
        return -1
    out.end += <uint32_t>n
    return 0


cdef int put_sized(BlockPool *pool, Buf *out, const Number *form, Slice text) noexcept nogil:
    if put_number(pool, out, form, text.n) < 0:
        return -1
    return buf_append(pool, out, text.p, text.n) if text.n else 0


cdef int put_line(BlockPool *pool, Buf *out, Slice text) noexcept nogil:
    if text.n and memchr(text.p, c'\n', text.n) != NULL:
        return -1
    if text.n and buf_append(pool, out, text.p, text.n) < 0:
        return -1
    return buf_append(pool, out, "\n", 1)


cdef int put_jce_text(BlockPool *pool, Buf *out, uint32_t tag, Slice text) noexcept nogil:
    cdef Number size
    cdef char head = <char>(tag << 4 | (JCE_STRING1 if text.n < 256 else JCE_STRING4))
    size.type = 1
    size.width = 1 if text.n < 256 else 4
    size.little = False
    return put_sized(pool, out, &size, text) if buf_append(pool, out, &head, 1) == 0 else -1


cdef int put_map_entry(BlockPool *pool, Buf *out, const Field *field, Slice name, Slice value) noexcept nogil:
    # protobuf: field, size, 1: name, 2: value
    cdef char[LONGEST_NUMBER] sizes
    cdef uint64_t size = <uint64_t>2 + name.n + value.n
    size += <uint64_t>(put_varint(sizes, name.n) + put_varint(sizes, value.n))
    if put_number(pool, out, &VARINT, <uint64_t>field.tag << 3 | 2) < 0 or put_number(pool, out, &VARINT, size) < 0:
        return -1
    if buf_append(pool, out, b"\x0a", 1) < 0 or put_sized(pool, out, &VARINT, name) < 0:
        return -1
    return put_sized(pool, out, &VARINT, value) if buf_append(pool, out, b"\x12", 1) == 0 else -1


cdef int put_header(BlockPool *pool, Buf *out, const Field *field, Slice name, Slice value) noexcept nogil:
    if field.format == H_LINES:
        return put_line(pool, out, value) if put_line(pool, out, name) == 0 else -1
    if field.format == H_JCE:
        return put_jce_text(pool, out, 1, value) if put_jce_text(pool, out, 0, name) == 0 else -1
    if field.format == H_PROTOBUF:
        return put_map_entry(pool, out, field, name, value)
    if field.format == H_THEADER:
        return put_sized(pool, out, &VARINT, value) if put_sized(pool, out, &VARINT, name) == 0 else -1
    return put_sized(pool, out, &field.value_number, value) if put_sized(pool, out, &field.number, name) == 0 else -1


cdef uint32_t staying(const Frame *frame, const Head *head) noexcept nogil:
    cdef uint32_t count = 0
    cdef uint32_t i
    for i in range(frame.first_header, head.count):
        count += not head.items[i].removed
    return count


cdef int put_front(BlockPool *pool, Buf *out, const Field *field, uint32_t count) noexcept nogil:
    if field.format == H_PAIRS:
        return put_number(pool, out, &field.count_number, count)
    if field.format == H_THEADER:
        if buf_append(pool, out, b"\0\0", 2) < 0:
            return -1
        if count and (buf_append(pool, out, b"\1", 1) < 0 or put_number(pool, out, &VARINT, count) < 0):
            return -1
    if field.format == H_JCE:
        if buf_reserve(pool, out, 2 * LONGEST_NUMBER) < 0:
            return -1
        put_jce(out.data + out.end, field.tag, 0)
        out.data[out.end] = <char>((out.data[out.end] & 0xF0) | JCE_MAP)
        out.end += 2 if field.tag >= 15 else 1
        out.end += <uint32_t>put_jce(out.data + out.end, 0, count)
    return 0


cdef int put_back(BlockPool *pool, Buf *out, const Field *field, uint32_t start) noexcept nogil:
    # Padding; lines are between headers, not after the last.
    cdef uint32_t over = (buf_len(out) - start) % 4
    if field.format == H_LINES and buf_len(out) > start:
        out.end -= 1
    if field.format == H_THEADER and over:
        return buf_append(pool, out, b"\0\0\0", 4 - over)
    return 0


cdef int headers_write(const Declared *declared, BlockPool *pool, Buf *out, const char *p, const Place *places,
                       const Frame *frame, const Head *head) noexcept nogil:
    cdef const Field *field = &declared.fields[declared.headers]
    cdef uint32_t own = frame.first_header + <uint32_t>frame.header_count
    cdef uint32_t start = buf_len(out)
    cdef HeaderCursor cursor
    cdef const Header *item
    cdef Slice name, value
    cdef uint32_t i
    if headers_begin(declared, p, places, &cursor) < 0 or put_front(pool, out, field, staying(frame, head)) < 0:
        return -1
    for i in range(frame.first_header, head.count):
        item = &head.items[i]
        name = slice_of(item.name, item.name_len)
        if i < own and headers_next(&cursor, &name, &value) <= 0:
            return -1
        if not item.removed and put_header(pool, out, field, name, slice_of(item.value, item.value_len)) < 0:
            return -1
    return put_back(pool, out, field, start)
