"""Writing JSON (contracts: json_write.pxd)."""

from libc.math cimport isfinite, isnan
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport strtod
from libc.string cimport memchr, strlen

from mosn._fastpath.codec.json_read cimport utf8_length
from mosn._fastpath.memory cimport Slice

cdef const char *HEX = b"0123456789abcdef"
cdef const char *ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


# -- strings

cdef void _unit(JsonOut *o, uint32_t unit) noexcept nogil:
    cdef char text[6]
    text[0] = c"\\"
    text[1] = c"u"
    text[2] = HEX[unit >> 12]
    text[3] = HEX[(unit >> 8) & 15]
    text[4] = HEX[(unit >> 4) & 15]
    text[5] = HEX[unit & 15]
    json_raw(o, text, 6)


cdef uint32_t _special(JsonOut *o, const char *p, size_t n) noexcept nogil:
    # One character that cannot stand for itself; its bytes.
    cdef uint8_t byte = <uint8_t>p[0]
    cdef char escape[2]
    escape[0] = c"\\"
    escape[1] = c"n" if byte == 10 else c"r" if byte == 13 else c"t" if byte == 9 else <char>byte
    if byte == c'"' or byte == c"\\" or escape[1] != p[0]:
        json_raw(o, escape, 2)
    elif byte < 0x80:
        _unit(o, byte)
    elif n >= 3 and byte == 0xed and <uint8_t>p[1] >= 0xa0 and <uint8_t>p[1] < 0xc0 and <uint8_t>p[2] & 0xc0 == 0x80:
        _unit(o, 0xd000 | ((<uint8_t>p[1] & 0x3f) << 6) | (<uint8_t>p[2] & 0x3f))
        return 3
    else:
        json_char(o, c"?")
    return 1


cdef inline uint32_t _plain(const char *p, size_t n) noexcept nogil:
    # The bytes of a character that stands for itself, or 0.
    if <uint8_t>p[0] < 0x80:
        return 1 if <uint8_t>p[0] >= 0x20 and p[0] != c'"' and p[0] != c"\\" and p[0] != 0x7f else 0
    return utf8_length(p, n)


cdef void json_put_string(JsonOut *o, Slice text) noexcept nogil:
    cdef size_t start = 0
    cdef size_t at = 0
    cdef uint32_t size
    json_char(o, c'"')
    while at < text.n and not o.failed:
        size = _plain(text.p + at, text.n - at)
        at += size
        if size == 0:
            json_raw(o, text.p + start, at - start)
            at += _special(o, text.p + at, text.n - at)
            start = at
    json_raw(o, text.p + start, at - start)
    json_char(o, c'"')


# -- numbers and dates

cdef double LEAST_NORMAL = 2.2250738585072014e-308


cdef void json_put_long(JsonOut *o, int64_t value) noexcept nogil:
    cdef char text[24]
    cdef int n = snprintf(text, sizeof(text), "%lld", <long long>value)
    json_raw(o, text, <size_t>n)


cdef void json_put_double(JsonOut *o, double value) noexcept nogil:
    cdef char text[32]
    # Every number has 15 digits that hold, but those next to zero: theirs may be fewer, and the shortest are wanted.
    cdef int precision = 15 if value == 0 or value >= LEAST_NORMAL or value <= -LEAST_NORMAL else 1
    if not isfinite(value):
        json_raw(o, b'"NaN"' if isnan(value) else b'"Infinity"' if value > 0 else b'"-Infinity"',
                 5 if isnan(value) else 10 if value > 0 else 11)
        return
    snprintf(text, sizeof(text), "%.*g", precision, value)
    while strtod(text, NULL) != value and precision < 17:
        precision += 1
        snprintf(text, sizeof(text), "%.*g", precision, value)
    json_raw(o, text, strlen(text))
    # A double stays one for readers that tell 1 from 1.0.
    if memchr(text, c".", strlen(text)) == NULL and memchr(text, c"e", strlen(text)) == NULL:
        json_raw(o, b".0", 2)


cdef void json_put_date(JsonOut *o, int64_t milliseconds) noexcept nogil:
    # Days to a date of the Gregorian calendar: years that begin in March, so that a leap day is a year's last.
    cdef char text[32]
    cdef int64_t days = milliseconds // 86400000
    cdef int64_t rest = milliseconds - days * 86400000
    cdef int64_t era, day, year, month
    cdef int n
    if rest < 0:
        days -= 1
        rest += 86400000
    if not json_is_date(milliseconds):
        json_put_long(o, milliseconds)
        return
    days += 719468
    era = days // 146097
    day = days - era * 146097
    year = (day - day // 1460 + day // 36524 - day // 146096) // 365
    day -= 365 * year + year // 4 - year // 100
    month = (5 * day + 2) // 153
    day -= (153 * month + 2) // 5
    month = month + 3 if month < 10 else month - 9
    year += era * 400 + (1 if month <= 2 else 0)
    n = snprintf(text, sizeof(text), "\"%04d-%02d-%02dT%02d:%02d:%02d.%03dZ\"", <int>year, <int>month, <int>day + 1,
                 <int>(rest // 3600000), <int>(rest // 60000 % 60), <int>(rest // 1000 % 60), <int>(rest % 1000))
    json_raw(o, text, <size_t>n)


# -- bytes

cdef void _quartet(JsonOut *o, const Base64 *b) noexcept nogil:
    cdef char text[4]
    text[0] = ALPHABET[b.kept[0] >> 2]
    text[1] = ALPHABET[((b.kept[0] & 3) << 4) | (b.kept[1] >> 4)]
    text[2] = ALPHABET[((b.kept[1] & 15) << 2) | (b.kept[2] >> 6)] if b.count > 1 else c"="
    text[3] = ALPHABET[b.kept[2] & 63] if b.count > 2 else c"="
    json_raw(o, text, 4)


cdef void json_put_base64(JsonOut *o, Base64 *b, const char *p, size_t n) noexcept nogil:
    cdef size_t i
    for i in range(n):
        b.kept[b.count] = <uint8_t>p[i]
        b.count += 1
        if b.count == 3:
            _quartet(o, b)
            b.count = 0
        if o.failed:
            return


cdef void json_put_base64_end(JsonOut *o, Base64 *b) noexcept nogil:
    if b.count == 0:
        return
    b.kept[2] = 0
    if b.count == 1:
        b.kept[1] = 0
    _quartet(o, b)
    b.count = 0
