"""HTTP/1.1: what each error means, and the fields that end at this hop."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from mosn._fastpath.codec.http1_types cimport H1_ERROR_COUNT
from mosn._fastpath.head cimport (
    H_CONNECTION,
    H_CONTENT_LENGTH,
    H_HOST,
    H_HTTP2_SETTINGS,
    H_KEEP_ALIVE,
    H_PROXY_CONNECTION,
    H_TE,
    H_TRANSFER_ENCODING,
    H_UPGRADE,
    H_X_FORWARDED_FOR,
    H_X_FORWARDED_HOST,
    H_X_FORWARDED_PROTO,
    Head,
    Header,
    head_has,
    head_remove,
    head_remove_name,
    header_id,
)
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_is_lower, slice_of

cdef enum:
    MAX_NOMINATED = 10

# In the order of H1Error.
ERROR_TEXTS = (
    b"no error",
    b"bare CR or LF",
    b"invalid method",
    b"invalid request target",
    b"unsupported HTTP version",
    b"invalid header name",
    b"invalid character in a header value",
    b"folded header line",
    b"invalid Content-Length",
    b"Content-Length beside Transfer-Encoding",
    b"unsupported Transfer-Encoding",
    b"missing, repeated or malformed Host",
    b"head too large",
    b"too many headers",
    b"request target too long",
    b"invalid status",
    b"invalid chunk size",
    b"invalid or too long chunk extension",
    b"chunk does not end in CRLF",
    b"invalid trailer",
    b"HTTP/1.0 is not accepted",
    b"out of memory",
)

cdef const char *error_texts[H1_ERROR_COUNT]


def _set_error_texts() -> None:
    if len(ERROR_TEXTS) != H1_ERROR_COUNT:
        raise ImportError("ERROR_TEXTS and H1Error differ")
    for i, text in enumerate(ERROR_TEXTS):
        error_texts[i] = text


_set_error_texts()


cdef const char *h1_error_text(uint8_t error) noexcept nogil:
    return error_texts[error if error < H1_ERROR_COUNT else 0]


# -- hop by hop

cdef Slice _next_token(Slice *rest) noexcept nogil:
    # The next element of a comma-separated list, without white space around it; empty ones are passed over.
    cdef uint32_t n = 0
    cdef Slice token
    while rest.n and (rest.p[0] == c"," or rest.p[0] == c" " or rest.p[0] == c"\t"):
        rest[0] = slice_of(rest.p + 1, rest.n - 1)
    while n < rest.n and rest.p[n] != c",":
        n += 1
    token = slice_of(rest.p, n)
    rest[0] = slice_of(rest.p + n, rest.n - n)
    while token.n and (token.p[token.n - 1] == c" " or token.p[token.n - 1] == c"\t"):
        token.n -= 1
    return token


cdef void _keep_te_trailers(Head *head) noexcept nogil:
    # TE: what is left is exactly "trailers", or nothing (RFC 9110 10.1.4).
    cdef uint32_t i
    cdef Slice rest, token
    cdef Header *item
    for i in range(head.count):
        item = &head.items[i]
        if item.id != H_TE or item.removed:
            continue
        rest = slice_of(item.value, item.value_len)
        item.removed = 1
        while rest.n:
            token = _next_token(&rest)
            if slice_is_lower(token, b"trailers"):
                item.removed = 0
                item.value = b"trailers"
                item.value_len = 8
                break


cdef bint _must_stay(uint16_t id) noexcept nogil:
    return (id == H_HOST or id == H_CONTENT_LENGTH or id == H_X_FORWARDED_FOR or id == H_X_FORWARDED_HOST
            or id == H_X_FORWARDED_PROTO)


cdef bint _handled(uint16_t id) noexcept nogil:
    # Removed (or, TE, kept in part) whether Connection names it or not.
    return (id == H_CONNECTION or id == H_KEEP_ALIVE or id == H_PROXY_CONNECTION or id == H_TE or id == H_UPGRADE
            or id == H_TRANSFER_ENCODING or id == H_HTTP2_SETTINGS)


cdef int _remove_nominated(Head *head, Slice token) noexcept nogil:
    cdef char *lower
    cdef uint32_t i
    cdef uint16_t id
    if token.p[0] == c":":
        return -1
    lower = <char *>arena_alloc(head.arena, token.n)
    if lower == NULL:
        return -1
    for i in range(token.n):
        lower[i] = token.p[i] + 32 if c"A" <= token.p[i] <= c"Z" else token.p[i]
    id = header_id(lower, token.n)
    if _must_stay(id):
        return -1
    if not _handled(id):
        head_remove_name(head, lower, token.n)
    return 0


cdef int _nominated(Head *head) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t count = 0
    cdef Slice rest, token
    for i in range(head.count):
        if head.items[i].id != H_CONNECTION or head.items[i].removed:
            continue
        rest = slice_of(head.items[i].value, head.items[i].value_len)
        while rest.n:
            token = _next_token(&rest)
            if token.n == 0 or slice_is_lower(token, b"close") or slice_is_lower(token, b"keep-alive"):
                continue
            count += 1
            if count > MAX_NOMINATED or _remove_nominated(head, token) < 0:
                return -1
    return 0


cdef int h1_strip_hop_by_hop(Head *head) noexcept nogil:
    cdef int result = 0
    if head_has(head, H_CONNECTION):
        result = _nominated(head)
        head_remove(head, H_CONNECTION)
    head_remove(head, H_KEEP_ALIVE)
    head_remove(head, H_PROXY_CONNECTION)
    head_remove(head, H_TRANSFER_ENCODING)
    head_remove(head, H_UPGRADE)
    head_remove(head, H_HTTP2_SETTINGS)
    if head_has(head, H_TE):
        _keep_te_trailers(head)
    return result
