"""Protocols that are described (see declared.pxd): reading."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from mosn._fastpath.codec.crc32 cimport crc32
from mosn._fastpath.codec.declared_headers cimport HeaderCursor, headers_begin, headers_next
from mosn._fastpath.codec.declared_template cimport declared_heartbeat, declared_heartbeat_answer, declared_reply
from mosn._fastpath.codec.declared_types cimport NO_FIELD, Declared, Kind, Place, Source
from mosn._fastpath.codec.declared_walk cimport Walk, declared_holds, declared_walk
from mosn._fastpath.codec.declared_write cimport declared_headers_changed, declared_patch, declared_write
from mosn._fastpath.codec.frame cimport (
    FRAME_BAD_CHECKSUM, FRAME_BAD_HEADERS, FRAME_NOT_THE_PROTOCOL, FRAME_ONEWAY, FRAME_REQUEST, FRAME_RESPONSE, Frame,
    FrameCodec, FrameLimits,
)
from mosn._fastpath.head cimport M_POST, Head, Header, head_add, header_id
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_of


# -- parsing

cdef const Kind *kind_of(const Declared *declared, const Walk *walk) noexcept nogil:
    cdef uint32_t i
    for i in range(declared.kind_count):
        if declared_holds(declared, walk.places, declared.kinds[i].when, declared.kinds[i].when_count):
            return &declared.kinds[i]
    return NULL


cdef uint16_t code_of(const Declared *declared, const Kind *kind, uint64_t status) noexcept nogil:
    # A response in HTTP's words.
    cdef uint32_t i
    if kind.code:
        return kind.code
    for i in range(declared.status_count):
        if declared.statuses[i].status == status:
            return declared.statuses[i].code
    return declared.other_code


cdef int32_t milliseconds(const Declared *declared, const Place *place) noexcept nogil:
    cdef uint64_t value = place.value
    cdef uint64_t unit = declared.timeout_unit_ms
    if place.n == 4 and value >> 31 & 1:
        return -1
    return <int32_t>min(value, <uint64_t>0x7FFFFFFF // unit) * <int32_t>unit


cdef const Place *first_seen(const Walk *walk, const uint8_t *fields, uint32_t count) noexcept nogil:
    cdef uint32_t i
    for i in range(count):
        if walk.places[fields[i]].seen:
            return &walk.places[fields[i]]
    return NULL


cdef void facts(const Declared *declared, const Walk *walk, const Kind *kind, Frame *out) noexcept nogil:
    cdef const Place *id = first_seen(walk, declared.ids, declared.id_count)
    cdef const Place *body
    out.kind = kind.kind
    out.id = 0
    out.timeout_ms = 0
    out.status = 0
    out.code = 0
    out.error = 0
    out.head_length = out.length
    out.body_end = out.length
    if id != NULL:
        out.id = id.value
    body = first_seen(walk, declared.bodies, declared.body_count)
    if body != NULL:
        out.head_length = body.at
        out.body_end = body.at + body.n
    if out.kind == FRAME_RESPONSE:
        if declared.status != NO_FIELD:
            out.status = <uint16_t>walk.places[declared.status].value
            out.code = code_of(declared, kind, walk.places[declared.status].value)
        else:
            out.code = kind.code if kind.code else 200
    elif declared.timeout != NO_FIELD and walk.places[declared.timeout].seen:
        out.timeout_ms = milliseconds(declared, &walk.places[declared.timeout])


cdef int64_t parse(const FrameCodec *self, const char *p, size_t n, const FrameLimits *limits,
                   Frame *out) noexcept nogil:
    cdef const Declared *declared = <const Declared *>self
    cdef const Kind *kind
    cdef const Place *sum
    cdef Walk walk
    cdef int64_t used = declared_walk(declared, p, n, limits, &walk)
    out.length = <uint32_t>walk.length
    out.error = walk.error
    if used <= 0:
        return used
    kind = kind_of(declared, &walk)
    if kind == NULL:
        out.error = FRAME_NOT_THE_PROTOCOL
        return -1
    if declared.checksum != NO_FIELD and walk.places[declared.checksum].seen:
        sum = &walk.places[declared.checksum]
        if sum.value != crc32(p, sum.at):
            out.error = FRAME_BAD_CHECKSUM
            return -1
    facts(declared, &walk, kind, out)
    if kind.kind in (FRAME_REQUEST, FRAME_ONEWAY, FRAME_RESPONSE) and first_seen(
            &walk, declared.ids, declared.id_count) == NULL:
        # Left out where it is zero, perhaps; there is no place for another.
        out.error = FRAME_NOT_THE_PROTOCOL
        return -1
    return used


# -- the request model

cdef const char *lower_name(Head *head, Slice name) noexcept nogil:
    # The name itself, or a lower-case copy; NULL when out of memory.
    cdef char *copy
    cdef uint32_t i
    for i in range(name.n):
        if c'A' <= name.p[i] <= c'Z':
            break
    else:
        return name.p
    copy = <char *>arena_alloc(head.arena, name.n)
    if copy == NULL:
        return NULL
    for i in range(name.n):
        copy[i] = name.p[i] | 0x20 if c'A' <= name.p[i] <= c'Z' else name.p[i]
    return copy


cdef int read_headers(const Declared *declared, const char *p, const Walk *walk, const FrameLimits *limits,
                      Frame *frame, Head *head) noexcept nogil:
    cdef HeaderCursor cursor
    cdef Slice name, value
    cdef const char *lower
    cdef int said
    if headers_begin(declared, p, walk.places, &cursor) < 0:
        return -1
    said = headers_next(&cursor, &name, &value)
    while said > 0:
        if frame.header_count >= limits.headers or frame.header_count == 0xFFFF:
            return -1
        lower = lower_name(head, name)
        if lower == NULL or head_add(head, header_id(lower, name.n), lower, name.n, value.p, value.n) == NULL:
            return -1
        frame.header_count += 1
        said = headers_next(&cursor, &name, &value)
    return said


cdef Slice resolve(const Declared *declared, const Source *source, const char *p, const Walk *walk,
                   const Head *head) noexcept nogil:
    # By header first, then by field.
    cdef const Header *item
    cdef const Place *place
    cdef uint32_t i
    for i in range(head.count if source.header.n else 0):
        item = &head.items[i]
        if item.name_len == source.header.n and memcmp(item.name, source.header.p, item.name_len) == 0:
            return slice_of(item.value, item.value_len)
    if source.field != NO_FIELD:
        place = &walk.places[source.field]
        if place.seen and place.n:
            return slice_of(p + place.at, place.n)
    return source.otherwise


cdef int target(const Declared *declared, const char *p, const Walk *walk, Head *head) noexcept nogil:
    cdef Slice service = resolve(declared, &declared.service, p, walk, head)
    cdef Slice method = resolve(declared, &declared.method, p, walk, head)
    cdef const char *cut = NULL
    cdef char *path
    if declared.separator and method.n:
        cut = <const char *>memchr(method.p, declared.separator, method.n)
    if cut != NULL:
        service = slice_of(method.p, cut - method.p)
        method = slice_of(cut + 1, method.n - service.n - 1)
    path = <char *>arena_alloc(head.arena, <size_t>service.n + method.n + 2)
    if path == NULL:
        return -1
    path[0] = c'/'
    if service.n:
        memcpy(path + 1, service.p, service.n)
    path[1 + service.n] = c'/'
    if method.n:
        memcpy(path + 2 + service.n, method.p, method.n)
    head.authority = service
    head.path = slice_of(path, <size_t>service.n + method.n + 2)
    return 0


cdef int made_up(const Declared *declared, const char *p, const Walk *walk, Head *head) noexcept nogil:
    cdef const Place *place
    cdef uint32_t i
    if head_add(head, 0, "x-mosn-protocol", 15, declared.name.p, declared.name.n) == NULL:
        return -1
    for i in range(declared.exposed_count):
        place = &walk.places[declared.exposed[i]]
        if place.seen and head_add(head, 0, declared.exposed_names[i].p, declared.exposed_names[i].n, p + place.at,
                                   place.n) == NULL:
            return -1
    return 0


cdef int fill(const Declared *declared, const char *p, const Walk *walk, const FrameLimits *limits, Frame *frame,
              Head *head) noexcept nogil:
    cdef bint request = frame.kind == FRAME_REQUEST or frame.kind == FRAME_ONEWAY
    head.content_length = frame.body_end - frame.head_length
    if request:
        head.method = slice_of("POST", 4)
        head.method_id = M_POST
        head.scheme = declared.name
        if made_up(declared, p, walk, head) < 0:
            return -1
    else:
        head.status = frame.code
    frame.first_header = <uint16_t>head.count
    frame.header_count = 0
    if declared.headers != NO_FIELD and read_headers(declared, p, walk, limits, frame, head) < 0:
        return -1
    return target(declared, p, walk, head) if request else 0


cdef int read_head(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                   Head *head) noexcept nogil:
    cdef const Declared *declared = <const Declared *>self
    cdef Walk walk
    if declared_walk(declared, p, frame.length, limits, &walk) <= 0 or fill(
            declared, p, &walk, limits, frame, head) < 0:
        frame.error = FRAME_BAD_HEADERS
        return -1
    return 0


cdef bint changed(const FrameCodec *self, const char *p, const Frame *frame, const Head *head) noexcept nogil:
    # An id without a fixed width never fits in place for sure.
    cdef const Declared *declared = <const Declared *>self
    return declared.moving_id or declared_headers_changed(declared, p, frame, head)


cdef void declared_init(Declared *declared) noexcept nogil:
    declared.codec.parse = parse
    declared.codec.read_head = read_head
    declared.codec.changed = changed
    declared.codec.patch = declared_patch
    declared.codec.write = declared_write
    declared.codec.heartbeat = declared_heartbeat
    declared.codec.heartbeat_answer = declared_heartbeat_answer
    declared.codec.reply = declared_reply
    declared.codec.goaway = NULL
