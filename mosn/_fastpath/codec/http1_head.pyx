"""Heads of HTTP/1.1 messages (RFC 9112 2-5, 7); strict: what Envoy, nginx or HAProxy refuse is refused.

A head is looked at twice.  `_scan` goes over the bytes in steps of 64 and finds line ends and control characters; it
remembers how far it came.  Once the empty line is there, `_build` copies the head into the arena and takes the
copied lines apart.  Lines of an unfinished head are checked as they end, so a bad one is refused at once.  Of several
faults the one that comes first in the bytes is reported, and faults of the message as a whole (Host, lengths) come
last: so the answer does not depend on how the bytes were split.
"""

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.string cimport memchr, memcpy, memset

from mosn._fastpath.codec.http1_framing cimport Facts, h1_judge_request, h1_judge_response, h1_note
from mosn._fastpath.codec.http1_line cimport (
    FirstLine, h1_method_byte, h1_request_line, h1_set_request_line, h1_status_line,
)
from mosn._fastpath.codec.http1_scan cimport classify, lower_name16, lowest, survey
from mosn._fastpath.codec.http1_types cimport (
    H1_BAD_HEADER_NAME, H1_BAD_HEADER_VALUE, H1_BAD_LINE_END, H1_BAD_METHOD, H1_BAD_STATUS, H1_BAD_TARGET,
    H1_BAD_VERSION, H1_HEAD_TOO_LARGE, H1_OBS_FOLD, H1_OK, H1_OUT_OF_MEMORY, H1_TOO_MANY_HEADERS,
    H1HeadParser, H1Limits,
)
from mosn._fastpath.head cimport H_HOST, H_HTTP2_SETTINGS, H_UNKNOWN, HF_HTTP10, Head, Header, head_init, header_id
from mosn._fastpath.memory cimport arena_alloc

cdef enum:
    LINES = 128             # line ends that one scan writes down; more are looked up again
    SPARE = 8               # places for headers that filters add
    READ_TOO_FAR = 16       # by lower_name16


cdef struct Scan:
    uint32_t first          # first byte of the first line of this scan
    uint32_t next_line      # first byte behind the last finished line
    uint32_t found          # lines, without the empty one
    uint32_t length         # of the head, when complete
    uint32_t error_at
    uint8_t settled         # one of the next three is set
    uint8_t complete
    uint8_t broken          # a bad byte at error_at, or
    uint8_t error           # H1Error
    uint32_t ends[LINES]    # where the CR of each line is


cdef uint8_t NAME[256]      # token characters (RFC 9110 5.6.2), lower-cased; 0 for others


def _fill_names() -> None:
    plain = b"!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyz"
    upper = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for c in plain:
        NAME[c] = c
    for c in upper:
        NAME[c] = c + 32


_fill_names()


cdef inline bint _blank(char c) noexcept nogil:
    return c == c" " or c == c"\t"


# -- scanning

cdef void _scan(H1HeadParser *parser, const char *p, uint32_t n, const H1Limits *limits, bint request,
                Scan *scan) noexcept nogil:
    # Look at p[parser.scanned, n).
    cdef uint64_t lf, low
    cdef uint64_t carry = parser.scanned != 0 and p[parser.scanned - 1] == c"\r"
    cdef uint32_t position = parser.scanned
    cdef char tail[64]
    scan.first = scan.next_line = parser.line_start
    scan.found = scan.settled = scan.complete = scan.broken = scan.error = 0
    while position < n:
        if n - position >= 64:
            survey(p + position, &lf, &low)
        else:
            memset(tail, c" ", 64)
            memcpy(tail, p + position, n - position)
            survey(tail, &lf, &low)
        # Taken for granted first: whatever is not LF is CR, so it must stand in front of an LF and nowhere else.
        low &= ~lf
        if lf != ((low << 1) | carry) or low >> 63 or \
                not _line_ends(parser, p, position, lf, limits, request, scan):
            _scan_closely(parser, p, position, n, limits, request, scan)
        if scan.settled:
            return
        carry = low >> 63
        position += 64
    parser.scanned = n


cdef void _scan_closely(const H1HeadParser *parser, const char *p, uint32_t position, uint32_t n,
                        const H1Limits *limits, bint request, Scan *scan) noexcept nogil:
    # One step in which there is a tab, a fault, or a CR as the last byte.
    cdef uint64_t cr, lf, control, wrong
    cdef uint64_t carry = position != 0 and p[position - 1] == c"\r"
    cdef uint32_t size = min(n - position, 64)
    cdef char bytes[64]
    memset(bytes, c" ", 64)
    memcpy(bytes, p + position, size)
    classify(bytes, &cr, &lf, &control)
    # Every LF must follow a CR and every CR be followed by an LF.
    wrong = control | (lf ^ ((cr << 1) | carry))
    if size < 64:
        wrong &= (<uint64_t>1 << size) - 1
    if wrong:
        lf &= (<uint64_t>1 << lowest(wrong)) - 1
    _line_ends(parser, p, position, lf, limits, request, scan)
    if wrong and not scan.settled:
        scan.broken = scan.settled = True
        scan.error_at = position + lowest(wrong)


cdef inline bint _line_ends(const H1HeadParser *parser, const char *p, uint32_t position, uint64_t lf,
                            const H1Limits *limits, bint request, Scan *scan) noexcept nogil:
    # Note the lines that end at the bits of lf.  False, with nothing noted, when one of them has no CR.
    cdef uint32_t next_line = scan.next_line
    cdef uint32_t found = scan.found
    cdef uint32_t most = limits.headers + 1 - parser.lines
    cdef uint32_t end
    while lf and not scan.settled:
        end = position + lowest(lf) - 1
        lf &= lf - 1
        if p[end] != c"\r":
            return False
        if end == next_line:
            _empty_line(parser.lines + found != 0, end, request, scan)
        elif found >= most:
            scan.error = H1_TOO_MANY_HEADERS
            scan.settled = True
        else:
            if found < LINES:
                scan.ends[found] = end
            found += 1
        next_line = end + 2
    scan.next_line = next_line
    scan.found = found
    return True


cdef void _empty_line(bint started, uint32_t end, bint request, Scan *scan) noexcept nogil:
    # Settles the scan, but for empty lines before a request (RFC 9112 2.2).
    if started:
        scan.complete = True
        scan.length = end + 2
    elif request:
        scan.first = end + 2
        return
    else:
        scan.error = H1_BAD_LINE_END
    scan.settled = True


cdef inline uint32_t _line_end(const char *p, uint32_t start, uint32_t index, const Scan *scan) noexcept nogil:
    # The CR of line `index` of a scan that starts at `start`.
    if index < LINES:
        return scan.ends[index]
    return <uint32_t>(<const char *>memchr(p + start, c"\r", scan.next_line - start) - p)


# -- field lines

cdef int _name_error(const char *line, uint32_t i) noexcept nogil:
    return H1_OBS_FOLD if i == 0 and _blank(line[0]) else H1_BAD_HEADER_NAME


cdef int _check_field(const char *line) noexcept nogil:
    cdef uint32_t i = 0
    while NAME[<uint8_t>line[i]]:
        i += 1
    return H1_OK if i and line[i] == c":" else _name_error(line, i)


cdef inline int _field(char *line, uint32_t n, uint32_t i, Header *out) noexcept nogil:
    # The first i bytes are lower-case name characters.
    cdef uint8_t *u = <uint8_t *>line
    cdef uint32_t value
    cdef uint8_t lower
    while u[i] != c":":
        lower = NAME[u[i]]
        if lower == 0:
            return _name_error(line, i)
        u[i] = lower
        i += 1
    if i == 0:
        return H1_BAD_HEADER_NAME
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
    return _field(line, n, 0, out)


cdef inline uint32_t _usual_name(char *line) noexcept nogil:
    # Lower-case the name in steps of 16 as long as it has no rare characters; reads up to 15 bytes too far.
    cdef uint32_t i = 0
    cdef uint32_t step = lower_name16(line)
    while step == 16:
        i += 16
        step = lower_name16(line + i)
    return i + step


cdef int _fields(char *copy, const Scan *scan, bint request, Head *head, Facts *facts) noexcept nogil:
    # `copy` is where the byte 0 of the scanned bytes would be.
    cdef uint32_t start = _line_end(copy, scan.first, 0, scan) + 2
    cdef uint32_t index, end
    cdef Header *item = head.items
    cdef int error
    for index in range(1, scan.found):
        end = _line_end(copy, start, index, scan)
        error = _field(copy + start, end - start, _usual_name(copy + start), item)
        if error != H1_OK:
            return error
        start = end + 2
        if item.id != H_UNKNOWN:
            if item.id <= H_HTTP2_SETTINGS:
                h1_note(item, head, facts)
                if request and item.id == H_HOST:
                    continue
            head.seen[item.id >> 6] |= <uint64_t>1 << (item.id & 63)
        item += 1
    head.count = <uint32_t>(item - head.items)
    return H1_OK


# -- putting the head together

cdef int _take_apart(char *copy, const Scan *scan, const H1Limits *limits, bint request, Head *head) noexcept nogil:
    cdef FirstLine first
    cdef Facts facts
    cdef uint32_t n = _line_end(copy, scan.first, 0, scan) - scan.first
    cdef char *line = copy + scan.first
    cdef int error
    if request:
        error = h1_request_line(line, n, limits.allow_http10, &first)
    else:
        error = h1_status_line(line, n, &first)
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
        return h1_judge_response(head, &first, &facts)
    error = h1_set_request_line(line, &first, head)
    return error if error != H1_OK else h1_judge_request(head, &first, &facts)


cdef int _build(const char *p, const Scan *scan, const H1Limits *limits, bint request, Head *head) noexcept nogil:
    # One allocation holds the items and the text behind them.
    cdef uint32_t capacity = scan.found - 1 + SPARE
    cdef size_t n = scan.length - scan.first
    cdef char *memory = <char *>arena_alloc(head.arena, capacity * sizeof(Header) + n + READ_TOO_FAR)
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
            error = h1_request_line(p + start, end - start, limits.allow_http10, &first)
        else:
            error = h1_status_line(p + start, end - start, &first)
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
        return H1_OK if h1_method_byte(c) else H1_BAD_METHOD
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
    cdef uint32_t lines = parser.lines + scan.found
    cdef int error = _check_lines(p, scan, parser.lines, limits, request)
    if error == H1_OK:
        error = scan.error
    if error == H1_OK and lines == 0:
        error = _check_start(p, scan, n, request)
    if error == H1_OK and scan.broken:
        error = _broken_byte(p, scan, lines, request)
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
    parser.lines += scan.found
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
