"""Heads of HTTP/2 messages (see h2_head.pxd).

As strict as for HTTP/1.1: targets, authorities, names and values that http1 refuses are malformed here, too, or a
request could mean one thing here and another behind a translation to HTTP/1.1.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.codec.http1_line cimport h1_method_byte, h1_valid_authority
from mosn._fastpath.head cimport (
    H_AUTHORIZATION, H_CONNECTION, H_CONTENT_LENGTH, H_CONTENT_TYPE, H_COOKIE, H_EXPECT, H_HOST, H_HTTP2_SETTINGS,
    H_KEEP_ALIVE, H_PROXY_CONNECTION, H_SET_COOKIE, H_TE, H_TRANSFER_ENCODING, H_UNKNOWN, H_UPGRADE,
    HF_EXPECT_CONTINUE, HF_NO_BODY, HF_UPGRADE, M_CONNECT, M_OPTIONS, Header, head_get, head_has, head_remove,
    method_id,
)
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_equal, slice_is, slice_is_lower, slice_of

cdef uint8_t NAME[256]          # token characters without capitals (RFC 9113 8.2.1)
cdef uint8_t BAD_VALUE[256]
cdef uint8_t BAD_TARGET[256]


def _fill_classes() -> None:
    for c in b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz":
        NAME[c] = 1
    for c in range(256):
        BAD_VALUE[c] = (c < 0x20 and c != 9) or c == 0x7f
        BAD_TARGET[c] = c <= 0x20 or c >= 0x7f or c == ord("#")


_fill_classes()


cdef struct Pseudo:
    Slice method
    Slice scheme
    Slice authority
    Slice path
    Slice protocol
    Slice status
    uint32_t seen


cdef enum PseudoBit:
    HAS_METHOD = 1
    HAS_SCHEME = 2
    HAS_AUTHORITY = 4
    HAS_PATH = 8
    HAS_PROTOCOL = 16
    HAS_STATUS = 32


# -- single fields

cdef inline bint _blank(char c) noexcept nogil:
    return c == c" " or c == c"\t"


cdef bint _good_value(const char *p, uint32_t n) noexcept nogil:
    cdef uint8_t bad = 0
    cdef uint32_t i
    for i in range(n):
        bad |= BAD_VALUE[<uint8_t>p[i]]
    return not bad and not (n and (_blank(p[0]) or _blank(p[n - 1])))


cdef bint _good_name(const char *p, uint32_t n) noexcept nogil:
    cdef uint8_t good = n != 0
    cdef uint32_t i
    for i in range(n):
        good &= NAME[<uint8_t>p[i]]
    return good


cdef inline bint _of_the_connection(uint16_t id) noexcept nogil:
    # RFC 9113 8.2.2
    return id in (H_CONNECTION, H_KEEP_ALIVE, H_PROXY_CONNECTION, H_TRANSFER_ENCODING, H_UPGRADE)


cdef const char *_check_field(const Header *item) noexcept nogil:
    if not _good_name(item.name, item.name_len):
        if item.name_len and item.name[0] == c":":
            return b"pseudo-header field out of place"
        return b"invalid field name"
    if not _good_value(item.value, item.value_len):
        return b"invalid character in a field value"
    if item.id == H_UNKNOWN:
        return NULL
    if _of_the_connection(item.id):
        return b"connection-specific field"
    if item.id == H_TE and not slice_is_lower(slice_of(item.value, item.value_len), b"trailers"):
        return b"TE other than trailers"
    return NULL


# -- pseudo-header fields

cdef uint32_t _pseudo_bit(Slice name, Pseudo *out, Slice **place) noexcept nogil:
    if slice_is(name, b":method"):
        place[0] = &out.method
        return HAS_METHOD
    if slice_is(name, b":scheme"):
        place[0] = &out.scheme
        return HAS_SCHEME
    if slice_is(name, b":authority"):
        place[0] = &out.authority
        return HAS_AUTHORITY
    if slice_is(name, b":path"):
        place[0] = &out.path
        return HAS_PATH
    if slice_is(name, b":protocol"):
        place[0] = &out.protocol
        return HAS_PROTOCOL
    if slice_is(name, b":status"):
        place[0] = &out.status
        return HAS_STATUS
    return 0


cdef const char *_take_pseudo(Head *head, Pseudo *out) noexcept nogil:
    # Those in front leave items; one that comes later is an invalid name.
    cdef Slice *place = NULL
    cdef Header *item
    cdef uint32_t bit
    cdef uint32_t taken = 0
    out.seen = 0
    while taken < head.count:
        item = &head.items[taken]
        if item.name_len == 0 or item.name[0] != c":":
            break
        bit = _pseudo_bit(slice_of(item.name, item.name_len), out, &place)
        if bit == 0:
            return b"unknown pseudo-header field"
        if out.seen & bit:
            return b"repeated pseudo-header field"
        if not _good_value(item.value, item.value_len):
            return b"invalid character in a pseudo-header field"
        out.seen |= bit
        place[0] = slice_of(item.value, item.value_len)
        taken += 1
    head.items += taken
    head.count -= taken
    head.capacity -= taken
    return NULL


cdef const char *_check_fields(Head *head) noexcept nogil:
    cdef const char *wrong
    cdef uint32_t i
    for i in range(head.count):
        wrong = _check_field(&head.items[i])
        if wrong != NULL:
            return wrong
    head_remove(head, H_HTTP2_SETTINGS)
    return NULL


# -- content-length

cdef const char *_length(Head *head, bint end) noexcept nogil:
    cdef Header *item = head_get(head, H_CONTENT_LENGTH)
    cdef uint64_t value = 0
    cdef uint32_t i
    cdef uint8_t digit
    if item == NULL:
        return NULL
    for i in range(item.value_len):
        digit = <uint8_t>(item.value[i] - c"0")
        if digit > 9 or value > (<uint64_t>0x7fffffffffffffff - digit) // 10:
            return b"invalid Content-Length"
        value = value * 10 + digit
    if item.value_len == 0 or _repeated(head, H_CONTENT_LENGTH):
        return b"invalid Content-Length"
    head.content_length = <int64_t>value
    return NULL


cdef bint _repeated(const Head *head, uint16_t id) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t found = 0
    for i in range(head.count):
        found += head.items[i].id == id and not head.items[i].removed
    return found > 1


# -- requests

cdef const char *_target(Head *head, const Pseudo *said) noexcept nogil:
    cdef uint32_t i
    cdef uint8_t bad = 0
    if said.path.n == 0:
        return b"empty :path"
    for i in range(said.path.n):
        bad |= BAD_TARGET[<uint8_t>said.path.p[i]]
    if bad:
        return b"invalid :path"
    if said.path.p[0] != c"/" and not (head.method_id == M_OPTIONS and slice_is(said.path, b"*")):
        return b"invalid :path"
    if not slice_is_lower(said.scheme, b"http") and not slice_is_lower(said.scheme, b"https"):
        return b"unknown :scheme"
    head.path = said.path
    head.scheme = slice_of(b"https", said.scheme.n)
    return NULL


cdef const char *_method(Head *head, const Pseudo *said) noexcept nogil:
    cdef uint32_t i
    if said.method.n == 0:
        return b"empty :method"
    for i in range(said.method.n):
        if not h1_method_byte(said.method.p[i]):
            return b"invalid :method"
    head.method = said.method
    head.method_id = method_id(said.method.p, said.method.n)
    return NULL


cdef const char *_authority(Head *head, const Pseudo *said) noexcept nogil:
    # RFC 9113 8.3.1: Host, if it is there too, says the same.
    cdef Header *host = head_get(head, H_HOST) if head_has(head, H_HOST) else NULL
    cdef Slice value
    head.authority = said.authority
    if host != NULL:
        value = slice_of(host.value, host.value_len)
        if _repeated(head, H_HOST):
            return b"repeated Host"
        if said.seen & HAS_AUTHORITY and not slice_equal(value, said.authority):
            return b"Host other than :authority"
        head.authority = value
        host.removed = 1
    if not h1_valid_authority(head.authority.p, head.authority.n, head.method_id == M_CONNECT and
                              not said.seen & HAS_PROTOCOL):
        return b"missing or malformed :authority"
    return NULL


cdef const char *_required(const Head *head, const Pseudo *said, bint connect_protocol) noexcept nogil:
    # RFC 9113 8.3.1, 8.5; RFC 8441 4.
    if said.seen & HAS_STATUS or not said.seen & HAS_METHOD:
        return b"missing or wrong pseudo-header fields"
    if said.seen & HAS_PROTOCOL and not (connect_protocol and head.method_id == M_CONNECT):
        return b"unexpected :protocol"
    if head.method_id == M_CONNECT and not said.seen & HAS_PROTOCOL:
        if said.seen & (HAS_SCHEME | HAS_PATH):
            return b"CONNECT with :scheme or :path"
        return NULL
    if said.seen & (HAS_SCHEME | HAS_PATH) != (HAS_SCHEME | HAS_PATH):
        return b"missing pseudo-header fields"
    return NULL


cdef int _join_cookies(Head *head) noexcept nogil:
    # RFC 9113 8.2.3: crumbs become one field again.
    cdef Header *first = NULL
    cdef Header *item
    cdef size_t n = 0
    cdef uint32_t i
    cdef char *out
    for i in range(head.count):
        if head.items[i].id == H_COOKIE:
            n += head.items[i].value_len + 2
    out = <char *>arena_alloc(head.arena, n)
    if out == NULL:
        return -1
    n = 0
    for i in range(head.count):
        item = &head.items[i]
        if item.id != H_COOKIE:
            continue
        if first == NULL:
            first = item
        else:
            memcpy(out + n, b"; ", 2)
            n += 2
            item.removed = 1
        if item.value_len:
            memcpy(out + n, item.value, item.value_len)
        n += item.value_len
    first.value = out
    first.value_len = <uint32_t>n
    return 0


cdef const char *_body(Head *head, bint end) noexcept nogil:
    cdef Header *expect
    cdef const char *wrong = _length(head, end)
    if wrong != NULL:
        return wrong
    if end:
        head.flags |= HF_NO_BODY
        if head.content_length > 0:
            return b"Content-Length without a body"
    elif head_has(head, H_EXPECT):
        expect = head_get(head, H_EXPECT)
        if expect != NULL and slice_is_lower(slice_of(expect.value, expect.value_len), b"100-continue"):
            head.flags |= HF_EXPECT_CONTINUE
    return NULL


cdef const char *h2_request_head(Head *head, bint end, bint connect_protocol) noexcept nogil:
    cdef Pseudo said
    cdef const char *wrong = _take_pseudo(head, &said)
    if wrong == NULL and said.seen & HAS_METHOD:
        wrong = _method(head, &said)
    if wrong == NULL:
        wrong = _required(head, &said, connect_protocol)
    if not said.seen & HAS_AUTHORITY:
        said.authority = slice_of(NULL, 0)
    if wrong == NULL and said.seen & HAS_PATH:
        wrong = _target(head, &said)
    if wrong == NULL:
        wrong = _check_fields(head)
    if wrong == NULL:
        wrong = _authority(head, &said)
    if wrong == NULL:
        wrong = _body(head, end)
    if wrong != NULL:
        return wrong
    if said.seen & HAS_PROTOCOL:
        head.upgrade = said.protocol
        head.flags |= HF_UPGRADE
    if head_has(head, H_COOKIE) and _repeated(head, H_COOKIE) and _join_cookies(head) < 0:
        return b"out of memory"
    return NULL


# -- responses, trailers

cdef const char *h2_response_head(Head *head, bint end) noexcept nogil:
    cdef Pseudo said
    cdef uint32_t i
    cdef const char *wrong = _take_pseudo(head, &said)
    if wrong == NULL and said.seen != HAS_STATUS:
        wrong = b"missing or wrong pseudo-header fields"
    if wrong == NULL and (said.status.n != 3 or said.status.p[0] == c"0"):
        wrong = b"invalid :status"
    if wrong != NULL:
        return wrong
    for i in range(3):
        if not c"0" <= said.status.p[i] <= c"9":
            return b"invalid :status"
        head.status = <uint16_t>(head.status * 10 + (said.status.p[i] - c"0"))
    wrong = _check_fields(head)
    if wrong == NULL:
        wrong = _length(head, end)
    if wrong == NULL and head.status < 200 and (end or head.status == 101):
        wrong = b"unexpected interim response"
    if end:
        head.flags |= HF_NO_BODY
    return wrong


cdef inline bint _not_in_trailers(uint16_t id) noexcept nogil:
    # As for HTTP/1.1: what is about framing, routing or authorization comes too late (RFC 9110 6.5.1).
    return id != H_UNKNOWN and (id <= H_HTTP2_SETTINGS or id == H_AUTHORIZATION or id == H_CONTENT_TYPE
                                or id == H_COOKIE or id == H_SET_COOKIE)


cdef const char *h2_trailers(Head *trailers) noexcept nogil:
    cdef const char *wrong = _check_fields(trailers)
    cdef uint32_t i
    if wrong != NULL:
        return wrong
    for i in range(trailers.count):
        if _not_in_trailers(trailers.items[i].id):
            trailers.items[i].removed = 1
    return NULL
