"""Framing and persistence (RFC 9112 6.1-6.3, 9.3) without the leniencies that request smuggling lives on.

Content-Length may stand once, as digits that fit an int64; Transfer-Encoding once, as "chunked", never on HTTP/1.0;
both together are refused, as Envoy does.  HTTP/1.1 requests have exactly one valid Host that is not empty (nginx).
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memset

from mosn._fastpath.codec.http1_line cimport FirstLine, h1_valid_authority
from mosn._fastpath.codec.http1_types cimport (
    H1_BAD_CONTENT_LENGTH, H1_BAD_HOST, H1_BAD_TRANSFER_ENCODING, H1_BODY_CHUNKED, H1_BODY_LENGTH, H1_BODY_NONE,
    H1_BODY_TUNNEL, H1_BODY_UNTIL_CLOSE, H1_CONFLICTING_LENGTH, H1_OK, H1BodyDecoder,
)
from mosn._fastpath.head cimport (
    H_CONNECTION, H_CONTENT_LENGTH, H_EXPECT, H_HOST, H_TRANSFER_ENCODING, H_UPGRADE, HF_CHUNKED, HF_CLOSE,
    HF_EXPECT_CONTINUE, HF_HTTP10, HF_KEEP_ALIVE, HF_NO_BODY, HF_UPGRADE, M_CONNECT, M_HEAD, Head, Header, head_remove,
)
from mosn._fastpath.memory cimport Slice, slice_is_lower, slice_of


cdef inline bint _blank(char c) noexcept nogil:
    return c == c" " or c == c"\t"


cdef void _connection_tokens(Slice value, Head *head, Facts *facts) noexcept nogil:
    cdef uint32_t i = 0
    cdef uint32_t start, end
    cdef Slice token
    while i < value.n:
        start = i
        while i < value.n and value.p[i] != c",":
            i += 1
        end = i
        i += 1
        while start < end and _blank(value.p[start]):
            start += 1
        while end > start and _blank(value.p[end - 1]):
            end -= 1
        token = slice_of(value.p + start, end - start)
        if slice_is_lower(token, b"close"):
            head.flags |= HF_CLOSE
        elif slice_is_lower(token, b"keep-alive"):
            head.flags |= HF_KEEP_ALIVE
        elif slice_is_lower(token, b"upgrade"):
            facts.wants_upgrade = True


cdef void h1_note(const Header *item, Head *head, Facts *facts) noexcept nogil:
    cdef Slice value = slice_of(item.value, item.value_len)
    cdef uint16_t id = item.id
    if id == H_HOST:
        facts.hosts += 1
        facts.host = value
    elif id == H_CONTENT_LENGTH:
        facts.lengths += 1
        facts.length = value
    elif id == H_TRANSFER_ENCODING:
        facts.codings += 1
        facts.coding = value
    elif id == H_CONNECTION:
        _connection_tokens(value, head, facts)
    elif id == H_UPGRADE:
        if facts.upgrade.n == 0:
            facts.upgrade = value
    elif id == H_EXPECT:
        # A server ignores it in an HTTP/1.0 request (RFC 9110 10.1.1).
        if slice_is_lower(value, b"100-continue") and not head.flags & HF_HTTP10:
            head.flags |= HF_EXPECT_CONTINUE


cdef int _length_value(Slice text, int64_t *out) noexcept nogil:
    # 1*DIGIT that fits an int64.
    cdef uint64_t value = 0
    cdef uint32_t i
    cdef uint8_t digit
    for i in range(text.n):
        digit = <uint8_t>(text.p[i] - c"0")
        if digit > 9 or value > (<uint64_t>0x7fffffffffffffff - digit) // 10:
            return H1_BAD_CONTENT_LENGTH
        value = value * 10 + digit
    out[0] = <int64_t>value
    return H1_OK if text.n else H1_BAD_CONTENT_LENGTH


cdef int _framing(Head *head, const Facts *facts) noexcept nogil:
    # RFC 9112 6.1-6.3, without its leniencies.
    if facts.lengths:
        if facts.lengths > 1 or _length_value(facts.length, &head.content_length) != H1_OK:
            return H1_BAD_CONTENT_LENGTH
        if facts.codings:
            return H1_CONFLICTING_LENGTH
    if facts.codings:
        if facts.codings > 1 or head.flags & HF_HTTP10 or not slice_is_lower(facts.coding, b"chunked"):
            return H1_BAD_TRANSFER_ENCODING
        head.flags |= HF_CHUNKED
    return H1_OK


cdef void _persistence(Head *head, const Facts *facts) noexcept nogil:
    if head.flags & HF_HTTP10:
        if not head.flags & HF_KEEP_ALIVE:
            head.flags |= HF_CLOSE
    elif facts.wants_upgrade and facts.upgrade.n:
        # A server ignores Upgrade in an HTTP/1.0 request (RFC 9110 7.8).
        head.flags |= HF_UPGRADE
        head.upgrade = facts.upgrade


cdef int _without_body(Head *head) noexcept nogil:
    # A message that cannot have a body (CONNECT, 1xx, 204): "Content-Length: 0" is forgotten, anything else refused.
    if head.flags & HF_CHUNKED:
        return H1_BAD_TRANSFER_ENCODING
    if head.content_length > 0:
        return H1_BAD_CONTENT_LENGTH
    head_remove(head, H_CONTENT_LENGTH)
    head.content_length = -1
    return H1_OK


cdef int h1_judge_request(Head *head, const FirstLine *first, const Facts *facts) noexcept nogil:
    cdef int error
    if facts.hosts > 1 or (facts.hosts == 0 and not first.http10):
        return H1_BAD_HOST
    if facts.hosts and not h1_valid_authority(facts.host.p, facts.host.n, False):
        return H1_BAD_HOST
    if head.authority.n == 0:
        head.authority = facts.host
    error = _framing(head, facts)
    if error == H1_OK and first.method == M_CONNECT:
        error = _without_body(head)
    elif error == H1_OK and head.content_length <= 0 and not head.flags & HF_CHUNKED:
        head.flags |= HF_NO_BODY
    _persistence(head, facts)
    return error


cdef int h1_judge_response(Head *head, const FirstLine *first, const Facts *facts) noexcept nogil:
    cdef int error = _framing(head, facts)
    if error == H1_OK and (first.status < 200 or first.status == 204):
        error = _without_body(head)
        if first.status != 101:
            head.flags |= HF_NO_BODY
    elif first.status == 304 or head.content_length == 0:
        head.flags |= HF_NO_BODY
    _persistence(head, facts)
    return error


# -- which body follows

cdef void h1_request_body(const Head *head, H1BodyDecoder *body) noexcept nogil:
    memset(body, 0, sizeof(H1BodyDecoder))
    if head.method_id == M_CONNECT:
        body.kind = H1_BODY_TUNNEL
    elif head.flags & HF_CHUNKED:
        body.kind = H1_BODY_CHUNKED
    elif head.content_length > 0:
        body.kind = H1_BODY_LENGTH
        body.remaining = <uint64_t>head.content_length
    else:
        body.kind = H1_BODY_NONE
        body.done = True


cdef void h1_response_body(const Head *head, uint8_t request_method, H1BodyDecoder *body) noexcept nogil:
    memset(body, 0, sizeof(H1BodyDecoder))
    if head.status == 101 or (request_method == M_CONNECT and 200 <= head.status < 300):
        body.kind = H1_BODY_TUNNEL
    elif head.flags & HF_NO_BODY or request_method == M_HEAD:
        body.kind = H1_BODY_NONE
        body.done = True
    elif head.flags & HF_CHUNKED:
        body.kind = H1_BODY_CHUNKED
    elif head.content_length > 0:
        body.kind = H1_BODY_LENGTH
        body.remaining = <uint64_t>head.content_length
    else:
        body.kind = H1_BODY_UNTIL_CLOSE
