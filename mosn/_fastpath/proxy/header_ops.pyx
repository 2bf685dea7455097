"""Header changes with command operators (interface: header_ops.pxd).

Envoy's route configuration refuses to change ":"-headers and Host; its header mutation filter may overwrite them.
Both come here, so overwriting is understood, and the rest is refused.
"""

from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memset

from mosn._fastpath.head cimport (
    H_HOST, H_UNKNOWN, Head, Header, head_add, head_find, head_get, head_remove, head_remove_name, method_id,
)
from mosn._fastpath.memory cimport BlockPool, Buf, Slice, arena_copy, buf_release
from mosn._fastpath.proxy.format cimport FormatObject, format_append
from mosn._fastpath.proxy.match cimport (
    PSEUDO_AUTHORITY, PSEUDO_METHOD, PSEUDO_NONE, PSEUDO_PATH, PSEUDO_SCHEME, HeaderName, compile_header_name,
)
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport HeaderOp, HeaderOps, RequestInfo

cdef enum OpKind:
    OP_APPEND = 0
    OP_ADD                      # unless there is one
    OP_OVERWRITE
    OP_REPLACE                  # if there is one
    OP_REMOVE
    OP_PSEUDO = 8               # overwrite a pseudo header; the PseudoHeader is added to it


cdef inline Header *_find(const Head *head, const HeaderOp *op) noexcept nogil:
    return head_get(head, op.id) if op.id != H_UNKNOWN else head_find(head, op.name.p, op.name.n)


cdef void _remove(Head *head, const HeaderOp *op) noexcept nogil:
    if op.id != H_UNKNOWN:
        head_remove(head, op.id)
    else:
        head_remove_name(head, op.name.p, op.name.n)


cdef void _set_pseudo(Head *head, uint8_t pseudo, Slice value) noexcept nogil:
    cdef Header *host
    if pseudo == PSEUDO_METHOD:
        head.method = value
        head.method_id = method_id(value.p, value.n)
    elif pseudo == PSEUDO_PATH:
        head.path = value
    elif pseudo == PSEUDO_SCHEME:
        head.scheme = value
    elif pseudo == PSEUDO_AUTHORITY:
        head.authority = value
        host = head_get(head, H_HOST)
        if host != NULL:
            host.value = value.p
            host.value_len = value.n


cdef int _set(Head *head, const HeaderOp *op, Slice value) noexcept nogil:
    # The first keeps its place and gets the value, the others go.
    cdef Header *first = _find(head, op)
    cdef Header keep
    if first == NULL:
        return 0 if head_add(head, op.id, op.name.p, op.name.n, value.p, value.n) != NULL else -1
    keep = first[0]
    _remove(head, op)
    keep.value = value.p
    keep.value_len = value.n
    first[0] = keep
    return 0


cdef int set_header(Head *head, const HeaderName *name, Slice value) noexcept nogil:
    cdef HeaderOp op
    if name.pseudo:
        _set_pseudo(head, name.pseudo, value)
        return 0
    memset(&op, 0, sizeof(HeaderOp))
    op.id = name.id
    op.name = name.text
    return _set(head, &op, value)


cdef int _formatted(const HeaderOp *op, RequestInfo *info, BlockPool *pool, Slice *value) noexcept nogil:
    cdef Buf text
    cdef char *copy = NULL
    memset(&text, 0, sizeof(Buf))
    if format_append(op.format, info, b"", pool, &text) < 0:
        buf_release(pool, &text)
        return -1
    value.n = text.end - text.start
    copy = arena_copy(info.arena, text.data + text.start, value.n) if value.n else NULL
    value.p = copy
    buf_release(pool, &text)
    return -1 if value.n and copy == NULL else 0


cdef int _apply(const HeaderOp *op, RequestInfo *info, Head *head, BlockPool *pool) noexcept nogil:
    cdef Slice value = op.literal
    cdef bint exists
    if op.kind == OP_REMOVE:
        _remove(head, op)
        return 0
    if op.kind in (OP_ADD, OP_REPLACE):
        exists = _find(head, op) != NULL
        if exists != (op.kind == OP_REPLACE):
            return 0
    if op.format != NULL and _formatted(op, info, pool, &value) < 0:
        return -1
    if value.n == 0 and not op.keep_empty:
        return 0
    if op.kind >= OP_PSEUDO:
        _set_pseudo(head, op.kind - OP_PSEUDO, value)
        return 0
    if op.kind in (OP_OVERWRITE, OP_REPLACE):
        return _set(head, op, value)
    return 0 if head_add(head, op.id, op.name.p, op.name.n, value.p, value.n) != NULL else -1


cdef int apply_header_ops(const HeaderOps *ops, RequestInfo *info, Head *head, BlockPool *pool) noexcept nogil:
    cdef uint32_t i
    for i in range(ops.count):
        if _apply(&ops.items[i], info, head, pool) < 0:
            return -1
    return 0


# -- compiling

cdef dict OP_KINDS = {
    "append": OP_APPEND, "add": OP_ADD, "overwrite": OP_OVERWRITE, "replace": OP_REPLACE, "remove": OP_REMOVE,
}


cdef int _compile_value(HeaderOp *out, str value, Store store) except -1:
    cdef FormatObject made = FormatObject(value)
    if made.is_literal():
        if made.program.count:
            out.literal = made.program.steps[0].text
        out.format = NULL
    else:
        out.format = &made.program
    store.keep(made)
    return 0


cdef int _compile_op(HeaderOp *out, dict spec, Store store) except -1:
    cdef HeaderName name
    compile_header_name(&name, spec["name"], store)
    if spec["op"] not in OP_KINDS:
        raise ValueError(f"unknown header operation {spec['op']!r}")
    out.kind = OP_KINDS[spec["op"]]
    out.keep_empty = bool(spec["keep_empty"])
    out.id = name.id
    out.name = name.text
    if name.pseudo != PSEUDO_NONE:
        if out.kind != OP_OVERWRITE or name.pseudo > PSEUDO_SCHEME:
            raise ValueError(f":-prefixed or host headers may not be modified: {spec['op']} {spec['name']}")
        out.kind = OP_PSEUDO + name.pseudo
    if out.kind != OP_REMOVE:
        _compile_value(out, spec["value"], store)
    return 0


cdef int compile_header_ops(HeaderOps *out, list specs, Store store) except -1:
    out.items = <HeaderOp *>store.take(len(specs) * sizeof(HeaderOp))
    out.count = <uint32_t>len(specs)
    for i, spec in enumerate(specs):
        try:
            _compile_op(&out.items[<size_t>i], spec, store)
        except ValueError as error:
            raise ValueError(f"header {spec.get('name')!r}: {error}") from None
    return 0
