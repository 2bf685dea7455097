"""Command operators compiled to steps and run (interface: format.pxd).

Text formats append the value of each step.  JSON formats hold steps for the structure too; each value is written in
place and, only when it must be, escaped.
"""

from libc.stdint cimport uint32_t

from mosn._fastpath.memory cimport BlockPool, Buf
from mosn._fastpath.proxy.format_json cimport append_json, json_steps
from mosn._fastpath.proxy.format_parse cimport parse_format
from mosn._fastpath.proxy.format_ops cimport (
    OP_COALESCE, OP_LITERAL, OP_REQUEST_HEADER, OP_REQUEST_HEADER_NO_QUERY, OP_RESPONSE_HEADER, OP_TRAILER, put,
)
from mosn._fastpath.proxy.format_values cimport append_value
from mosn._fastpath.proxy.match cimport HeaderName, compile_header_name
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport Format, FormatStep, RequestInfo


cdef int format_append(const Format *program, const RequestInfo *info, const char *missing, BlockPool *pool,
                       Buf *out) noexcept nogil:
    cdef const FormatStep *step = program.steps
    cdef const FormatStep *end = program.steps + program.count
    cdef bint operators = False
    cdef bint present = False
    cdef int result
    if program.json:
        return append_json(program, info, pool, out)
    while step < end:
        if step.op == OP_LITERAL:
            result = put(pool, out, step.text.p, step.text.n)
        else:
            operators = True
            result = append_value(step, info, pool, out)
            if result == 0:
                present = True
            elif result == 1:
                result = put(pool, out, missing, 1) if missing[0] else 0
        if result < 0:
            return -1
        step += 1 + (step.first if step.op == OP_COALESCE else 0)
    return 1 if operators and not present else 0


cdef set HEADER_OPS = {OP_REQUEST_HEADER, OP_REQUEST_HEADER_NO_QUERY, OP_RESPONSE_HEADER, OP_TRAILER}


cdef int _fill_header(FormatStep *step, Store store, str name, bint alternative) except -1:
    cdef HeaderName compiled
    compile_header_name(&compiled, name, store)
    if alternative:
        step.alternative = compiled.text
        step.alternative_id = compiled.id
        step.alternative_pseudo = compiled.pseudo
    else:
        step.text = compiled.text
        step.id = compiled.id
        step.pseudo = compiled.pseudo
    return 0


cdef int _fill_step(FormatStep *step, dict fields, Store store) except -1:
    step.op = fields["op"]
    step.flags = fields.get("flags", 0)
    step.max_len = fields.get("max_len", 0)
    step.first = fields.get("first", 0)
    step.second = fields.get("second", 0)
    if step.op in HEADER_OPS:
        _fill_header(step, store, fields["text"].decode(), False)
        if fields.get("alternative"):
            _fill_header(step, store, fields["alternative"].decode(), True)
        return 0
    step.id = fields.get("id", 0)
    step.alternative_id = fields.get("alternative_id", 0)
    if "text" in fields:
        step.text = store.text(fields["text"])
    return 0


cdef list _flattened(list steps):
    # The steps of COALESCE follow it.
    flat = []
    for step in steps:
        flat.append(step)
        flat.extend(_flattened(step.get("steps", [])))
    return flat


cdef class FormatObject:
    def __init__(self, str text not None):
        self._compile(parse_format(text), False)

    @staticmethod
    def json(pairs, bint omit_empty=False):
        """A JSON line (with its line end) of (key, format, or nested pairs); keys are sorted, as Envoy does."""
        cdef FormatObject made = FormatObject.__new__(FormatObject)
        made._compile(json_steps(pairs, omit_empty), True)
        return made

    cdef int _compile(self, list steps, bint json) except -1:
        cdef Store store = Store()
        cdef list flat = _flattened(steps)
        cdef FormatStep *compiled = <FormatStep *>store.take(len(flat) * sizeof(FormatStep))
        for i, fields in enumerate(flat):
            _fill_step(&compiled[<size_t>i], fields, store)
        self._keep = store
        self.program.steps = compiled
        self.program.count = <uint32_t>len(flat)
        self.program.json = json
        return 0

    cdef bint is_literal(self) noexcept:
        """Whether it holds no operator."""
        return self.program.count == 0 or (self.program.count == 1 and self.program.steps[0].op == OP_LITERAL)
