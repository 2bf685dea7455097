"""Calls and answers of Dubbo (contracts: bridge_dubbo.pxd).

A generic call is the method $invoke(String method, String[] types, Object[] arguments) with the attachment
generic=true: the provider makes the arguments what the method's parameters are, and answers with maps in place of
objects.  Types may be null where the method's name is unique.
"""

from libc.stdint cimport int32_t, uint32_t
from libc.string cimport memset

from mosn._fastpath.codec.bridge_call cimport bridge_arguments, bridge_header
from mosn._fastpath.codec.bridge_error cimport error_of_object, error_text
from mosn._fastpath.codec.dubbo cimport (
    DUBBO_EXCEPTION, DUBBO_EXCEPTION_WITH_ATTACHMENTS, DUBBO_HEAD, DUBBO_HESSIAN2, DUBBO_MAGIC, DUBBO_NULL,
    DUBBO_NULL_WITH_ATTACHMENTS, DUBBO_OK, DUBBO_REQUEST, DUBBO_TWO_WAY, DUBBO_VALUE, DUBBO_VALUE_WITH_ATTACHMENTS,
)
from mosn._fastpath.codec.frame cimport put16, put32
from mosn._fastpath.codec.hessian_json cimport HessianIn, hj_text, hj_value
from mosn._fastpath.codec.hessian_out cimport (
    HessianOut, hessian_out, ho_list, ho_list_end, ho_map, ho_map_end, ho_raw, ho_string, ho_tag,
)
from mosn._fastpath.codec.hessian_scalar cimport hs_int
from mosn._fastpath.codec.hessian_tables cimport hj_init
from mosn._fastpath.codec.json_write cimport JsonOut, json_raw, snprintf
from mosn._fastpath.memory cimport Arena, Buf, Slice, buf_len, slice_of

cdef const char *INVOKE_TYPES = b"Ljava/lang/String;[Ljava/lang/String;[Ljava/lang/Object;"


cdef inline void _literal(HessianOut *o, const char *text, uint32_t n) noexcept nogil:
    ho_string(o, slice_of(text, n))


cdef void _string_or_null(HessianOut *o, Slice text) noexcept nogil:
    if text.n:
        ho_string(o, text)
    else:
        ho_tag(o, c"N")


# -- requests

cdef void _types(BridgeCall *call, HessianOut *o) noexcept nogil:
    # Of a generic call: names of classes, or null.
    cdef uint32_t mark
    cdef uint32_t i
    if call.bridge.any_parameters:
        ho_tag(o, c"N")
        return
    mark = ho_list(o, slice_of(b"[string", 7))
    for i in range(call.bridge.parameter_count):
        ho_string(o, call.bridge.parameters[i].type.name)
    ho_list_end(o, mark, call.bridge.parameter_count)


cdef int _generic(BridgeCall *call, HessianOut *o) noexcept nogil:
    cdef uint32_t mark
    cdef int count
    _literal(o, b"$invoke", 7)
    _literal(o, INVOKE_TYPES, 56)
    ho_string(o, call.method)
    _types(call, o)
    mark = ho_list(o, slice_of(b"[object", 7))
    count = bridge_arguments(call, o)
    if count < 0:
        return -1
    ho_list_end(o, mark, <uint32_t>count)
    return 0


cdef int _direct(BridgeCall *call, HessianOut *o) noexcept nogil:
    ho_string(o, call.method)
    ho_string(o, call.bridge.descriptors)
    return -1 if bridge_arguments(call, o) < 0 else 0


cdef void _attachment(HessianOut *o, Slice name, Slice value) noexcept nogil:
    if value.n:
        ho_string(o, name)
        ho_string(o, value)


cdef void _attachments(BridgeCall *call, HessianOut *o) noexcept nogil:
    cdef char digits[24]
    cdef uint32_t i
    ho_map(o, slice_of(NULL, 0))
    _attachment(o, slice_of(b"path", 4), call.service)
    _attachment(o, slice_of(b"interface", 9), call.service)
    _attachment(o, slice_of(b"version", 7), call.bridge.version)
    _attachment(o, slice_of(b"group", 5), call.bridge.group)
    if call.bridge.generic:
        _attachment(o, slice_of(b"generic", 7), slice_of(b"true", 4))
    if call.timeout_ms > 0:
        _attachment(o, slice_of(b"timeout", 7), slice_of(digits, <size_t>snprintf(digits, 24, "%d", call.timeout_ms)))
    for i in range(call.bridge.forwarded_count):
        _attachment(o, call.bridge.forwarded[i], bridge_header(call, call.bridge.forwarded[i]))
    ho_map_end(o)


cdef int dubbo_request(BridgeCall *call, BlockPool *pool, Buf *out) noexcept nogil:
    cdef HessianOut o = hessian_out(pool, out, False)
    cdef uint32_t start = buf_len(out)
    cdef char head[DUBBO_HEAD]
    memset(head, 0, DUBBO_HEAD)
    put16(head, DUBBO_MAGIC)
    head[2] = <char>(DUBBO_REQUEST | DUBBO_TWO_WAY | DUBBO_HESSIAN2)
    ho_raw(&o, head, DUBBO_HEAD)
    _literal(&o, b"2.0.2", 5)
    ho_string(&o, call.service)
    _string_or_null(&o, call.bridge.version)
    if (_generic(call, &o) if call.bridge.generic else _direct(call, &o)) < 0:
        return -1
    _attachments(call, &o)
    if o.failed:
        return -1
    put32(out.data + out.start + start + 12, buf_len(out) - start - DUBBO_HEAD)
    return 0


# -- answers

cdef int dubbo_answer(const Bridge *bridge, const char *p, const Frame *frame, Arena *arena,
                      JsonOut *json) noexcept nogil:
    cdef HessianIn h
    cdef int32_t value = -1
    cdef Slice said
    if frame.serialization != DUBBO_HESSIAN2:
        return -1
    hj_init(&h, p + DUBBO_HEAD, frame.length - DUBBO_HEAD, arena, json, False)
    h.class_names = bridge.class_names
    if frame.status != DUBBO_OK:
        if hj_text(&h, &said) < 0:
            said = slice_of(NULL, 0)
        return error_text(json, b"Dubbo", frame.status, frame.code, said)
    if hs_int(&h.c, &value) < 0:
        return -1
    if value == DUBBO_EXCEPTION or value == DUBBO_EXCEPTION_WITH_ATTACHMENTS:
        return error_of_object(&h)
    if value == DUBBO_NULL or value == DUBBO_NULL_WITH_ATTACHMENTS:
        json_raw(json, b"null", 4)
        return 200
    if value != DUBBO_VALUE and value != DUBBO_VALUE_WITH_ATTACHMENTS:
        return -1
    return 200 if hj_value(&h) == 0 else -1
