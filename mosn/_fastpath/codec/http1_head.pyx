"""Heads of HTTP/1.1 messages (RFC 9112 2-5, 7); strict: what Envoy, nginx or HAProxy refuse is refused.

A head is looked at twice.  `_scan` goes over the bytes in steps of 64 and finds line ends and control characters; it
remembers how far it came.  Once the empty line is there, `_build` copies the head into the arena and takes the
copied lines apart.  Lines of an unfinished head are checked as they end, so a bad one is refused at once.  Of several
faults the one that comes first in the bytes is reported, and faults of the message as a whole (Host, lengths) come
last: so the answer does not depend on how the bytes were split.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memchr, memcmp, memcpy, memset

from mosn._fastpath.codec.http1_scan cimport classify, lowest
from mosn._fastpath.codec.http1_types cimport (
    H1_BAD_CONTENT_LENGTH,
    H1_BAD_HEADER_NAME,
    H1_BAD_HEADER_VALUE,
    H1_BAD_HOST,
    H1_BAD_LINE_END,
    H1_BAD_METHOD,
    H1_BAD_STATUS,
    H1_BAD_TARGET,
    H1_BAD_TRANSFER_ENCODING,
    H1_BAD_VERSION,
    H1_BODY_CHUNKED,
    H1_BODY_LENGTH,
    H1_BODY_NONE,
    H1_BODY_TUNNEL,
    H1_BODY_UNTIL_CLOSE,
    H1_CONFLICTING_LENGTH,
    H1_HEAD_TOO_LARGE,
    H1_HTTP10_REFUSED,
    H1_OBS_FOLD,
    H1_OK,
    H1_OUT_OF_MEMORY,
    H1_TOO_MANY_HEADERS,
    H1BodyDecoder,
    H1HeadParser,
    H1Limits,
)
from mosn._fastpath.head cimport (
    H_CONNECTION,
    H_CONTENT_LENGTH,
    H_EXPECT,
    H_HOST,
    H_HTTP2_SETTINGS,
    H_TRANSFER_ENCODING,
    H_UNKNOWN,
    H_UPGRADE,
    HF_ABSOLUTE_FORM,
    HF_CHUNKED,
    HF_CLOSE,
    HF_EXPECT_CONTINUE,
    HF_HTTP10,
    HF_KEEP_ALIVE,
    HF_NO_BODY,
    HF_UPGRADE,
    M_CONNECT,
    M_HEAD,
    M_OPTIONS,
    Head,
    Header,
    head_init,
    head_remove,
    header_id,
    method_id,
)
from mosn._fastpath.memory cimport Slice, arena_alloc, slice_is_lower, slice_of

cdef enum:
    LINES = 128             # line ends that one scan writes down; more are looked up again
    SPARE = 8               # places for headers that filters add
    MAX_STATUS = 999


cdef struct Scan:
    uint32_t first          # first byte of the first line of this scan
    uint32_t next_line      # first byte behind the last finished line
    uint32_t found          # lines, without the empty one
    uint32_t length         # of the head, when complete
    uint32_t error_at
    uint8_t complete
    uint8_t broken          # a bad byte at error_at, or
    uint8_t error           # H1Error
    uint32_t ends[LINES]    # where the CR of each line is


cdef struct FirstLine:
    uint32_t method_len
    uint32_t target
    uint32_t target_len
    uint32_t authority      # within the target: absolute-form and authority-form
    uint32_t authority_len
    uint16_t status
    uint8_t method
    uint8_t http10
    uint8_t absolute        # length of the scheme, 0 for other forms


cdef struct Facts:
    # What the fields say about framing and connection; judged once all are read.
    Slice host
    Slice length
    Slice coding
    Slice upgrade
    uint32_t hosts
    uint32_t lengths
    uint32_t codings
    bint wants_upgrade


# -- character classes: 0 is "not one of them"
cdef uint8_t NAME[256]      # token characters, lower-cased
cdef uint8_t METHOD[256]    # token characters without lower-case letters
cdef uint8_t NOT_TARGET[256]
cdef uint8_t HOST[256]      # of a host that is not an IP literal
cdef uint8_t HEX_COLON[256]     # of an IP literal


def _fill_classes() -> None:
    symbols = b"!#$%&'*+-.^_`|~"
    digits = b"0123456789"
    upper = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for c in symbols + digits + upper + upper.lower():
        NAME[c] = c + 32 if c in upper else c
    for c in symbols + digits + upper:
        METHOD[c] = 1
    for c in range(256):
        NOT_TARGET[c] = c <= 0x20 or c >= 0x7f or c == ord("#")
    for c in b"-._~!$&'()*+,;=%" + digits + upper + upper.lower():
        HOST[c] = 1
    for c in b":." + digits + b"abcdefABCDEF":
        HEX_COLON[c] = 1


_fill_classes()


cdef inline bint _blank(char c) noexcept nogil:
    return c == c" " or c == c"\t"


cdef inline uint64_t _load8(const char *p) noexcept nogil:
    cdef uint64_t word
    memcpy(&word, p, 8)
    return word


# -- scanning

cdef void _scan(H1HeadParser *parser, const char *p, uint32_t n, const H1Limits *limits, bint request,
                Scan *scan) noexcept nogil:
    # Look at p[parser.scanned, n).
    cdef uint64_t cr, lf, control, wrong, valid
    cdef uint64_t carry = parser.scanned != 0 and p[parser.scanned - 1] == c"\r"
    cdef uint32_t position = parser.scanned
    cdef uint32_t rest, stop
    cdef char tail[64]
    scan.first = scan.next_line = parser.line_start
    scan.found = scan.complete = scan.broken = scan.error = 0
    while position < n:
        rest = n - position
        valid = ~<uint64_t>0
        if rest >= 64:
            classify(p + position, &cr, &lf, &control)
        else:
            memset(tail, c" ", 64)
            memcpy(tail, p + position, rest)
            classify(tail, &cr, &lf, &control)
            valid = (<uint64_t>1 << rest) - 1
        # Every LF must follow a CR and every CR be followed by an LF.
        wrong = (control | (lf ^ ((cr << 1) | carry))) & valid
        stop = 64
        if wrong:
            stop = lowest(wrong)
            lf &= (<uint64_t>1 << stop) - 1
        if lf and _line_ends(parser, position, lf, limits, request, scan):
            return
        if wrong:
            scan.broken = True
            scan.error_at = position + stop
            return
        carry = cr >> 63
        position += 64
    parser.scanned = n


cdef inline bint _line_ends(H1HeadParser *parser, uint32_t position, uint64_t lf, const H1Limits *limits,
                            bint request, Scan *scan) noexcept nogil:
    # Note the lines that end at the bits of lf; True when that settles the scan.
    cdef uint32_t end
    while lf:
        end = position + lowest(lf) - 1
        lf &= lf - 1
        if end != scan.next_line:
            if parser.lines > limits.headers:
                scan.error = H1_TOO_MANY_HEADERS
                return True
            if scan.found < LINES:
                scan.ends[scan.found] = end
            scan.found += 1
            parser.lines += 1
        elif parser.lines:
            scan.complete = True
            scan.length = end + 2
            return True
        elif request:
            scan.first += 2
        else:
            scan.error = H1_BAD_LINE_END
            return True
        scan.next_line = end + 2
    return False


cdef inline uint32_t _line_end(const char *p, uint32_t start, uint32_t index, const Scan *scan) noexcept nogil:
    # The CR of line `index` of a scan that starts at `start`.
    if index < LINES:
        return scan.ends[index]
    return <uint32_t>(<const char *>memchr(p + start, c"\r", scan.next_line - start) - p)


# -- first lines

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


cdef bint _valid_authority(const char *p, uint32_t n, bint port_required) noexcept nogil:
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
    return H1_OK if _valid_authority(target + out.authority, out.authority_len, False) else H1_BAD_TARGET


cdef int _target(const char *target, uint32_t n, FirstLine *out) noexcept nogil:
    cdef uint32_t i
    cdef uint8_t bad = 0
    for i in range(n):
        bad |= NOT_TARGET[<uint8_t>target[i]]
    if bad or n == 0:
        return H1_BAD_TARGET
    if out.method == M_CONNECT:
        out.authority_len = n
        return H1_OK if _valid_authority(target, n, True) else H1_BAD_TARGET
    if target[0] == c"/" or (n == 1 and target[0] == c"*" and out.method == M_OPTIONS):
        return H1_OK
    return _absolute_form(target, n, out)


cdef int _request_line(const char *line, uint32_t n, bint allow_http10, FirstLine *out) noexcept nogil:
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


cdef int _status_line(const char *line, uint32_t n, FirstLine *out) noexcept nogil:
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


# -- field lines

cdef int _name_error(const char *line, uint32_t i) noexcept nogil:
    return H1_OBS_FOLD if i == 0 and _blank(line[0]) else H1_BAD_HEADER_NAME


cdef int _check_field(const char *line) noexcept nogil:
    cdef uint32_t i = 0
    while NAME[<uint8_t>line[i]]:
        i += 1
    return H1_OK if i and line[i] == c":" else _name_error(line, i)


cdef inline int _field(char *line, uint32_t n, Header *out) noexcept nogil:
    cdef uint8_t *u = <uint8_t *>line
    cdef uint8_t lower = NAME[u[0]]
    cdef uint32_t i = 0
    cdef uint32_t value
    while lower:
        u[i] = lower
        i += 1
        lower = NAME[u[i]]
    if i == 0 or u[i] != c":":
        return _name_error(line, i)
    value = i + 1
    while value < n and _blank(line[value]):
        value += 1
    while n > value and _blank(line[n - 1]):
        n -= 1
    out.name = line
    out.name_len = i
    out.value = line + value
    out.value_len = n - value
    out.id = header_id(line, i)
    out.removed = 0
    out.hash = 0
    return H1_OK


cdef int h1_parse_field(char *line, uint32_t n, Header *out) noexcept nogil:
    return _field(line, n, out)


# -- what the fields mean

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


cdef void _note(const Header *item, Head *head, Facts *facts) noexcept nogil:
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


cdef int _fields(char *copy, const Scan *scan, bint request, Head *head, Facts *facts) noexcept nogil:
    # `copy` is where the byte 0 of the scanned bytes would be.
    cdef uint32_t start = _line_end(copy, scan.first, 0, scan) + 2
    cdef uint32_t index, end
    cdef Header *item = head.items
    cdef int error
    for index in range(1, scan.found):
        end = _line_end(copy, start, index, scan)
        error = _field(copy + start, end - start, item)
        if error != H1_OK:
            return error
        start = end + 2
        if item.id != H_UNKNOWN:
            if item.id <= H_HTTP2_SETTINGS:
                _note(item, head, facts)
                if request and item.id == H_HOST:
                    continue
            head.seen[item.id >> 6] |= <uint64_t>1 << (item.id & 63)
        item += 1
    head.count = <uint32_t>(item - head.items)
    return H1_OK


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


cdef int _judge_request(Head *head, const FirstLine *first, const Facts *facts) noexcept nogil:
    cdef int error
    if facts.hosts > 1 or (facts.hosts == 0 and not first.http10):
        return H1_BAD_HOST
    if facts.hosts and not _valid_authority(facts.host.p, facts.host.n, False):
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


cdef int _judge_response(Head *head, const FirstLine *first, const Facts *facts) noexcept nogil:
    cdef int error = _framing(head, facts)
    if error == H1_OK and (first.status < 200 or first.status == 204):
        error = _without_body(head)
        if first.status != 101:
            head.flags |= HF_NO_BODY
    elif first.status == 304 or head.content_length == 0:
        head.flags |= HF_NO_BODY
    _persistence(head, facts)
    return error


# -- putting the head together

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


cdef int _set_request_line(const char *line, const FirstLine *first, Head *head) noexcept nogil:
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


cdef int _take_apart(char *copy, const Scan *scan, const H1Limits *limits, bint request, Head *head) noexcept nogil:
    cdef FirstLine first
    cdef Facts facts
    cdef uint32_t n = _line_end(copy, scan.first, 0, scan) - scan.first
    cdef char *line = copy + scan.first
    cdef int error = _request_line(line, n, limits.allow_http10, &first) if request else _status_line(line, n, &first)
    if error != H1_OK:
        return error
    if first.http10:
        head.flags |= HF_HTTP10
    memset(&facts, 0, sizeof(Facts))
    error = _fields(copy, scan, request, head, &facts)
    if error != H1_OK:
        return error
    if not request:
        head.status = first.status
        return _judge_response(head, &first, &facts)
    error = _set_request_line(line, &first, head)
    return error if error != H1_OK else _judge_request(head, &first, &facts)


cdef int _build(const char *p, const Scan *scan, const H1Limits *limits, bint request, Head *head) noexcept nogil:
    # One allocation holds the items and the text behind them.
    cdef uint32_t capacity = scan.found - 1 + SPARE
    cdef size_t n = scan.length - scan.first
    cdef char *memory = <char *>arena_alloc(head.arena, capacity * sizeof(Header) + n)
    cdef char *text = memory + capacity * sizeof(Header)
    if memory == NULL:
        return H1_OUT_OF_MEMORY
    head_init(head, head.arena)
    head.items = <Header *>memory
    head.capacity = capacity
    memcpy(text, p + scan.first, n)
    return _take_apart(text - scan.first, scan, limits, request, head)


# -- unfinished heads

cdef int _check_lines(const char *p, const Scan *scan, uint32_t lines_before, const H1Limits *limits,
                      bint request) noexcept nogil:
    # The lines that a scan found, in a head that is not complete.
    cdef FirstLine first
    cdef uint32_t start = scan.first
    cdef uint32_t index, end
    cdef int error
    for index in range(scan.found):
        end = _line_end(p, start, index, scan)
        if index + lines_before:
            error = _check_field(p + start)
        elif request:
            error = _request_line(p + start, end - start, limits.allow_http10, &first)
        else:
            error = _status_line(p + start, end - start, &first)
        if error != H1_OK:
            return error
        start = end + 2
    return H1_OK


cdef int _check_start(const char *p, const Scan *scan, uint32_t n, bint request) noexcept nogil:
    # The first byte tells other protocols (TLS, say) apart before a line has ended.
    cdef char c
    if scan.next_line >= n:
        return H1_OK
    c = p[scan.next_line]
    if c == c"\r" or c == c"\n":
        return H1_OK
    if request:
        return H1_OK if METHOD[<uint8_t>c] else H1_BAD_METHOD
    return H1_OK if c == c"H" else H1_BAD_VERSION


cdef int _broken_byte(const char *p, const Scan *scan, uint32_t lines, bint request) noexcept nogil:
    # Name the fault after the place where the byte stands.
    cdef uint32_t at = scan.error_at
    cdef uint32_t i
    cdef uint32_t spaces = 0
    if p[at] == c"\n" or (at > 0 and p[at - 1] == c"\r"):
        return H1_BAD_LINE_END
    if lines:
        return H1_BAD_HEADER_VALUE if memchr(p + scan.next_line, c":", at - scan.next_line) else H1_BAD_HEADER_NAME
    for i in range(scan.next_line, at):
        spaces += p[i] == c" "
    if request:
        return H1_BAD_METHOD if spaces == 0 else H1_BAD_TARGET if spaces == 1 else H1_BAD_VERSION
    return H1_BAD_VERSION if spaces == 0 else H1_BAD_STATUS


cdef int _check_unfinished(const H1HeadParser *parser, const char *p, uint32_t n, const Scan *scan,
                           const H1Limits *limits, bint request) noexcept nogil:
    cdef int error = _check_lines(p, scan, parser.lines - scan.found, limits, request)
    if error == H1_OK and parser.lines == 0:
        error = _check_start(p, scan, n, request)
    if error == H1_OK:
        error = scan.error
    if error == H1_OK and scan.broken:
        error = _broken_byte(p, scan, parser.lines, request)
    if error == H1_OK and n >= limits.head_bytes:
        error = H1_HEAD_TOO_LARGE
    return error


cdef inline int64_t _parse(H1HeadParser *parser, const char *p, size_t n, const H1Limits *limits, bint request,
                           Head *head) noexcept nogil:
    cdef Scan scan
    cdef bint resumed = parser.scanned != 0
    cdef uint32_t most = <uint32_t>n if n < limits.head_bytes else limits.head_bytes
    if parser.error:
        return -1
    _scan(parser, p, most, limits, request, &scan)
    if scan.complete and resumed:
        # Rare: the scan of this call knows only the last lines.
        h1_head_reset(parser)
        _scan(parser, p, scan.length, limits, request, &scan)
    if scan.complete:
        parser.error = <uint8_t>_build(p, &scan, limits, request, head)
        if parser.error:
            return -1
        h1_head_reset(parser)
        return scan.length
    parser.error = <uint8_t>_check_unfinished(parser, p, most, &scan, limits, request)
    parser.line_start = scan.next_line
    return -1 if parser.error else 0


cdef int64_t h1_parse_request(H1HeadParser *parser, const char *p, size_t n, const H1Limits *limits,
                              Head *head) noexcept nogil:
    return _parse(parser, p, n, limits, True, head)


cdef int64_t h1_parse_response(H1HeadParser *parser, const char *p, size_t n, const H1Limits *limits,
                               Head *head) noexcept nogil:
    return _parse(parser, p, n, limits, False, head)


cdef void h1_head_reset(H1HeadParser *parser) noexcept nogil:
    memset(parser, 0, sizeof(H1HeadParser))


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
