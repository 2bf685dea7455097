"""Writing a Dubbo request with other attachments (contracts: dubbo_write.pxd)."""

from libc.stdint cimport int32_t, uint32_t, uint64_t
from libc.string cimport memcmp

from mosn._fastpath.codec.dubbo cimport DUBBO_HEAD, dubbo_readable
from mosn._fastpath.codec.dubbo_body cimport (
    DubboBody, DubboService, dubbo_arguments, dubbo_at, dubbo_body, dubbo_entry, dubbo_map, dubbo_service,
)
from mosn._fastpath.codec.dubbo_head cimport dubbo_is_header
from mosn._fastpath.codec.frame cimport FRAME_ONEWAY, FRAME_REQUEST, Frame, FrameCodec, frame_head_changed, put32, put64
from mosn._fastpath.codec.hessian2 cimport H2Entry
from mosn._fastpath.codec.hessian2_string cimport H2_NULL
from mosn._fastpath.codec.hessian2_write cimport h2_put_string
from mosn._fastpath.codec.jsonb cimport jsonb_put_string
from mosn._fastpath.head cimport Head, Header
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_append, buf_len, buf_reserve, slice_of


cdef struct Writer:
    BlockPool *pool
    Buf *out
    DubboBody body
    const Frame *frame
    const Head *head
    uint32_t next               # the head's item of the next attachment that is a header


cdef inline int _raw(Writer *w, const char *start, const char *end) noexcept nogil:
    return buf_append(w.pool, w.out, start, <size_t>(end - start))


cdef int _string(Writer *w, const char *p, uint32_t n) noexcept nogil:
    if w.body.jsonb:
        return jsonb_put_string(w.pool, w.out, slice_of(p, n))
    return h2_put_string(w.pool, w.out, slice_of(p, n))


# -- entries

cdef bint _same_name(Slice key, const Header *item) noexcept nogil:
    cdef uint32_t i
    if key.n != item.name_len:
        return False
    for i in range(key.n):
        if (key.p[i] | 0x20 if c"A" <= key.p[i] <= c"Z" else key.p[i]) != item.name[i]:
            return False
    return True


cdef bint _replaced(const Writer *w, Slice key) noexcept nogil:
    cdef uint32_t i
    for i in range(w.frame.first_header + w.frame.header_count, w.head.count):
        if not w.head.items[i].removed and _same_name(key, &w.head.items[i]):
            return True
    return False


cdef inline bint _same_value(const H2Entry *entry, const Header *item) noexcept nogil:
    if entry.value.n != item.value_len:
        return False
    return entry.value.p == item.value or memcmp(entry.value.p, item.value, item.value_len) == 0


cdef int _entry(Writer *w, const H2Entry *entry) noexcept nogil:
    cdef const Header *item = NULL
    if dubbo_is_header(entry):
        if w.next < w.frame.first_header + <uint32_t>w.frame.header_count:
            item = &w.head.items[w.next]
            w.next += 1
            if item.removed:
                return 0
        if _replaced(w, entry.key):
            return 0
    if item == NULL or _same_value(entry, item):
        return _raw(w, entry.start, entry.end)
    if _raw(w, entry.start, entry.value_start) < 0:
        return -1
    return _string(w, item.value, item.value_len)


cdef int _own_entries(Writer *w) noexcept nogil:
    cdef H2Entry entry
    cdef int found
    while True:
        found = dubbo_entry(&w.body, &entry)
        if found <= 0:
            return found
        if _entry(w, &entry) < 0:
            return -1


cdef int _added_entries(Writer *w) noexcept nogil:
    cdef const Header *item
    cdef uint32_t i
    for i in range(w.frame.first_header + w.frame.header_count, w.head.count):
        item = &w.head.items[i]
        if not item.removed and (_string(w, item.name, item.name_len) < 0
                                 or _string(w, item.value, item.value_len) < 0):
            return -1
    return 0


# -- the map

cdef bint _adds(const Writer *w) noexcept nogil:
    cdef uint32_t i
    for i in range(w.frame.first_header + w.frame.header_count, w.head.count):
        if not w.head.items[i].removed:
            return True
    return False


cdef int _begin_map(Writer *w) noexcept nogil:
    # A map where none is.
    if w.body.jsonb:
        return buf_append(w.pool, w.out, b"\0\0\0\0\xa6", 5)
    return buf_append(w.pool, w.out, b"H", 1)


cdef int _map(Writer *w) noexcept nogil:
    # The map with the changes in it; the body's reader is behind it then.
    cdef uint32_t start = buf_len(w.out)
    cdef int found = dubbo_map(&w.body)
    if found == H2_NULL:
        if not _adds(w):
            return _raw(w, w.body.map_start, w.body.hessian.c.at)
        found = _begin_map(w)
    elif found == 0:
        found = _raw(w, w.body.map_start, dubbo_at(&w.body))
        if found == 0:
            found = _own_entries(w)
    if found < 0 or _added_entries(w) < 0:
        return -1
    if buf_append(w.pool, w.out, b"\xa5" if w.body.jsonb else b"Z", 1) < 0:
        return -1
    if w.body.jsonb:
        put32(w.out.data + w.out.start + start, buf_len(w.out) - start - 4)
    return 0


cdef int _frame(Writer *w, const char *p) noexcept nogil:
    # Everything in front of the map, the map, and what a sloppy client put behind it.
    if _raw(w, p, w.body.hessian.c.at) < 0 or _map(w) < 0:
        return -1
    return _raw(w, w.body.hessian.c.at, p + w.frame.length)


cdef int _write(Writer *w, const char *p) noexcept nogil:
    cdef DubboService service
    cdef uint32_t start = buf_len(w.out)
    dubbo_body(&w.body, p, w.frame, w.head.arena)
    if dubbo_service(&w.body, &service) < 0 or dubbo_arguments(&w.body, service.types) < 0:
        return -1
    if buf_reserve(w.pool, w.out, w.frame.length) < 0 or _frame(w, p) < 0:
        w.out.end = w.out.start + start
        return -1
    put32(w.out.data + w.out.start + start + 12, buf_len(w.out) - start - DUBBO_HEAD)
    return 0


cdef inline bint _has_attachments(const Frame *frame) noexcept nogil:
    return (frame.kind == FRAME_REQUEST or frame.kind == FRAME_ONEWAY) and dubbo_readable(frame.serialization)


cdef bint dubbo_changed(const FrameCodec *self, const char *p, const Frame *frame, const Head *head) noexcept nogil:
    return _has_attachments(frame) and frame_head_changed(self, p, frame, head)


cdef int dubbo_write(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *frame,
                     const Head *head, uint64_t id,
                     int32_t timeout_ms) noexcept nogil:
    cdef Writer w
    cdef uint32_t start = buf_len(out)
    w.pool = pool
    w.out = out
    w.frame = frame
    w.head = head
    w.next = frame.first_header
    if not _has_attachments(frame):
        if buf_append(pool, out, p, frame.length) < 0:
            return -1
    elif _write(&w, p) < 0:
        return -1
    put64(out.data + out.start + start + 4, id)
    return 0
