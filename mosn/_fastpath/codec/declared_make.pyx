"""Compiling declarations (see declared_make.pxd)."""

import json

from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.codec.declared cimport declared_init
from mosn._fastpath.codec.declared_types cimport (
    F_BYTES, F_HEADERS, F_NUMBER, F_SUM, F_TAGGED, H_JCE, H_LINES, H_PAIRS, H_PROTOBUF, H_THEADER, MOST_CONDITIONS,
    MOST_EXPOSED, MOST_FIELDS, MOST_IDS, MOST_KINDS, MOST_PIECES, MOST_STATUSES, N_FIXED, N_JCE, N_VARINT,
    N_ZIGZAG, NO_FIELD, P_BYTES, P_COPY, P_CRC32, P_END, P_ID, P_SIZE, P_STATUS, P_TEXT, SIZE_FIELD, SIZE_FIXED,
    SIZE_PREFIX, SIZE_REST, Condition, Declared, Field, Number, Piece, Source, Status, Template,
)
from mosn._fastpath.codec.frame cimport (
    FRAME_EVENT, FRAME_GOAWAY, FRAME_HEARTBEAT, FRAME_HEARTBEAT_ANSWER, FRAME_ONEWAY, FRAME_REQUEST, FRAME_RESPONSE,
    FrameCodec,
)
from mosn._fastpath.memory cimport Slice, slice_of

MOST_DECLARATIONS = 256
NUMBERS = {"fixed": N_FIXED, "varint": N_VARINT, "zigzag": N_ZIGZAG, "jce": N_JCE}
FIELDS = {"number": F_NUMBER, "bytes": F_BYTES, "sum": F_SUM, "headers": F_HEADERS, "tagged": F_TAGGED}
SIZES = {"fixed": SIZE_FIXED, "prefix": SIZE_PREFIX, "field": SIZE_FIELD, "rest": SIZE_REST}
FORMATS = {"": 0, "pairs": H_PAIRS, "lines": H_LINES, "theader": H_THEADER, "protobuf": H_PROTOBUF, "jce": H_JCE}
KINDS = {
    "request": FRAME_REQUEST, "oneway": FRAME_ONEWAY, "response": FRAME_RESPONSE, "heartbeat": FRAME_HEARTBEAT,
    "heartbeat_answer": FRAME_HEARTBEAT_ANSWER, "goaway": FRAME_GOAWAY, "event": FRAME_EVENT,
}
PIECES = {
    "bytes": P_BYTES, "id": P_ID, "text": P_TEXT, "status": P_STATUS, "copy": P_COPY, "size": P_SIZE, "end": P_END,
    "crc32": P_CRC32,
}

_made = {}
_kept = []


cdef int keep(Slice *out, bytes data) except -1:
    # Bytes that a codec points at: they live as long as the process, as the codec does.
    _kept.append(data)
    out[0] = slice_of(<char *>data, len(data))
    return 0


cdef int bounded(count, int most, str what) except -1:
    if count > most:
        raise ValueError(f"more than {most} {what}")
    return 0


cdef class Maker:
    cdef Declared *out

    cdef uint8_t field(self, index) except? 254:
        if index == -1:
            return NO_FIELD
        if not 0 <= index < self.out.field_count:
            raise ValueError(f"there is no field {index}")
        return index

    cdef int number(self, Number *out, spec) except -1:
        if spec is None:
            return 0
        out.type = NUMBERS[spec["type"]]
        out.width = spec["width"]
        out.little = spec["little"]
        out.tag = spec["tag"]
        if out.type == N_FIXED and not 1 <= out.width <= 8:
            raise ValueError(f"a number of {out.width} bytes")
        return 0

    cdef uint8_t conditions(self, list specs) except? 255:
        cdef uint32_t first = self.out.condition_count
        cdef Condition *condition
        bounded(first + len(specs), MOST_CONDITIONS, "conditions")
        for spec in specs:
            condition = &self.out.conditions[self.out.condition_count]
            condition.mask = spec["mask"]
            condition.wanted = spec["wanted"]
            condition.field = self.field(spec["field"])
            condition.either = spec["either"]
            self.out.condition_count += 1
        return <uint8_t>first

    cdef int fields(self, list specs) except -1:
        cdef uint32_t i
        bounded(len(specs), MOST_FIELDS, "fields")
        self.out.field_count = len(specs)
        for i, spec in enumerate(specs):
            self.one_field(&self.out.fields[i], i, spec)
        self.out.top = sum(1 for spec in specs if spec["parent"] == -1)
        if any(spec["parent"] != -1 for spec in specs[:self.out.top]):
            raise ValueError("fields of blocks come last")
        return 0

    cdef int one_field(self, Field *out, uint32_t index, dict spec) except -1:
        out.type = FIELDS[spec["type"]]
        out.size = SIZES[spec["size"]]
        out.format = FORMATS[spec["format"]]
        out.plus = spec["plus"]
        out.times = spec["times"]
        out.tag = spec["tag"]
        out.needs = spec["needs"]
        out.parent = self.field(spec["parent"])
        out.size_field = self.field(spec["size_field"])
        self.number(&out.number, spec["number"])
        self.number(&out.value_number, spec["value_number"])
        self.number(&out.count_number, spec["count_number"])
        out.when = self.conditions(spec["when"])
        out.when_count = len(spec["when"])
        out.allowed = self.conditions(spec["allowed"])
        out.allowed_count = len(spec["allowed"])
        if out.times == 0 or (out.size in (SIZE_FIXED, SIZE_REST) and out.plus < 0):
            raise ValueError(f"field {index}: its size is impossible")
        if (out.size == SIZE_FIELD or out.type == F_SUM) and out.size_field >= index:
            raise ValueError(f"field {index}: its size comes after it")
        if out.type == F_SUM and out.number.type != N_FIXED:
            raise ValueError(f"field {index}: a sum is of numbers of one width")
        return 0

    cdef int children(self) except -1:
        cdef Field *parent
        cdef uint32_t i
        for i in range(self.out.top, self.out.field_count):
            if self.out.fields[i].parent >= i:
                raise ValueError(f"field {i} stands before its block")
            parent = &self.out.fields[self.out.fields[i].parent]
            if parent.type != F_TAGGED or (parent.child_count and parent.children + parent.child_count != i):
                raise ValueError(f"field {i} is in no block")
            if not parent.child_count:
                parent.children = i
            parent.child_count += 1
        return 0

    cdef int kinds(self, list specs) except -1:
        cdef uint32_t i
        bounded(len(specs), MOST_KINDS, "kinds")
        for i, spec in enumerate(specs):
            self.out.kinds[i].kind = KINDS[spec["kind"]]
            self.out.kinds[i].code = spec["code"]
            self.out.kinds[i].when = self.conditions(spec["when"])
            self.out.kinds[i].when_count = len(spec["when"])
        self.out.kind_count = len(specs)
        return 0

    cdef uint32_t statuses(self, Status *out, list pairs) except? 0xFFFF:
        bounded(len(pairs), MOST_STATUSES, "statuses")
        for i, (status, code) in enumerate(pairs):
            out[i].status = status
            out[i].code = code
        return len(pairs)

    cdef int template(self, Template *out, list pieces) except -1:
        cdef Piece *piece
        bounded(len(pieces), MOST_PIECES, "pieces of a template")
        for spec in pieces:
            piece = &out.pieces[out.count]
            piece.type = PIECES[spec["type"]]
            keep(&piece.bytes, bytes.fromhex(spec["bytes"]))
            piece.field = self.field(spec["field"])
            piece.plus = spec["plus"]
            self.number(&piece.number, spec["number"])
            out.count += 1
        return 0

    cdef int source(self, Source *out, dict spec) except -1:
        keep(&out.header, spec["header"].encode())
        keep(&out.otherwise, spec["otherwise"].encode())
        out.field = self.field(spec["field"])
        return 0

    cdef int roles(self, dict spec) except -1:
        cdef uint32_t i
        bounded(len(spec["ids"]), MOST_IDS, "places of the id")
        bounded(len(spec["bodies"]), MOST_IDS, "bodies")
        for i, index in enumerate(spec["bodies"]):
            self.out.bodies[i] = self.field(index)
        self.out.body_count = len(spec["bodies"])
        for i, index in enumerate(spec["ids"]):
            self.out.ids[i] = self.field(index)
            self.out.moving_id = self.out.moving_id or self.out.fields[self.out.ids[i]].number.type != N_FIXED
        self.out.id_count = len(spec["ids"])
        self.out.length = self.field(spec["length"])
        self.out.length_times = spec["length_times"] or 1
        self.out.length_plus = spec["length_plus"]
        self.out.timeout = self.field(spec["timeout"])
        self.out.timeout_unit_ms = spec["timeout_unit_ms"] or 1
        self.out.status = self.field(spec["status"])
        self.out.headers = self.field(spec["headers"])
        self.out.checksum = self.field(spec["checksum"])
        self.source(&self.out.service, spec["service"])
        self.source(&self.out.method, spec["method"])
        self.out.separator = ord(spec["separator"]) if spec["separator"] else 0
        bounded(len(spec["exposed"]), MOST_EXPOSED, "fields shown as headers")
        for i, (name, index) in enumerate(spec["exposed"]):
            keep(&self.out.exposed_names[i], name.encode())
            self.out.exposed[i] = self.field(index)
        self.out.exposed_count = len(spec["exposed"])
        return 0

    cdef int make(self, dict spec) except -1:
        keep(&self.out.name, spec["name"].encode() + b"\0")
        self.out.name.n -= 1
        self.fields(spec["fields"])
        self.children()
        self.kinds(spec["kinds"])
        self.out.status_count = self.statuses(self.out.statuses, spec["statuses"])
        self.out.error_count = self.statuses(self.out.errors, spec["errors"])
        self.out.other_code = spec["other_code"]
        self.out.other_error = spec["other_error"]
        self.template(&self.out.reply, spec["reply"])
        self.template(&self.out.heartbeat, spec["heartbeat"])
        self.template(&self.out.heartbeat_answer, spec["heartbeat_answer"])
        self.roles(spec)
        self.out.codec.name = self.out.name.p
        self.out.codec.id_mask = spec["id_mask"]
        self.out.codec.lookahead = 64
        declared_init(self.out)
        return 0


cdef const FrameCodec *declared_codec(dict spec) except NULL:
    cdef Maker maker
    cdef Declared *out
    key = json.dumps(spec, sort_keys=True)
    if key in _made:
        return <const FrameCodec *><size_t>_made[key]
    bounded(len(_made) + 1, MOST_DECLARATIONS, "declarations of protocols in the life of one process")
    out = <Declared *>calloc(1, sizeof(Declared))
    if out == NULL:
        raise MemoryError
    maker = Maker()
    maker.out = out
    try:
        maker.make(spec)
    except (KeyError, TypeError, ValueError, OverflowError) as error:
        free(out)
        raise ValueError(f"declaration of {spec.get('name')}: {error}") from error
    _made[key] = <size_t>out
    return &out.codec


def check_declaration(dict spec not None):
    declared_codec(spec)
