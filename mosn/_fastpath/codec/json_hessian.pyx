"""JSON to Hessian (contracts: json_hessian.pxd)."""

from libc.math cimport isfinite
from libc.stdint cimport int64_t, uint8_t, uint32_t
from libc.stdlib cimport strtod
from libc.string cimport memcpy

from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.codec.hessian_out cimport (
    HessianOut, ho_bytes, ho_date, ho_decimal, ho_double, ho_int, ho_list, ho_list_end, ho_long, ho_map, ho_map_end,
    ho_string, ho_tag,
)
from mosn._fastpath.codec.json_read cimport (
    JSON_ARRAY, JSON_END, JSON_MAX_DEPTH, JSON_NULL, JSON_NUMBER, JSON_OBJECT, JSON_STRING, JSON_TRUE,
    json_is_number, json_kind, json_long, json_member, json_next, json_number, json_string, json_word, utf8_length,
)
from mosn._fastpath.memory cimport Arena, Slice, arena_alloc, slice_is, slice_of

cdef enum:
    LONGEST_NUMBER = 400        # characters of a double or a decimal

cdef const char *NOT_JSON = b"is not JSON, or nested too deeply"


cdef struct Making:
    H2Cursor *c
    Arena *arena
    HessianOut *out
    const char *why


cdef inline int _not(Making *m, const char *why) noexcept nogil:
    m.why = why
    return -1


# -- numbers

cdef int _double(Making *m, Slice text) noexcept nogil:
    cdef char copy[LONGEST_NUMBER + 1]
    cdef double value
    if text.n > LONGEST_NUMBER:
        return _not(m, "has a number of too many digits")
    memcpy(copy, text.p, text.n)
    copy[text.n] = 0
    value = strtod(copy, NULL)
    if not isfinite(value):
        return _not(m, "has a number that no double can hold")
    ho_double(m.out, value)
    return 0


cdef int _integer(Making *m, Slice text, bint whole, uint8_t kind) noexcept nogil:
    cdef int64_t value = 0
    cdef int64_t most = 0x7fffffffffffffff
    if kind != JAVA_LONG:
        most = 0x7f if kind == JAVA_BYTE else 0x7fff if kind == JAVA_SHORT else 0x7fffffff
    if not whole:
        return _not(m, "has a fraction where a whole number is expected")
    if json_long(text, &value) < 0 or value > most or value < -most - 1:
        return _not(m, "has a number that does not fit its type")
    if kind == JAVA_LONG:
        ho_long(m.out, value)
    else:
        ho_int(m.out, <int>value)
    return 0


cdef int _any_number(Making *m, Slice text, bint whole) noexcept nogil:
    cdef int64_t value = 0
    if not whole:
        return _double(m, text)
    if json_long(text, &value) < 0:
        return _not(m, "has a number that does not fit a long")
    return _integer(m, text, True, JAVA_INT if -0x80000000LL <= value <= 0x7fffffffLL else JAVA_LONG)


cdef int _number(Making *m, Slice text, bint whole, uint8_t kind) noexcept nogil:
    if JAVA_BYTE <= kind <= JAVA_LONG:
        return _integer(m, text, whole, kind)
    if kind == JAVA_FLOAT or kind == JAVA_DOUBLE:
        return _double(m, text)
    if kind == JAVA_ANY:
        return _any_number(m, text, whole)
    if kind == JAVA_DATE:
        return _date_number(m, text, whole)
    if kind == JAVA_DECIMAL and text.n <= LONGEST_NUMBER:
        ho_decimal(m.out, text)
        return 0
    return _not(m, "has a number where something else is expected")


cdef int _date_number(Making *m, Slice text, bint whole) noexcept nogil:
    cdef int64_t value = 0
    if not whole or json_long(text, &value) < 0:
        return _not(m, "has a number that is no date (milliseconds since 1970)")
    ho_date(m.out, value)
    return 0


# -- dates: "2024-02-29", "2024-02-29T12:00:00Z", with a fraction of a second, with an offset

cdef int _digits_at(Slice text, uint32_t at, uint32_t n) noexcept nogil:
    cdef int value = 0
    cdef uint32_t i
    if at + n > text.n:
        return -1
    for i in range(at, at + n):
        if not c"0" <= text.p[i] <= c"9":
            return -1
        value = 10 * value + (text.p[i] - c"0")
    return value


cdef inline bint _has(Slice text, uint32_t at, char byte) noexcept nogil:
    return at < text.n and text.p[at] == byte


cdef int64_t _days(int64_t year, int64_t month, int64_t day) noexcept nogil:
    # Of the Gregorian calendar, from 1970; years begin in March, so that a leap day is a year's last.
    cdef int64_t years = year - (1 if month <= 2 else 0) + 400
    cdef int64_t in_year = (153 * (month - 3 if month > 2 else month + 9) + 2) // 5 + day - 1
    return 365 * years + years // 4 - years // 100 + years // 400 + in_year - 719468 - 146097


cdef bint _date_of(Slice text, int64_t *out) noexcept nogil:
    cdef int year = _digits_at(text, 0, 4)
    cdef int month = _digits_at(text, 5, 2)
    cdef int day = _digits_at(text, 8, 2)
    cdef int longest = 30 + ((month + (month >> 3)) & 1)
    if year < 0 or not _has(text, 4, c"-") or not _has(text, 7, c"-") or not 1 <= month <= 12 or day < 1:
        return False
    if month == 2:
        longest = 29 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 28
    out[0] = _days(year, month, day) * 86400000
    return day <= longest


cdef bint _offset_at(Slice text, uint32_t at, int64_t *out) noexcept nogil:
    # "Z", "+08:00" or "+0800", and nothing behind it.
    cdef int hours, minutes
    cdef uint32_t colon
    if _has(text, at, c"Z"):
        return at + 1 == text.n
    if not _has(text, at, c"+") and not _has(text, at, c"-"):
        return False
    hours = _digits_at(text, at + 1, 2)
    colon = 1 if _has(text, at + 3, c":") else 0
    minutes = _digits_at(text, at + 3 + colon, 2)
    if not 0 <= hours <= 23 or not 0 <= minutes <= 59 or at + 5 + colon != text.n:
        return False
    out[0] -= (-1 if text.p[at] == c"-" else 1) * (hours * 60 + minutes) * 60000
    return True


cdef bint _time_of(Slice text, int64_t *out) noexcept nogil:
    cdef int hours = _digits_at(text, 11, 2)
    cdef int minutes = _digits_at(text, 14, 2)
    cdef int seconds = _digits_at(text, 17, 2)
    cdef int unit = 100
    cdef uint32_t at = 19
    if not _has(text, 13, c":") or not _has(text, 16, c":") or not 0 <= hours <= 23 or not 0 <= minutes <= 59:
        return False
    if not 0 <= seconds <= 59:
        return False
    out[0] += ((hours * 60 + minutes) * 60 + seconds) * <int64_t>1000
    if _has(text, at, c"."):
        at += 1
        if _digits_at(text, at, 1) < 0:
            return False
        while _digits_at(text, at, 1) >= 0:
            out[0] += (text.p[at] - c"0") * unit
            unit //= 10
            at += 1
    return _offset_at(text, at, out)


cdef int _date_text(Making *m, Slice text) noexcept nogil:
    cdef int64_t value = 0
    if _date_of(text, &value) and (text.n == 10 or ((text.p[10] == c"T" or text.p[10] == c" ")
                                                    and _time_of(text, &value))):
        ho_date(m.out, value)
        return 0
    return _not(m, "has a text that is no date (as 2024-02-29T12:00:00Z)")


# -- strings

cdef int _base64_digit(char byte) noexcept nogil:
    if c"A" <= byte <= c"Z":
        return byte - c"A"
    if c"a" <= byte <= c"z":
        return byte - c"a" + 26
    if c"0" <= byte <= c"9":
        return byte - c"0" + 52
    return 62 if byte == c"+" or byte == c"-" else 63 if byte == c"/" or byte == c"_" else -1


cdef int _bytes(Making *m, Slice text) noexcept nogil:
    # Base64 of RFC 4648, either alphabet, padded or not.
    cdef char *to = <char *>arena_alloc(m.arena, text.n)
    cdef uint32_t bits = 0
    cdef uint32_t held = 0
    cdef uint32_t n = 0
    cdef uint32_t i
    cdef int digit
    while text.n and text.p[text.n - 1] == c"=":
        text.n -= 1
    if to == NULL or text.n % 4 == 1:
        return _not(m, "has a text that is not base64")
    for i in range(text.n):
        digit = _base64_digit(text.p[i])
        if digit < 0:
            return _not(m, "has a text that is not base64")
        bits = (bits << 6 | <uint32_t>digit) & 0xffffff
        held += 6
        if held >= 8:
            held -= 8
            to[n] = <char>(bits >> held)
            n += 1
    ho_bytes(m.out, to, n)
    return 0


cdef int _text(Making *m, Slice text, uint8_t kind) noexcept nogil:
    # A string where this kind is expected.
    cdef bint whole = False
    if kind == JAVA_STRING or kind == JAVA_ANY:
        ho_string(m.out, text)
        return 0
    if kind == JAVA_DATE and not json_is_number(text, &whole):
        return _date_text(m, text)
    if kind == JAVA_BYTES:
        return _bytes(m, text)
    if kind == JAVA_CHAR and text.n and utf8_length(text.p, text.n) == text.n and text.n < 4:
        ho_string(m.out, text)
        return 0
    if kind == JAVA_BOOLEAN and (slice_is(text, "true") or slice_is(text, "false")):
        ho_tag(m.out, c"T" if text.n == 4 else c"F")
        return 0
    if JAVA_BYTE <= kind <= JAVA_DECIMAL and kind != JAVA_CHAR and json_is_number(text, &whole):
        return _number(m, text, whole, kind)
    return _not(m, "has a text that does not fit its type")


# -- arrays and objects

cdef int _array(Making *m, const JavaType *type, uint32_t depth) noexcept nogil:
    cdef JavaType element
    cdef uint32_t count = 0
    cdef uint32_t mark
    cdef int more = 1
    if type.kind != JAVA_LIST and type.kind != JAVA_ANY:
        return _not(m, "has an array where something else is expected")
    element.kind = type.element
    element.element = JAVA_ANY
    element.primitive = False
    element.wire = slice_of(NULL, 0)
    m.c.at += 1
    mark = ho_list(m.out, type.wire)
    while True:
        more = json_next(m.c, c"]", count == 0)
        if more <= 0:
            break
        if _value(m, &element, depth) < 0:
            return -1
        count += 1
    ho_list_end(m.out, mark, count)
    return 0 if more == 0 else _not(m, NOT_JSON)


cdef int _object(Making *m, const JavaType *type, uint32_t depth) noexcept nogil:
    cdef JavaType member
    cdef Slice name
    cdef bint first = True
    cdef int more = 1
    if type.kind != JAVA_MAP and type.kind != JAVA_ANY:
        return _not(m, "has an object where something else is expected")
    member.kind = type.element
    member.element = JAVA_ANY
    member.primitive = False
    member.wire = slice_of(NULL, 0)
    m.c.at += 1
    ho_map(m.out, type.wire)
    while True:
        more = json_next(m.c, c"}", first)
        first = False
        if more <= 0:
            break
        if json_member(m.c, m.arena, &name) < 0:
            return _not(m, NOT_JSON)
        ho_string(m.out, name)
        if _value(m, &member, depth) < 0:
            return -1
    ho_map_end(m.out)
    return 0 if more == 0 else _not(m, NOT_JSON)


# -- values

cdef int _word(Making *m, int kind, const JavaType *type) noexcept nogil:
    if json_word(m.c, kind) < 0:
        return _not(m, NOT_JSON)
    if kind == JSON_NULL:
        if type.primitive:
            return _not(m, "has null for a primitive type")
        ho_tag(m.out, c"N")
        return 0
    if type.kind != JAVA_BOOLEAN and type.kind != JAVA_ANY:
        return _not(m, "has a boolean where something else is expected")
    ho_tag(m.out, c"T" if kind == JSON_TRUE else c"F")
    return 0


cdef int _value(Making *m, const JavaType *type, uint32_t depth) noexcept nogil:
    cdef int kind = json_kind(m.c)
    cdef bint whole = False
    cdef Slice text
    if kind == JSON_END or ((kind == JSON_ARRAY or kind == JSON_OBJECT) and depth == JSON_MAX_DEPTH):
        return _not(m, NOT_JSON)
    if kind == JSON_ARRAY:
        return _array(m, type, depth + 1)
    if kind == JSON_OBJECT:
        return _object(m, type, depth + 1)
    if kind == JSON_NUMBER:
        if json_number(m.c, &text, &whole) < 0:
            return _not(m, NOT_JSON)
        return _number(m, text, whole, type.kind)
    if kind == JSON_STRING:
        if json_string(m.c, m.arena, &text) < 0:
            return _not(m, NOT_JSON)
        return _text(m, text, type.kind)
    return _word(m, kind, type)


cdef int json_to_hessian(H2Cursor *c, Arena *arena, HessianOut *out, const JavaType *type,
                         const char **why) noexcept nogil:
    cdef Making m
    m.c = c
    m.arena = arena
    m.out = out
    m.why = NOT_JSON
    if _value(&m, type, 0) < 0:
        why[0] = m.why
        return -1
    if out.failed:
        why[0] = "needs more memory than there is"
        return -1
    return 0


cdef int text_to_hessian(Slice text, Arena *arena, HessianOut *out, const JavaType *type,
                         const char **why) noexcept nogil:
    cdef Making m
    m.c = NULL
    m.arena = arena
    m.out = out
    m.why = NOT_JSON
    if _text(&m, text, type.kind) < 0:
        why[0] = m.why
        return -1
    return 0
