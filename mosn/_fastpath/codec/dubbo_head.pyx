"""From a Dubbo request to the one request model (contracts: dubbo_head.pxd)."""

from libc.stdint cimport int32_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy

from mosn._fastpath.codec.dubbo cimport DUBBO_ATTACHMENTS, DUBBO_HEAD, dubbo_readable
from mosn._fastpath.codec.dubbo_body cimport (
    DubboBody, DubboService, dubbo_arguments, dubbo_body, dubbo_entry, dubbo_map, dubbo_service,
)
from mosn._fastpath.codec.frame cimport (
    FRAME_BAD_HEADERS, FRAME_ONEWAY, FRAME_REQUEST, SKIP_HEADERS, Frame, FrameCodec, FrameLimits, inside,
)
from mosn._fastpath.codec.hessian2 cimport H2Entry
from mosn._fastpath.codec.hessian2_string cimport H2_NULL
from mosn._fastpath.head cimport M_POST, Head, Header, head_add, header_id
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, arena_copy, slice_of

cdef enum:
    LONGEST_TIMEOUT = 9         # digits
    CALLBACK_TAIL = 8192        # bytes
    MOST_HEADERS = 60000        # whatever the limits say: Frame counts in 16 bits

# What a byte is.
cdef enum:
    NOT_PATH = 1                # in neither service nor method
    NOT_NAME = 2                # not in a header's name
    SLASH = 4
    CAPITAL = 8

cdef uint8_t CLASSES[256]


def _fill_classes() -> None:
    for c in range(256):
        CLASSES[c] = NOT_PATH * (c <= 0x20 or c == 0x7f or chr(c) in "?#")
        CLASSES[c] |= NOT_NAME * (c <= 0x20 or c >= 0x7f or chr(c) == ":")
    CLASSES[ord("/")] |= SLASH
    for c in b"ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        CLASSES[c] |= CAPITAL


_fill_classes()


cdef inline uint8_t _classes(Slice text) noexcept nogil:
    # Of any of the bytes.
    cdef uint32_t i
    cdef uint8_t found = 0
    for i in range(text.n):
        found |= CLASSES[<uint8_t>text.p[i]]
    return found


# -- service and method

cdef int _set_path(const DubboService *service, Head *head) noexcept nogil:
    # "/service/method".  What could be taken for another service or method, or for a query, is refused.
    cdef size_t n = <size_t>service.path.n + service.method.n + 2
    cdef char *path
    if service.path.n == 0 or service.method.n == 0:
        return -1
    if _classes(service.path) & NOT_PATH or _classes(service.method) & (NOT_PATH | SLASH):
        return -1
    path = <char *>arena_alloc(head.arena, n)
    if path == NULL:
        return -1
    path[0] = c"/"
    memcpy(path + 1, service.path.p, service.path.n)
    path[1 + service.path.n] = c"/"
    memcpy(path + 2 + service.path.n, service.method.p, service.method.n)
    head.authority = service.path
    head.path = slice_of(path, n)
    return 0


cdef int _begin(Frame *frame, Head *head) noexcept nogil:
    # What every request has.
    head.content_length = frame.length - DUBBO_HEAD
    head.method = slice_of(b"POST", 4)
    head.method_id = M_POST
    head.scheme = slice_of(b"dubbo", 5)
    head.path = slice_of(b"/", 1)
    return 0 if head_add(head, 0, b"x-mosn-protocol", 15, b"dubbo", 5) != NULL else -1


cdef int _service(DubboBody *b, DubboService *service, Frame *frame, Head *head) noexcept nogil:
    if _begin(frame, head) < 0 or dubbo_service(b, service) < 0 or _set_path(service, head) < 0:
        return -1
    if service.version.n and head_add(head, 0, b"version", 7, service.version.p, service.version.n) == NULL:
        return -1
    frame.first_header = <uint16_t>head.count
    frame.header_count = 0
    return 0


# -- attachments

cdef bint dubbo_is_header(const H2Entry *entry) noexcept nogil:
    return entry.key_is_text and entry.value_is_text and entry.key.n != 0 and not _classes(entry.key) & NOT_NAME


cdef const char *_lower(Head *head, Slice key) noexcept nogil:
    # A copy of the key in lower case, with the key behind it.
    cdef char *copy
    cdef uint32_t i
    copy = <char *>arena_alloc(head.arena, 2 * <size_t>key.n)
    if copy == NULL:
        return NULL
    for i in range(key.n):
        copy[i] = key.p[i] | 0x20 if c"A" <= key.p[i] <= c"Z" else key.p[i]
    memcpy(copy + key.n, key.p, key.n)
    return copy


cdef bint _repeats(const char *p, const Frame *frame, const Head *head, Slice key) noexcept nogil:
    # Is there an attachment with exactly this key?  (Java keeps the last of two.)
    cdef const Header *item
    cdef const char *other
    cdef uint32_t i
    for i in range(frame.first_header, head.count):
        item = &head.items[i]
        if item.name_len == key.n:
            other = item.name if inside(p, frame.length, item.name) else item.name + item.name_len
            if memcmp(other, key.p, key.n) == 0:
                return True
    return False


cdef inline uint64_t _mark(Slice key) noexcept nogil:
    # One of 64 bits: two keys with different bits are not the same.
    cdef const unsigned char *u = <const unsigned char *>key.p
    cdef uint32_t mixed = u[0] * 7 + u[key.n >> 1] * 13 + u[key.n - 1] * 31 + key.n * 5
    return <uint64_t>1 << (mixed & 63)


cdef void _note_timeout(Slice value, Frame *frame) noexcept nogil:
    cdef int32_t timeout = 0
    cdef uint32_t i
    if value.n > LONGEST_TIMEOUT:
        return
    for i in range(value.n):
        if not c"0" <= value.p[i] <= c"9":
            return
        timeout = timeout * 10 + (value.p[i] - c"0")
    frame.timeout_ms = timeout


cdef int _add(const char *p, Frame *frame, Head *head, const H2Entry *entry, uint8_t classes,
              uint64_t *marks) noexcept nogil:
    cdef const char *name
    cdef uint64_t mark = _mark(entry.key)
    if marks[0] & mark and _repeats(p, frame, head, entry.key):
        return -1
    marks[0] |= mark
    name = entry.key.p
    if classes & CAPITAL or not inside(p, frame.length, name):
        name = _lower(head, entry.key)
    if name == NULL:
        return -1
    if head_add(head, header_id(name, entry.key.n), name, entry.key.n, entry.value.p, entry.value.n) == NULL:
        return -1
    if entry.key.n == 7 and memcmp(entry.key.p, b"timeout", 7) == 0:
        _note_timeout(entry.value, frame)
    elif entry.key.n == 7 and memcmp(entry.key.p, b"version", 7) == 0 and frame.first_header > 1:
        # Where both are, the server takes the attachment.
        head.items[frame.first_header - 1].removed = 1
    return 0


cdef int _entries(const char *p, DubboBody *b, Frame *frame, const FrameLimits *limits, Head *head) noexcept nogil:
    cdef H2Entry entry
    cdef uint64_t marks = 0
    cdef uint32_t count = 0
    cdef uint8_t classes
    cdef int found
    while True:
        found = dubbo_entry(b, &entry)
        if found <= 0:
            return found
        count += 1
        if count > limits.headers or count > MOST_HEADERS:
            return -1
        if not entry.key_is_text or not entry.value_is_text or entry.key.n == 0:
            continue
        classes = _classes(entry.key)
        if not classes & NOT_NAME and _add(p, frame, head, &entry, classes, &marks) < 0:
            return -1


cdef int _attachments(const char *p, DubboBody *b, Slice types, Frame *frame, const FrameLimits *limits,
                      Head *head) noexcept nogil:
    cdef int found = dubbo_arguments(b, types)
    if found == 0:
        found = dubbo_map(b)
    if found == 0:
        found = _entries(p, b, frame, limits, head)
    frame.header_count = <uint16_t>(head.count - frame.first_header)
    frame.switches |= DUBBO_ATTACHMENTS
    return 0 if found == H2_NULL else found


# -- the three ways to read

cdef inline bint _is_request(const Frame *frame) noexcept nogil:
    return frame.kind == FRAME_REQUEST or frame.kind == FRAME_ONEWAY


cdef inline int _result(Frame *frame, int found) noexcept nogil:
    if found < 0:
        frame.error = FRAME_BAD_HEADERS
    return found


cdef int _unread(Frame *frame, Head *head) noexcept nogil:
    # A response, or a serialization that this build does not know.
    cdef int done = 0
    if _is_request(frame):
        done = _begin(frame, head)
    else:
        head.status = frame.code
        head.content_length = frame.length - DUBBO_HEAD
    frame.first_header = <uint16_t>head.count
    frame.header_count = 0
    return done


cdef inline bint _has_fields(const Frame *frame) noexcept nogil:
    return _is_request(frame) and dubbo_readable(frame.serialization)


cdef int dubbo_read_head(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                         Head *head) noexcept nogil:
    cdef DubboService service
    cdef DubboBody b
    cdef int found
    if not _has_fields(frame):
        return _result(frame, _unread(frame, head))
    dubbo_body(&b, p, frame, head.arena)
    found = _service(&b, &service, frame, head)
    if found == 0 and not limits.skip & SKIP_HEADERS:
        found = _attachments(p, &b, service.types, frame, limits, head)
    return _result(frame, found)


cdef int dubbo_read_service(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                            Head *head) noexcept nogil:
    cdef DubboService service
    cdef DubboBody b
    if not _has_fields(frame):
        return _result(frame, _unread(frame, head))
    dubbo_body(&b, p, frame, head.arena)
    return _result(frame, _service(&b, &service, frame, head))


cdef int dubbo_read_attachments(const char *p, Frame *frame, const FrameLimits *limits, Head *head) noexcept nogil:
    cdef DubboService service
    cdef DubboBody b
    if not _has_fields(frame) or frame.switches & DUBBO_ATTACHMENTS:
        return 0
    dubbo_body(&b, p, frame, head.arena)
    if dubbo_service(&b, &service) < 0:
        return _result(frame, -1)
    return _result(frame, _attachments(p, &b, service.types, frame, limits, head))


cdef int dubbo_read_rest(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                         Head *head) noexcept nogil:
    return dubbo_read_attachments(p, frame, limits, head)


# -- timeouts and callbacks

cdef Slice _decimal(Arena *arena, int32_t number) noexcept nogil:
    # Of a number that is not negative; empty when out of memory.
    cdef char digits[12]
    cdef uint32_t n = 0
    while True:
        n += 1
        digits[12 - n] = <char>(c"0" + number % 10)
        number //= 10
        if number == 0:
            break
    return slice_of(arena_copy(arena, digits + 12 - n, n), n)


cdef void dubbo_set_timeout(const FrameCodec *self, const Frame *frame, Head *head, int32_t timeout_ms) noexcept nogil:
    cdef Header *item
    cdef Slice text
    cdef uint32_t i
    for i in range(frame.first_header, frame.first_header + <uint32_t>frame.header_count):
        item = &head.items[i]
        if item.name_len == 7 and memcmp(item.name, b"timeout", 7) == 0 and not item.removed:
            text = _decimal(head.arena, timeout_ms)
            if text.p != NULL:
                item.value = text.p
                item.value_len = text.n


cdef bint dubbo_calls_back(const FrameCodec *self, const char *p, const Frame *frame) noexcept nogil:
    cdef const char *end = p + frame.length
    cdef const char *at = p + DUBBO_HEAD
    if frame.length > CALLBACK_TAIL:
        at = end - CALLBACK_TAIL
    while end - at > 17:
        at = <const char *>memchr(at, c"_", <size_t>(end - at))
        if at == NULL:
            return False
        if at - p > DUBBO_HEAD + 3 and end - at > 14 and memcmp(at - 3, b"sys_callback_arg-", 17) == 0:
            return True
        at += 1
    return False
