"""SOFARPC's BOLT, versions 1 and 2 (see bolt.pxd).

Fixed part, class name, header map, content; version 2 has a protocol switch and, when bit 0 of it is set and its
second byte is 2, a CRC-32 of everything before behind the content.  Java reads class and header lengths as signed 16
bits, so more than 32767 is negative there and an error here.
"""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp, memcpy

from mosn._fastpath.codec.bolt_reply cimport bolt_heartbeat, bolt_heartbeat_answer, bolt_reply
from mosn._fastpath.codec.bolt_skim cimport bolt_skim
from mosn._fastpath.codec.crc32 cimport crc32
from mosn._fastpath.codec.frame cimport (
    FRAME_BAD_CHECKSUM, FRAME_BAD_HEADERS, FRAME_BAD_LENGTH, FRAME_HEARTBEAT, FRAME_HEARTBEAT_ANSWER,
    FRAME_NOT_THE_PROTOCOL, FRAME_OK, FRAME_ONEWAY, FRAME_REQUEST, FRAME_RESPONSE, FRAME_TOO_LARGE, MATCH_MORE,
    MATCH_NO, MATCH_YES, SKIP_HEADERS, Frame, FrameCodec, FrameLimits, be16, be32, frame_head_changed, put16, put32,
)
from mosn._fastpath.codec.hessian2_sofa cimport h2_sofa_request
from mosn._fastpath.head cimport M_POST, Head, Header, head_add, header_id
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, arena_alloc, buf_reserve, slice_of

cdef enum:
    LONGEST_SHORT = 32767       # a Java short

# v1 request, v1 response, v2 request, v2 response
cdef BoltLayout[4] LAYOUTS
LAYOUTS[0] = BoltLayout(5, 10, 14, 22)
LAYOUTS[1] = BoltLayout(5, 10, 12, 20)
LAYOUTS[2] = BoltLayout(6, 12, 16, 24)
LAYOUTS[3] = BoltLayout(6, 12, 14, 22)


cdef const BoltLayout *bolt_layout(const Frame *frame) noexcept nogil:
    cdef int answer = frame.kind in (FRAME_RESPONSE, FRAME_HEARTBEAT_ANSWER)
    return &LAYOUTS[(2 if frame.version & 15 == BOLT_V2 else 0) + answer]


# -- parsing

cdef uint8_t kind_of(uint32_t type, uint32_t command) noexcept nogil:
    # 0 for what no peer sends.
    if command == BOLT_CMD_HEARTBEAT:
        return FRAME_HEARTBEAT if type == BOLT_REQUEST else FRAME_HEARTBEAT_ANSWER if type == BOLT_RESPONSE else 0
    if type == BOLT_RESPONSE:
        return FRAME_RESPONSE if command == BOLT_CMD_RESPONSE else 0
    if command != BOLT_CMD_REQUEST:
        return 0
    return FRAME_REQUEST if type == BOLT_REQUEST else FRAME_ONEWAY if type == BOLT_ONEWAY else 0


cdef uint16_t code_of(uint32_t status) noexcept nogil:
    # A response's status in HTTP's words.
    if status == BOLT_SUCCESS:
        return 200
    if status in (BOLT_BUSY, BOLT_CONNECTION_CLOSED):
        return 503
    if status == BOLT_TIMEOUT:
        return 504
    if status in (BOLT_ERROR_COMM, BOLT_CLIENT_SEND_ERROR):
        return 502
    return 404 if status == BOLT_NO_PROCESSOR else 500


cdef int64_t fail(Frame *out, uint8_t error) noexcept nogil:
    out.error = error
    return -1


cdef int matches(const FrameCodec *self, const char *p, size_t n) noexcept nogil:
    # Version, type and command of something that a client sends: no more bytes are needed, few others have them.
    cdef bint v2 = p[0] == BOLT_V2
    if (p[0] != BOLT_V1 and not v2) or (v2 and n > 1 and p[1] != 1 and p[1] != 2):
        return MATCH_NO
    if n > <size_t>1 + v2 and p[1 + v2] != BOLT_REQUEST and p[1 + v2] != BOLT_ONEWAY:
        return MATCH_NO
    if n < <size_t>4 + v2:
        return MATCH_MORE
    return MATCH_YES if kind_of(p[1 + v2], be16(p + 2 + v2)) else MATCH_NO


cdef int64_t parse(const FrameCodec *self, const char *p, size_t n, const FrameLimits *limits,
                   Frame *out) noexcept nogil:
    cdef const BoltLayout *layout
    cdef bint v2
    out.length = 0
    if n < 4:
        return fail(out, FRAME_NOT_THE_PROTOCOL) if n and p[0] != BOLT_V1 and p[0] != BOLT_V2 else 0
    v2 = p[0] == BOLT_V2
    if (p[0] != BOLT_V1 and not v2) or (v2 and p[1] != 1 and p[1] != 2):
        return fail(out, FRAME_NOT_THE_PROTOCOL)
    if n < 5:
        return 0
    out.version = <uint8_t>(p[0] | p[1] << 4 if v2 else p[0])
    out.kind = kind_of(p[1 + v2], be16(p + 2 + v2))
    if out.kind == 0:
        return fail(out, FRAME_NOT_THE_PROTOCOL)
    layout = bolt_layout(out)
    if n < layout.fixed:
        return 0
    return parse_fixed(p, n, layout, limits, out)


cdef int64_t parse_fixed(const char *p, size_t n, const BoltLayout *layout, const FrameLimits *limits,
                         Frame *out) noexcept nogil:
    cdef uint32_t names = be16(p + layout.lengths)
    cdef uint32_t headers = be16(p + layout.lengths + 2)
    cdef uint32_t content = be32(p + layout.lengths + 4)
    cdef uint64_t length
    out.id = be32(p + layout.id)
    out.serialization = <uint8_t>p[layout.id + 4]
    out.switches = <uint8_t>p[layout.id + 5] if out.version >> 4 == 2 else 0
    if names > LONGEST_SHORT or headers > LONGEST_SHORT or content > 0x7FFFFFFF:
        return fail(out, FRAME_BAD_LENGTH)
    length = <uint64_t>layout.fixed + names + headers + content
    if length + 4 > limits.frame_bytes:
        return fail(out, FRAME_TOO_LARGE)
    out.head_length = layout.fixed + names + headers
    out.body_end = <uint32_t>length
    out.length = <uint32_t>length + (4 if out.switches & BOLT_CRC else 0)
    facts(p, layout, out)
    if n < out.length:
        return 0
    if out.switches & BOLT_CRC and be32(p + out.body_end) != crc32(p, out.body_end):
        return fail(out, FRAME_BAD_CHECKSUM)
    return out.length


cdef void facts(const char *p, const BoltLayout *layout, Frame *out) noexcept nogil:
    out.timeout_ms = 0
    out.status = 0
    out.code = 0
    out.error = 0
    if out.kind in (FRAME_RESPONSE, FRAME_HEARTBEAT_ANSWER):
        out.status = <uint16_t>be16(p + layout.timeout)
        out.code = code_of(out.status)
    else:
        out.timeout_ms = <int32_t>be32(p + layout.timeout)


# -- the request model

cdef const char *lower_name(Head *head, const char *name, uint32_t n) noexcept nogil:
    # The name itself, or a lower-case copy; NULL when out of memory.
    cdef char *copy
    cdef uint32_t i
    for i in range(n):
        if c'A' <= name[i] <= c'Z':
            break
    else:
        return name
    copy = <char *>arena_alloc(head.arena, n)
    if copy == NULL:
        return NULL
    for i in range(n):
        copy[i] = name[i] | 0x20 if c'A' <= name[i] <= c'Z' else name[i]
    return copy


cdef int read_map(const char *p, uint32_t n, const FrameLimits *limits, Frame *frame, Head *head) noexcept nogil:
    cdef Slice name, value
    cdef int64_t used
    cdef const char *lower
    frame.first_header = <uint16_t>head.count
    frame.header_count = 0
    while n:
        used = bolt_text(p, n, &name)
        if used < 0 or frame.header_count == limits.headers:
            return -1
        p += used
        n -= <uint32_t>used
        used = bolt_text(p, n, &value)
        if used < 0:
            return -1
        p += used
        n -= <uint32_t>used
        lower = lower_name(head, name.p, name.n)
        if lower == NULL or head_add(head, header_id(lower, name.n), lower, name.n, value.p, value.n) == NULL:
            return -1
        frame.header_count += 1
    return 0


cdef inline bint named(const Header *item, const char *literal, uint32_t n) noexcept nogil:
    return item.name_len == n and memcmp(item.name, literal, n) == 0


cdef void named_inside(const char *p, const Frame *frame, Head *head, Slice *service, Slice *method) noexcept nogil:
    # SOFARPC for Node says the method nowhere but in the request itself.
    cdef Slice own_method, own_service
    if frame.serialization != BOLT_HESSIAN2:
        return
    # What is read before the content turns out to be something else still counts.
    h2_sofa_request(p + frame.head_length, frame.body_end - frame.head_length, head.arena, &own_method, &own_service)
    if own_method.n:
        method[0] = own_method
    if service.n == 0 and own_service.n:
        service[0] = own_service


cdef int target(const char *p, const Frame *frame, Head *head) noexcept nogil:
    # :authority and :path of sofa_head_target_service (or service) and sofa_head_method_name.
    cdef Slice service = slice_of("", 0)
    cdef Slice method = slice_of("", 0)
    cdef const Header *item
    cdef uint32_t i
    for i in range(frame.first_header, head.count):
        item = &head.items[i]
        if named(item, "sofa_head_target_service", 24) or (service.n == 0 and named(item, "service", 7)):
            service = slice_of(item.value, item.value_len)
        elif named(item, "sofa_head_method_name", 21):
            method = slice_of(item.value, item.value_len)
    return bolt_set_path(p, frame, head, service, method)


cdef int bolt_set_path(const char *p, const Frame *frame, Head *head, Slice service, Slice method) noexcept nogil:
    cdef char *path
    if method.n == 0:
        named_inside(p, frame, head, &service, &method)
    path = <char *>arena_alloc(head.arena, <size_t>service.n + method.n + 2)
    if path == NULL:
        return -1
    path[0] = c'/'
    memcpy(path + 1, service.p, service.n)
    path[1 + service.n] = c'/'
    memcpy(path + 2 + service.n, method.p, method.n)
    head.authority = service
    head.path = slice_of(path, <size_t>service.n + method.n + 2)
    return 0


cdef int read_head(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                   Head *head) noexcept nogil:
    cdef const BoltLayout *layout = bolt_layout(frame)
    cdef uint32_t names = be16(p + layout.lengths)
    cdef const char *at = p + layout.fixed
    cdef bint request = frame.kind in (FRAME_REQUEST, FRAME_ONEWAY)
    cdef int skimmed = bolt_skim(p, frame, limits, head) if request and limits.skip & SKIP_HEADERS else 1
    if skimmed <= 0:
        frame.error = FRAME_BAD_HEADERS if skimmed else FRAME_OK
        return skimmed
    head.content_length = frame.body_end - frame.head_length
    if request:
        head.method = slice_of("POST", 4)
        head.method_id = M_POST
        head.scheme = slice_of("bolt", 4)
        head_add(head, 0, "x-mosn-protocol", 15, "bolt", 4)
        if names:
            head_add(head, 0, "x-mosn-class", 12, at, names)
    else:
        head.status = frame.code
    if read_map(at + names, frame.head_length - layout.fixed - names, limits, frame, head) < 0 or (
            request and target(p, frame, head) < 0):
        frame.error = FRAME_BAD_HEADERS
        return -1
    return 0


# -- writing

cdef void bolt_seal(char *p, const Frame *frame) noexcept nogil:
    if frame.switches & BOLT_CRC:
        put32(p + frame.body_end, crc32(p, frame.body_end))


cdef void patch(const FrameCodec *self, char *p, const Frame *frame, uint64_t id, int32_t timeout_ms) noexcept nogil:
    cdef const BoltLayout *layout = bolt_layout(frame)
    put32(p + layout.id, <uint32_t>id)
    if timeout_ms >= 0 and frame.kind in (FRAME_REQUEST, FRAME_ONEWAY):
        put32(p + layout.timeout, <uint32_t>timeout_ms)
    bolt_seal(p, frame)


cdef uint64_t map_size(const Frame *frame, const Head *head) noexcept nogil:
    cdef uint64_t size = 0
    cdef uint32_t i
    for i in range(frame.first_header, head.count):
        if not head.items[i].removed:
            size += <uint64_t>8 + head.items[i].name_len + head.items[i].value_len
    return size


cdef char *put_text(char *to, const char *p, uint32_t n) noexcept nogil:
    put32(to, n)
    memcpy(to + 4, p, n)
    return to + 4 + n


cdef char *write_map(char *to, const char *own, const Frame *frame, const Head *head) noexcept nogil:
    # Own entries keep the case of their names, and null where nothing was put in its place.
    cdef const Header *item
    cdef Slice name, value
    cdef int64_t used
    cdef uint32_t i
    cdef uint32_t end = frame.first_header + <uint32_t>frame.header_count
    for i in range(frame.first_header, head.count):
        item = &head.items[i]
        if i >= end:
            if not item.removed:
                to = put_text(put_text(to, item.name, item.name_len), item.value, item.value_len)
            continue
        used = bolt_text(own, LONGEST_SHORT, &name)
        used += bolt_text(own + used, LONGEST_SHORT, &value)
        if not item.removed and item.value == value.p:
            memcpy(to, own, used)
            to += used
        elif not item.removed:
            to = put_text(put_text(to, name.p, name.n), item.value, item.value_len)
        own += used
    return to


cdef int write(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *frame, const Head *head,
               uint64_t id,
               int32_t timeout_ms) noexcept nogil:
    cdef const BoltLayout *layout = bolt_layout(frame)
    cdef uint32_t front = layout.fixed + be16(p + layout.lengths)
    cdef uint64_t size = map_size(frame, head)
    cdef Frame made = frame[0]
    cdef char *to
    if size > LONGEST_SHORT:
        return -1
    made.head_length = front + <uint32_t>size
    made.body_end = made.head_length + frame.body_end - frame.head_length
    made.length = made.body_end + frame.length - frame.body_end
    if buf_reserve(pool, out, made.length) < 0:
        return -1
    to = out.data + out.end
    memcpy(to, p, front)
    put16(to + layout.lengths + 2, <uint32_t>size)
    write_map(to + front, p + front, frame, head)
    memcpy(to + made.head_length, p + frame.head_length, frame.body_end - frame.head_length)
    out.end += made.length
    patch(self, to, &made, id, timeout_ms)
    return 0


cdef FrameCodec CODEC
CODEC.name = "bolt"
CODEC.id_mask = 0xFFFFFFFF
CODEC.lookahead = 24
CODEC.matches = matches
CODEC.parse = parse
CODEC.read_head = read_head
CODEC.read_rest = NULL
CODEC.set_timeout = NULL
CODEC.calls_back = NULL
CODEC.changed = frame_head_changed
CODEC.patch = patch
CODEC.write = write
CODEC.heartbeat = bolt_heartbeat
CODEC.heartbeat_answer = bolt_heartbeat_answer
CODEC.reply = bolt_reply
CODEC.goaway = NULL


cdef const FrameCodec *bolt_codec() noexcept nogil:
    return &CODEC
