"""JSON access logs (interface: format_json.pxd).

Envoy's rules: keys are sorted; a value that is exactly one operator keeps its type (a number stays one) and is null
when it is absent (or left out with omit_empty_values); in a longer text an absent operator is "-".
"""

import json

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from mosn._fastpath.memory cimport BlockPool, Buf, buf_release
from mosn._fastpath.proxy.format_parse cimport parse_format
from mosn._fastpath.proxy.format_ops cimport (
    OP_ATTEMPTS, OP_COALESCE, OP_COUNT, OP_DIFFERENCE, OP_DURATION, OP_GRPC_STATUS, OP_HEAD_BYTES, OP_JSON_CLOSE,
    OP_JSON_KEY, OP_JSON_OPEN, OP_JSON_VALUE, OP_LITERAL, OP_RESPONSE_CODE, OP_SPAN, OP_ZERO, GRPC_NUMBER,
    ADDRESS_PORT, OP_ADDRESS, OP_UPSTREAM_REMOTE, put,
)
from mosn._fastpath.proxy.format_values cimport append_value
from mosn._fastpath.proxy.types cimport Format, FormatStep, RequestInfo

cdef enum:
    # flags of OP_JSON_VALUE and OP_JSON_KEY
    VALUE_NUMBER = 1            # one operator that prints a number
    VALUE_SINGLE = 2            # one operator
    VALUE_OMIT = 4              # left out, with its key, when it is absent


# -- escaping

cdef inline bint _is_plain(uint8_t c) noexcept nogil:
    return 32 <= c < 127 and c != 34 and c != 92


cdef uint32_t _utf8_length(const uint8_t *p, uint32_t left) noexcept nogil:
    # Bytes of the well-formed sequence at p (RFC 3629), 0 when there is none.
    cdef uint8_t c = p[0]
    cdef uint8_t low = 0x80
    cdef uint8_t high = 0xBF
    cdef uint32_t n
    cdef uint32_t i
    if c < 0xC2 or c > 0xF4:
        return 0
    n = 2 if c < 0xE0 else (3 if c < 0xF0 else 4)
    if c == 0xE0:
        low = 0xA0
    elif c == 0xED:
        high = 0x9F
    elif c == 0xF0:
        low = 0x90
    elif c == 0xF4:
        high = 0x8F
    if left < n or not low <= p[1] <= high:
        return 0
    for i in range(2, n):
        if not 0x80 <= p[i] <= 0xBF:
            return 0
    return n


cdef int _append_escape(uint8_t c, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char text[6]
    cdef const char *digits = "0123456789abcdef"
    text[0], text[1], text[2], text[3] = 92, 117, 48, 48  # \u00
    if c == 34 or c == 92:
        text[1] = <char>c
        return put(pool, out, text, 2)
    if c in (8, 9, 10, 12, 13):
        text[1] = b"btn.fr"[c - 8]
        return put(pool, out, text, 2)
    text[4] = digits[c >> 4]
    text[5] = digits[c & 15]
    return put(pool, out, text, 6)


cdef int _append_escaped(const uint8_t *p, uint32_t n, BlockPool *pool, Buf *out) noexcept nogil:
    cdef uint32_t i = 0
    cdef uint32_t start = 0
    cdef uint32_t length
    cdef int result = 0
    while i < n and result == 0:
        length = 1 if _is_plain(p[i]) else (_utf8_length(p + i, n - i) if p[i] >= 0x80 else 0)
        if length:
            i += length
            continue
        result = put(pool, out, <const char *>p + start, i - start)
        if result == 0 and p[i] < 0x80:
            result = _append_escape(p[i], pool, out)
        elif result == 0:
            result = put(pool, out, b"\xef\xbf\xbd", 3)  # U+FFFD for what is not UTF-8
        i += 1
        start = i
    return result if result else put(pool, out, <const char *>p + start, n - start)


cdef int escape_tail(Buf *out, uint32_t length, BlockPool *pool) noexcept nogil:
    cdef Buf raw
    cdef const uint8_t *p
    cdef uint32_t i = 0
    cdef int result
    if length == 0:
        return 0
    p = <const uint8_t *>out.data + out.end - length
    while i < length and _is_plain(p[i]):
        i += 1
    if i == length:
        return 0
    memset(&raw, 0, sizeof(Buf))
    if put(pool, &raw, <const char *>p + i, length - i) < 0:
        return -1
    out.end -= length - i
    result = _append_escaped(<const uint8_t *>raw.data + raw.start, length - i, pool, out)
    buf_release(pool, &raw)
    return result


# -- running

cdef int _separate(BlockPool *pool, Buf *out) noexcept nogil:
    # A comma unless the member is the first.  No string ends in a bare brace or bracket: it ends in a quote.
    cdef char last = out.data[out.end - 1]
    return 0 if last in (123, 91) else put(pool, out, b",", 1)


cdef int _text_of(const FormatStep *step, uint32_t count, const RequestInfo *info, bint omit, BlockPool *pool,
                  Buf *out) noexcept nogil:
    # The inside of a string.  1 when it is one operator that is absent.
    cdef const FormatStep *end = step + count
    cdef bint single = step + 1 + (step.first if step.op == OP_COALESCE else 0) == end
    cdef int result = 0
    while step < end:
        result = append_value(step, info, pool, out)
        if result == 1 and not single:
            result = 0 if omit else put(pool, out, b"-", 1)
        if result != 0:
            return result
        step += 1 + (step.first if step.op == OP_COALESCE else 0)
    return 0


cdef int _value(const FormatStep *value, const RequestInfo *info, uint32_t before, BlockPool *pool,
                Buf *out) noexcept nogil:
    # before: where the member (its comma and key) began.
    cdef bint quoted = not value.flags & VALUE_NUMBER
    cdef uint32_t start
    cdef int result
    if quoted and put(pool, out, b'"', 1) < 0:
        return -1
    start = out.end - out.start
    result = _text_of(value + 1, value.first, info, value.flags & VALUE_OMIT, pool, out)
    if result < 0:
        return -1
    if result == 1:
        if value.flags & VALUE_OMIT:
            out.end = out.start + before
            return 0
        out.end = out.start + start - (1 if quoted else 0)
        return put(pool, out, b"null", 4)
    if not quoted:
        return 0
    if escape_tail(out, out.end - out.start - start, pool) < 0:
        return -1
    return put(pool, out, b'"', 1)


cdef int append_json(const Format *program, const RequestInfo *info, BlockPool *pool, Buf *out) noexcept nogil:
    cdef const FormatStep *step = program.steps
    cdef const FormatStep *end = program.steps + program.count
    cdef uint32_t member = 0
    cdef int result
    while step < end:
        if step.op == OP_JSON_KEY:
            member = out.end - out.start
            result = _separate(pool, out)
            if result == 0:
                result = put(pool, out, step.text.p, step.text.n)
        elif step.op == OP_JSON_VALUE:
            result = _value(step, info, member, pool, out)
            step += step.first
        else:
            result = put(pool, out, step.text.p, step.text.n)
        if result < 0:
            return -1
        step += 1
    return 0


# -- compiling

cdef set NUMBERS = {OP_ATTEMPTS, OP_COUNT, OP_DIFFERENCE, OP_DURATION, OP_HEAD_BYTES, OP_RESPONSE_CODE, OP_SPAN,
                    OP_ZERO}
cdef set ADDRESSES = {OP_ADDRESS, OP_UPSTREAM_REMOTE}


cdef bint _is_number(dict step) except -1:
    if step["op"] == OP_GRPC_STATUS:
        return step.get("id") == GRPC_NUMBER
    return step["op"] in NUMBERS or (step["op"] in ADDRESSES and step.get("id") == ADDRESS_PORT)


cdef list _text_steps(str text, bint omit_empty):
    steps = parse_format(text)
    if not steps:
        return [{"op": OP_LITERAL, "text": b'""'}]
    flags = 0
    if len(steps) == 1 and steps[0]["op"] != OP_LITERAL:
        flags = VALUE_SINGLE | (VALUE_NUMBER if _is_number(steps[0]) else 0)
    flags |= VALUE_OMIT if omit_empty else 0
    count = sum(1 + len(step.get("steps", ())) for step in steps)
    return [{"op": OP_JSON_VALUE, "flags": flags, "first": count}, *steps]


cdef bint _is_object(value) except -1:
    return isinstance(value, dict) or (isinstance(value, (list, tuple)) and all(
        isinstance(pair, (list, tuple)) and len(pair) == 2 and isinstance(pair[0], str) for pair in value))


cdef list _value_steps(value, bint omit_empty, int depth):
    if depth > 32:
        raise ValueError("a JSON format is nested more than 32 deep")
    if isinstance(value, str):
        return _text_steps(value, omit_empty)
    if _is_object(value):
        return _object_steps(value, omit_empty, depth)
    if isinstance(value, (list, tuple)):
        return _array_steps(value, omit_empty, depth)
    if value is None or isinstance(value, (bool, int, float)):
        return [{"op": OP_LITERAL, "text": json.dumps(value, allow_nan=False).encode()}]
    raise ValueError(f"a JSON format cannot hold {value!r}")


cdef list _object_steps(pairs, bint omit_empty, int depth):
    steps = [{"op": OP_JSON_OPEN, "text": b"{"}]
    members = dict(pairs)
    for key in sorted(members, key=lambda key: _bytes_of(key)):
        steps.append({"op": OP_JSON_KEY, "text": json.dumps(key, ensure_ascii=False).encode() + b":"})
        steps.extend(_value_steps(members[key], omit_empty, depth + 1))
    return [*steps, {"op": OP_JSON_CLOSE, "text": b"}"}]


cdef list _array_steps(values, bint omit_empty, int depth):
    steps = [{"op": OP_JSON_OPEN, "text": b"["}]
    for value in values:
        steps.append({"op": OP_JSON_KEY, "text": b""})
        steps.extend(_value_steps(value, omit_empty, depth + 1))
    return [*steps, {"op": OP_JSON_CLOSE, "text": b"]"}]


cdef bytes _bytes_of(str key):
    return key.encode("utf-8", "surrogateescape")


cdef list json_steps(object pairs, bint omit_empty):
    return [*_object_steps(pairs, omit_empty, 0), {"op": OP_LITERAL, "text": b"\n"}]
