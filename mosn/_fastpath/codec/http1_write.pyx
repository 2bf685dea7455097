"""Writing HTTP/1.1 heads: one reservation for the whole head, then plain stores."""

from libc.stdint cimport uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcpy

from mosn._fastpath.head cimport M_CONNECT, Head, Header
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, buf_reserve

cdef enum:
    FIELD_EXTRA = 4         # ": " and CRLF
    LINE_EXTRA = 64         # what a first line, the host line and the empty line have beside their slices
    STATUSES = 600
    STATUS_LINE_BYTES = 56

# "HTTP/1.1 200 OK" CRLF for each status that has a reason; length 0 for others.
cdef char status_lines[STATUSES][STATUS_LINE_BYTES]
cdef uint8_t status_line_size[STATUSES]

# RFC 9110 15 and the IANA registry, as Envoy words them.
REASONS = {
    100: "Continue", 101: "Switching Protocols", 102: "Processing", 103: "Early Hints",
    200: "OK", 201: "Created", 202: "Accepted", 203: "Non-Authoritative Information", 204: "No Content",
    205: "Reset Content", 206: "Partial Content", 207: "Multi-Status", 208: "Already Reported", 226: "IM Used",
    300: "Multiple Choices", 301: "Moved Permanently", 302: "Found", 303: "See Other", 304: "Not Modified",
    305: "Use Proxy", 307: "Temporary Redirect", 308: "Permanent Redirect",
    400: "Bad Request", 401: "Unauthorized", 402: "Payment Required", 403: "Forbidden", 404: "Not Found",
    405: "Method Not Allowed", 406: "Not Acceptable", 407: "Proxy Authentication Required", 408: "Request Timeout",
    409: "Conflict", 410: "Gone", 411: "Length Required", 412: "Precondition Failed", 413: "Payload Too Large",
    414: "URI Too Long", 415: "Unsupported Media Type", 416: "Range Not Satisfiable", 417: "Expectation Failed",
    421: "Misdirected Request", 422: "Unprocessable Entity", 423: "Locked", 424: "Failed Dependency",
    425: "Too Early", 426: "Upgrade Required", 428: "Precondition Required", 429: "Too Many Requests",
    431: "Request Header Fields Too Large", 451: "Unavailable For Legal Reasons",
    500: "Internal Server Error", 501: "Not Implemented", 502: "Bad Gateway", 503: "Service Unavailable",
    504: "Gateway Timeout", 505: "HTTP Version Not Supported", 506: "Variant Also Negotiates",
    507: "Insufficient Storage", 508: "Loop Detected", 510: "Not Extended", 511: "Network Authentication Required",
}


def _build_status_lines() -> None:
    cdef const char *text
    for status, reason in REASONS.items():
        line = f"HTTP/1.1 {status} {reason}".encode()
        text = line
        memcpy(status_lines[status], text, len(line) + 1)
        status_line_size[status] = <uint8_t>len(line)


_build_status_lines()


cdef const char *h1_reason(uint16_t status) noexcept nogil:
    if status >= STATUSES or status_line_size[status] == 0:
        return b"Unknown"
    return status_lines[status] + 13


# -- storing.  Everything below writes into room that was reserved.

cdef inline void _copy8(char *out, const char *p) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, p, 8)
    memcpy(out, &word, 8)


cdef inline void _copy4(char *out, const char *p) noexcept nogil:
    cdef uint32_t word
    memcpy(&word, p, 4)
    memcpy(out, &word, 4)


cdef inline char *_put(char *out, const char *p, size_t n) noexcept nogil:
    # memcpy for short things: whole words, the last one overlapping.
    cdef size_t i
    if n > 64:
        memcpy(out, p, n)
    elif n >= 8:
        i = 0
        while i + 8 < n:
            _copy8(out + i, p + i)
            i += 8
        _copy8(out + n - 8, p + n - 8)
    elif n >= 4:
        _copy4(out, p)
        _copy4(out + n - 4, p + n - 4)
    else:
        for i in range(n):
            out[i] = p[i]
    return out + n


cdef inline char *_put_slice(char *out, Slice s) noexcept nogil:
    return _put(out, s.p, s.n)


cdef char *_put_proper(char *out, const char *p, size_t n) noexcept nogil:
    # A letter at the start or behind anything but a letter or digit becomes a capital.
    cdef size_t i
    cdef bint inside = False
    for i in range(n):
        if c"a" <= p[i] <= c"z":
            out[i] = p[i] if inside else <char>(p[i] - 32)
            inside = True
        else:
            out[i] = p[i]
            inside = c"0" <= p[i] <= c"9" or c"A" <= p[i] <= c"Z"
    return out + n


cdef inline char *_put_field(char *out, const Header *item, bint proper_case) noexcept nogil:
    if proper_case:
        out = _put_proper(out, item.name, item.name_len)
    else:
        out = _put(out, item.name, item.name_len)
    memcpy(out, b": ", 2)
    out = _put(out + 2, item.value, item.value_len)
    memcpy(out, b"\r\n", 2)
    return out + 2


cdef size_t _fields_size(const Head *head) noexcept nogil:
    cdef size_t size = 0
    cdef uint32_t i
    for i in range(head.count):
        size += <size_t>head.items[i].name_len + head.items[i].value_len + FIELD_EXTRA
    return size


cdef char *_put_fields(char *out, const Head *head, bint proper_case) noexcept nogil:
    cdef uint32_t i
    for i in range(head.count):
        if not head.items[i].removed:
            out = _put_field(out, &head.items[i], proper_case)
    memcpy(out, b"\r\n", 2)
    return out + 2


cdef inline void _wrote(Buf *out, const char *end) noexcept nogil:
    out.end = <uint32_t>(end - out.data)


# -- heads

cdef int h1_write_request(const Head *head, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil:
    cdef Slice target = head.authority if head.method_id == M_CONNECT else head.path
    cdef size_t size = _fields_size(head) + LINE_EXTRA
    cdef char *at
    if buf_reserve(pool, out, size + head.method.n + target.n + head.authority.n) < 0:
        return -1
    at = out.data + out.end
    at = _put_slice(at, head.method)
    at[0] = c" "
    at = _put_slice(at + 1, target)
    memcpy(at, b" HTTP/1.1\r\n", 11)
    memcpy(at + 11, b"host: ", 6)
    if proper_case:
        at[11] = c"H"
    at = _put_slice(at + 17, head.authority)
    memcpy(at, b"\r\n", 2)
    at = _put_fields(at + 2, head, proper_case)
    _wrote(out, at)
    return 0


cdef char *_put_status_line(char *out, uint16_t status, bint http10) noexcept nogil:
    cdef char *at
    if status < STATUSES and status_line_size[status]:
        at = _put(out, status_lines[status], status_line_size[status])
    else:
        memcpy(out, b"HTTP/1.1 ", 9)
        out[9] = <char>(c"0" + status // 100 % 10)
        out[10] = <char>(c"0" + status // 10 % 10)
        out[11] = <char>(c"0" + status % 10)
        memcpy(out + 12, b" Unknown", 8)
        at = out + 20
    if http10:
        out[7] = c"0"
    memcpy(at, b"\r\n", 2)
    return at + 2


cdef int h1_write_response(const Head *head, bint http10, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char *at
    if buf_reserve(pool, out, _fields_size(head) + LINE_EXTRA) < 0:
        return -1
    at = _put_status_line(out.data + out.end, head.status, http10)
    at = _put_fields(at, head, proper_case)
    _wrote(out, at)
    return 0


cdef int h1_write_trailers(const Head *trailers, bint proper_case, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char *at
    if buf_reserve(pool, out, LINE_EXTRA + (0 if trailers == NULL else _fields_size(trailers))) < 0:
        return -1
    at = out.data + out.end
    if trailers == NULL:
        at = _put(at, b"\r\n", 2)
    else:
        at = _put_fields(at, trailers, proper_case)
    _wrote(out, at)
    return 0
