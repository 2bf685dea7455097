"""Calls and answers of SOFARPC on BOLT (contracts: bridge_bolt.pxd).

The content of a request is a SofaRequest and then the arguments, in one stream; that of an answer a SofaResponse.
"""

from libc.stdint cimport uint32_t
from libc.string cimport memcpy, memset

from mosn._fastpath.codec.bolt cimport (
    BOLT_CMD_REQUEST, BOLT_HESSIAN2, BOLT_REQUEST, BOLT_SUCCESS, BOLT_V2,
)
from mosn._fastpath.codec.bridge_call cimport bridge_arguments, bridge_header, bridge_refuse
from mosn._fastpath.codec.bridge_error cimport error_read, error_text, error_write
from mosn._fastpath.codec.frame cimport put16, put32
from mosn._fastpath.codec.hessian_json cimport (
    HessianClass, HessianIn, hj_object, hj_skip, hj_text, hj_value,
)
from mosn._fastpath.codec.hessian_out cimport (
    HessianOut, hessian_out, ho_class, ho_list, ho_list_end, ho_object, ho_raw, ho_string, ho_tag,
)
from mosn._fastpath.codec.hessian2_cursor cimport h2_peek
from mosn._fastpath.codec.hessian_tables cimport hj_init
from mosn._fastpath.codec.json_write cimport JsonOut, json_raw
from mosn._fastpath.head cimport Header, head_find
from mosn._fastpath.memory cimport Arena, Buf, Slice, arena_alloc, buf_len, slice_is, slice_of

cdef const char *REQUEST_CLASS = b"com.alipay.sofa.rpc.core.request.SofaRequest"
cdef const char *ERROR_HEADER = b"sofa_head_response_error"
cdef enum:
    REQUEST_CLASS_BYTES = 44
    ERROR_HEADER_BYTES = 24
    LONGEST_SHORT = 32767       # a Java short
    DEFAULT_TIMEOUT_MS = 3000


# -- requests

cdef Slice _unique_name(BridgeCall *call) noexcept nogil:
    # interface:version[:id]; what the configuration does not say is version 1.0.
    cdef Slice version = call.bridge.version if call.bridge.version.n else slice_of(b"1.0", 3)
    cdef Slice group = call.bridge.group
    cdef char *to
    cdef uint32_t i
    for i in range(call.service.n):
        if call.service.p[i] == c":":
            return call.service
    to = <char *>arena_alloc(call.arena, <size_t>call.service.n + version.n + group.n + 2)
    if to == NULL:
        return call.service
    memcpy(to, call.service.p, call.service.n)
    to[call.service.n] = c":"
    memcpy(to + call.service.n + 1, version.p, version.n)
    i = call.service.n + 1 + version.n
    if group.n:
        to[i] = c":"
        memcpy(to + i + 1, group.p, group.n)
        i += 1 + group.n
    return slice_of(to, i)


cdef void _fixed(HessianOut *o, const BridgeCall *call) noexcept nogil:
    cdef char head[24]
    cdef char *to = head
    cdef bint v2 = call.bridge.bolt_version == BOLT_V2
    memset(head, 0, 24)
    to[0] = <char>call.bridge.bolt_version
    if v2:
        to[1] = 1
    to += 2 if v2 else 1
    to[0] = BOLT_REQUEST
    put16(to + 1, BOLT_CMD_REQUEST)
    to[3] = 1
    to[8] = BOLT_HESSIAN2
    to += 10 if v2 else 9
    put32(to, <uint32_t>(call.timeout_ms if call.timeout_ms > 0 else DEFAULT_TIMEOUT_MS))
    put16(to + 4, REQUEST_CLASS_BYTES)
    ho_raw(o, head, 24 if v2 else 22)
    ho_raw(o, REQUEST_CLASS, REQUEST_CLASS_BYTES)


cdef void _header(HessianOut *o, Slice name, Slice value) noexcept nogil:
    cdef char length[4]
    if value.n == 0:
        return
    put32(length, name.n)
    ho_raw(o, length, 4)
    ho_raw(o, name.p, name.n)
    put32(length, value.n)
    ho_raw(o, length, 4)
    ho_raw(o, value.p, value.n)


cdef void _headers(HessianOut *o, const BridgeCall *call, Slice service) noexcept nogil:
    cdef uint32_t i
    _header(o, slice_of(b"service", 7), service)
    _header(o, slice_of(b"sofa_head_target_service", 24), service)
    _header(o, slice_of(b"sofa_head_method_name", 21), call.method)
    for i in range(call.bridge.forwarded_count):
        _header(o, call.bridge.forwarded[i], bridge_header(call, call.bridge.forwarded[i]))


cdef void _sofa_request(HessianOut *o, const BridgeCall *call, Slice service) noexcept nogil:
    cdef uint32_t mark
    cdef uint32_t i
    ho_class(o, slice_of(REQUEST_CLASS, REQUEST_CLASS_BYTES), 5)
    ho_string(o, slice_of(b"targetAppName", 13))
    ho_string(o, slice_of(b"methodName", 10))
    ho_string(o, slice_of(b"targetServiceUniqueName", 23))
    ho_string(o, slice_of(b"requestProps", 12))
    ho_string(o, slice_of(b"methodArgSigs", 13))
    ho_object(o, 0)
    ho_tag(o, c"N")
    ho_string(o, call.method)
    ho_string(o, service)
    ho_tag(o, c"N")
    mark = ho_list(o, slice_of(b"[string", 7))
    for i in range(call.bridge.parameter_count):
        ho_string(o, call.bridge.parameters[i].type.name)
    ho_list_end(o, mark, call.bridge.parameter_count)


cdef int bolt_request(BridgeCall *call, BlockPool *pool, Buf *out) noexcept nogil:
    cdef HessianOut o = hessian_out(pool, out, True)
    cdef uint32_t start = buf_len(out)
    cdef uint32_t fixed = (24 if call.bridge.bolt_version == BOLT_V2 else 22)
    cdef uint32_t content
    cdef Slice service = _unique_name(call)
    cdef char *p
    _fixed(&o, call)
    _headers(&o, call, service)
    content = buf_len(out) - start
    if content - fixed - REQUEST_CLASS_BYTES > LONGEST_SHORT:
        return bridge_refuse(call, 431, "the headers do not fit the protocol")
    _sofa_request(&o, call, service)
    if bridge_arguments(call, &o) < 0 or o.failed:
        return -1
    p = out.data + out.start + start + fixed
    put16(p - 6, content - fixed - REQUEST_CLASS_BYTES)
    put32(p - 4, buf_len(out) - start - content)
    return 0


# -- answers

cdef struct Answer:
    bint error                  # what the frame's header, or the response's isError, says
    bint told                   # the value is in the text
    Slice name
    Slice message


cdef int _app_response(HessianIn *h, Answer *a) noexcept nogil:
    if a.error and h2_peek(&h.c) != c"N":
        return error_read(h, &a.name, &a.message)
    a.told = True
    return hj_value(h)


cdef int _field(HessianIn *h, Slice field, Answer *a) noexcept nogil:
    cdef Slice said
    if slice_is(field, "isError"):
        if h2_peek(&h.c) == c"T":
            a.error = True
        return hj_skip(h)
    if slice_is(field, "errorMsg"):
        if hj_text(h, &said) < 0:
            return -1
        if said.n:
            a.message = said
        return 0
    return _app_response(h, a) if slice_is(field, "appResponse") else hj_skip(h)


cdef int _response(HessianIn *h, Answer *a) noexcept nogil:
    cdef const HessianClass *found = NULL
    cdef HessianClass of
    cdef uint32_t i
    if hj_object(h, &found) != 0:
        return -1
    of = found[0]
    for i in range(of.count):
        if _field(h, h.fields[of.first + i], a) < 0:
            return -1
    return 0


cdef int bolt_answer(const Bridge *bridge, const char *p, const Frame *frame, const Head *head, Arena *arena,
                     JsonOut *json) noexcept nogil:
    cdef const Header *error = head_find(head, ERROR_HEADER, ERROR_HEADER_BYTES)
    cdef uint32_t start = buf_len(json.out)
    cdef HessianIn h
    cdef Answer a
    if frame.status != BOLT_SUCCESS:
        return error_text(json, b"BOLT", frame.status, frame.code, slice_of("the server could not answer", 27))
    if frame.serialization != BOLT_HESSIAN2:
        return -1
    memset(&a, 0, sizeof(a))
    a.error = error != NULL and slice_is(slice_of(error.value, error.value_len), "true")
    a.name = slice_of("SofaResponse", 12)
    hj_init(&h, p + frame.head_length, frame.body_end - frame.head_length, arena, json, True)
    h.class_names = bridge.class_names
    if _response(&h, &a) < 0:
        return -1
    if not a.error:
        if not a.told:
            json_raw(json, b"null", 4)
        return 200
    json.out.end = json.out.start + start
    return error_write(json, a.name, a.message)
