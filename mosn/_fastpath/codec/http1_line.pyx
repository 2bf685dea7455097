"""Request lines and status lines (RFC 9112 3, 4).

Stricter than the grammar where a proxy that we follow is: methods have no lower-case letters (nginx), targets no "#"
(HAProxy, Envoy) and no byte above 0x7e (Envoy, HAProxy), absolute-form is http or https only (Envoy), CONNECT names a
port (HAProxy).
"""

from libc.stdint cimport uint8_t, uint16_t, uint32_t
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.codec.http1_types cimport (
    H1_BAD_METHOD, H1_BAD_STATUS, H1_BAD_TARGET, H1_BAD_VERSION, H1_HTTP10_REFUSED, H1_OK, H1_OUT_OF_MEMORY,
)
from mosn._fastpath.head cimport HF_ABSOLUTE_FORM, M_CONNECT, M_OPTIONS, Head, method_id
from mosn._fastpath.memory cimport arena_alloc, slice_is_lower, slice_of

# Character classes: 0 is "not one of them".
cdef uint8_t METHOD[256]    # token characters without lower-case letters
cdef uint8_t NOT_TARGET[256]
cdef uint8_t HOST[256]      # of a host that is not an IP literal
cdef uint8_t HEX_COLON[256]     # of an IP literal


def _fill_classes() -> None:
    symbols = b"!#$%&'*+-.^_`|~"
    digits = b"0123456789"
    upper = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for c in symbols + digits + upper:
        METHOD[c] = 1
    for c in range(256):
        NOT_TARGET[c] = c <= 0x20 or c >= 0x7f or c == ord("#")
    for c in b"-._~!$&'()*+,;=%" + digits + upper + upper.lower():
        HOST[c] = 1
    for c in b":." + digits + b"abcdefABCDEF":
        HEX_COLON[c] = 1


_fill_classes()


cdef bint h1_method_byte(char c) noexcept nogil:
    return METHOD[<uint8_t>c]


cdef bint _valid_port(const char *p, uint32_t n) noexcept nogil:
    cdef uint32_t i
    cdef uint32_t port = 0
    for i in range(n):
        if not c"0" <= p[i] <= c"9":
            return False
        port = port * 10 + <uint32_t>(p[i] - c"0")
        if port > 65535:
            return False
    return True


cdef bint h1_valid_authority(const char *p, uint32_t n, bint port_required) noexcept nogil:
    # uri-host [ ":" port ] (RFC 9110 4.2, 7.2): neither empty nor with user information.
    cdef uint32_t i = 0
    if n == 0:
        return False
    if p[0] == c"[":
        i = 1
        while i < n and HEX_COLON[<uint8_t>p[i]]:
            i += 1
        if i < 3 or i >= n or p[i] != c"]":
            return False
        i += 1
    else:
        while i < n and HOST[<uint8_t>p[i]]:
            i += 1
    if i == n:
        return not port_required
    if i == 0 or p[i] != c":" or (port_required and i + 1 == n):
        return False
    return _valid_port(p + i + 1, n - i - 1)


cdef uint8_t _scheme_length(const char *p, uint32_t n) noexcept nogil:
    if n > 7 and slice_is_lower(slice_of(p, 7), b"http://"):
        return 4
    if n > 8 and slice_is_lower(slice_of(p, 8), b"https://"):
        return 5
    return 0


cdef int _absolute_form(const char *target, uint32_t n, FirstLine *out) noexcept nogil:
    # Only http and https; the authority ends at the path or query.
    cdef uint32_t i
    out.absolute = _scheme_length(target, n)
    if not out.absolute:
        return H1_BAD_TARGET
    i = out.authority = out.absolute + 3
    while i < n and target[i] != c"/" and target[i] != c"?":
        i += 1
    out.authority_len = i - out.authority
    return H1_OK if h1_valid_authority(target + out.authority, out.authority_len, False) else H1_BAD_TARGET


cdef int _target(const char *target, uint32_t n, FirstLine *out) noexcept nogil:
    cdef uint32_t i
    cdef uint8_t bad = 0
    for i in range(n):
        bad |= NOT_TARGET[<uint8_t>target[i]]
    if bad or n == 0:
        return H1_BAD_TARGET
    if out.method == M_CONNECT:
        out.authority_len = n
        return H1_OK if h1_valid_authority(target, n, True) else H1_BAD_TARGET
    if target[0] == c"/" or (n == 1 and target[0] == c"*" and out.method == M_OPTIONS):
        return H1_OK
    return _absolute_form(target, n, out)


cdef int h1_request_line(const char *line, uint32_t n, bint allow_http10, FirstLine *out) noexcept nogil:
    # line[n] is the CR.  Exactly: method SP target SP HTTP/1.x
    cdef uint32_t i = 0
    cdef int error
    memset(out, 0, sizeof(FirstLine))
    while METHOD[<uint8_t>line[i]]:
        i += 1
    if i == 0 or line[i] != c" ":
        return H1_BAD_METHOD
    out.method_len = i
    out.method = method_id(line, i)
    out.target = i + 1
    if n < i + 10 or line[n - 9] != c" " or memcmp(line + n - 8, b"HTTP/1.", 7) != 0:
        return H1_BAD_VERSION
    if line[n - 1] != c"1" and line[n - 1] != c"0":
        return H1_BAD_VERSION
    out.http10 = line[n - 1] == c"0"
    out.target_len = n - 9 - out.target
    error = _target(line + out.target, out.target_len, out)
    if error == H1_OK and out.http10 and not allow_http10:
        return H1_HTTP10_REFUSED
    return error


cdef int h1_status_line(const char *line, uint32_t n, FirstLine *out) noexcept nogil:
    # HTTP/1.x SP 3DIGIT [ SP reason ]; the reason is not kept (RFC 9112 4: clients ignore it).
    cdef uint32_t i
    memset(out, 0, sizeof(FirstLine))
    if n < 8 or memcmp(line, b"HTTP/1.", 7) != 0 or (line[7] != c"1" and line[7] != c"0"):
        return H1_BAD_VERSION
    out.http10 = line[7] == c"0"
    if n < 12 or line[8] != c" " or (n > 12 and line[12] != c" "):
        return H1_BAD_STATUS
    for i in range(9, 12):
        if not c"0" <= line[i] <= c"9":
            return H1_BAD_STATUS
        out.status = <uint16_t>(out.status * 10 + (line[i] - c"0"))
    return H1_OK if out.status >= 100 else H1_BAD_STATUS


cdef int _absolute_path(const char *target, const FirstLine *first, Head *head) noexcept nogil:
    cdef uint32_t at = first.authority + first.authority_len
    cdef uint32_t n = first.target_len - at
    cdef char *path
    if n == 0:
        # RFC 9112 3.2.4: the last proxy turns OPTIONS without a path into the asterisk-form.
        if first.method == M_OPTIONS:
            head.path = slice_of(b"*", 1)
        else:
            head.path = slice_of(b"/", 1)
    elif target[at] == c"/":
        head.path = slice_of(target + at, n)
    else:
        path = <char *>arena_alloc(head.arena, n + 1)
        if path == NULL:
            return H1_OUT_OF_MEMORY
        path[0] = c"/"
        memcpy(path + 1, target + at, n)
        head.path = slice_of(path, n + 1)
    return H1_OK


cdef int h1_set_request_line(const char *line, const FirstLine *first, Head *head) noexcept nogil:
    cdef const char *target = line + first.target
    head.method = slice_of(line, first.method_len)
    head.method_id = first.method
    if first.authority_len:
        head.authority = slice_of(target + first.authority, first.authority_len)
    if first.absolute:
        head.flags |= HF_ABSOLUTE_FORM
        head.scheme = slice_of(b"https", first.absolute)       # or its first four letters
        return _absolute_path(target, first, head)
    if first.method != M_CONNECT:
        head.path = slice_of(target, first.target_len)
    return H1_OK
