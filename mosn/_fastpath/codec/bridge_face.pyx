"""Python face of JSON, Hessian and calls between them, for tests and tools (see bridge_face.pyi).

Bytes are handed over in malloc'd blocks of exactly their size, so a sanitizer sees one byte too far.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from mosn._fastpath.codec.bridge cimport bridge_answer, bridge_request
from mosn._fastpath.codec.bridge_call cimport BRIDGE_MOST_PARAMETERS, Bridge, BridgeCall, BridgeParameter
from mosn._fastpath.codec.frame cimport Frame, FrameLimits
from mosn._fastpath.codec.frames cimport frame_codec
from mosn._fastpath.codec.hessian2_cursor cimport h2_cursor, h2_left
from mosn._fastpath.codec.hessian_json cimport HessianIn, hj_value
from mosn._fastpath.codec.hessian_out cimport HessianOut, hessian_out
from mosn._fastpath.codec.hessian2_cursor cimport H2Cursor
from mosn._fastpath.codec.json_hessian cimport JavaType, json_to_hessian
from mosn._fastpath.codec.json_read cimport JSON_MAX_DEPTH, json_check
from mosn._fastpath.codec.hessian_tables cimport hj_init
from mosn._fastpath.codec.json_write cimport JsonOut
from mosn._fastpath.head cimport Head, head_add, head_init, header_id
from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, Slice, arena_init, arena_release, buf_len, buf_release, pool_free_all, pool_init, slice_of,
)

MAX_DEPTH = JSON_MAX_DEPTH
KINDS = ("any", "boolean", "byte", "short", "int", "long", "float", "double", "char", "string", "date", "decimal",
         "bytes", "list", "map")


class Refused(ValueError):
    """(status, why), or why alone."""


cdef class _Room:
    cdef BlockPool pool
    cdef Arena arena
    cdef Buf out
    cdef list kept
    cdef char *copy

    def __cinit__(self):
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        memset(&self.out, 0, sizeof(Buf))
        self.kept = []

    def __dealloc__(self):
        free(self.copy)
        arena_release(&self.arena)
        buf_release(&self.pool, &self.out)
        pool_free_all(&self.pool)

    cdef Slice slice(self, object text):
        cdef bytes data = text.encode() if isinstance(text, str) else text
        self.kept.append(data)
        return slice_of(<char *>data, len(data))

    cdef Slice exact(self, bytes data):
        free(self.copy)
        self.copy = <char *>malloc(len(data) or 1)
        memcpy(self.copy, <const char *>data, len(data))
        return slice_of(self.copy, len(data))

    cdef bytes taken(self):
        return self.out.data[self.out.start:self.out.end] if buf_len(&self.out) else b""

    cdef JavaType type(self, dict spec):
        cdef JavaType made
        made.kind = KINDS.index(spec.get("kind", "any"))
        made.element = KINDS.index(spec.get("element", "any"))
        made.primitive = spec.get("primitive", False)
        made.name = self.slice(spec.get("type", ""))
        made.wire = self.slice(spec.get("wire", ""))
        return made


def is_json(bytes data not None):
    cdef _Room room = _Room()
    cdef Slice text = room.exact(data)
    return json_check(text.p, text.n) == 0


def to_hessian(bytes data not None, dict type=None, *, bint draft=False):
    """The Hessian of one JSON value; raises Refused(why)."""
    cdef _Room room = _Room()
    cdef HessianOut out = hessian_out(&room.pool, &room.out, draft)
    cdef Slice text = room.exact(data)
    cdef H2Cursor c = h2_cursor(text.p, text.n)
    cdef JavaType java = room.type(type or {})
    cdef const char *why = NULL
    if json_to_hessian(&c, &room.arena, &out, &java, &why) < 0:
        raise Refused(why.decode())
    return room.taken()


def to_json(bytes data not None, *, bint draft=False, bint class_names=False, uint32_t most=1 << 20):
    """(JSON of the first Hessian value, bytes it took); raises Refused."""
    cdef _Room room = _Room()
    cdef JsonOut json
    cdef HessianIn h
    cdef Slice text = room.exact(data)
    json.pool = &room.pool
    json.out = &room.out
    json.most = most
    json.failed = False
    hj_init(&h, text.p, text.n, &room.arena, &json, draft)
    h.class_names = class_names
    if hj_value(&h) < 0:
        raise Refused("not to be told")
    return room.taken(), len(data) - h2_left(&h.c)


cdef class Bridging:
    """What a route says: the keys of mosn.model.RpcBridge."""

    cdef Bridge bridge
    cdef BridgeParameter parameters[BRIDGE_MOST_PARAMETERS]
    cdef Slice forwarded[16]
    cdef _Room room
    cdef FrameLimits limits

    def __cinit__(self, dict spec not None):
        cdef bytes name = spec["protocol"].encode()
        cdef uint32_t i
        self.room = _Room()
        self.limits.frame_bytes = 1 << 24
        self.limits.headers = 256
        self.bridge.codec = frame_codec(name, len(name))
        self.bridge.bolt = name == b"bolt"
        self.bridge.bolt_version = spec.get("bolt_version", 1)
        self.bridge.generic = spec.get("generic", False)
        self.bridge.class_names = spec.get("class_names", False)
        self.bridge.any_parameters = spec.get("any_parameters", False)
        self.bridge.service = self.room.slice(spec.get("service", ""))
        self.bridge.method = self.room.slice(spec.get("method", ""))
        self.bridge.version = self.room.slice(spec.get("version", ""))
        self.bridge.group = self.room.slice(spec.get("group", ""))
        self.bridge.descriptors = self.room.slice(spec.get("descriptors", ""))
        self.bridge.max_response = spec.get("max_response_bytes", 1 << 20)
        self.bridge.parameters = self.parameters
        self.bridge.forwarded = self.forwarded
        for i, parameter in enumerate(spec.get("parameters", ())):
            self.parameters[i].name = self.room.slice(parameter.get("name", ""))
            self.parameters[i].type = self.room.type(parameter)
            self.bridge.parameter_count = i + 1
        for i, header in enumerate(spec.get("forward_headers", ())):
            self.forwarded[i] = self.room.slice(header)
            self.bridge.forwarded_count = i + 1

    def request(self, bytes path not None, bytes body=b"", *, list headers=None, int timeout_ms=0):
        """The frame; raises Refused(status, why)."""
        cdef _Room room = _Room()
        cdef BridgeCall call
        cdef Head head
        memset(&call, 0, sizeof(call))
        head_init(&head, &room.arena)
        head.path = room.slice(path)
        for name, value in headers or ():
            room.kept += [name, value]
            head_add(&head, header_id(<bytes>name, len(name)), <bytes>name, len(name), <bytes>value, len(value))
        call.bridge = &self.bridge
        call.arena = &room.arena
        call.head = &head
        call.body = room.exact(body)
        call.timeout_ms = timeout_ms
        if bridge_request(&call, &room.pool, &room.out) < 0:
            raise Refused(call.status, call.why.p[:call.why.n].decode())
        return room.taken()

    def answer(self, bytes data not None):
        """(status, JSON) of a response frame."""
        cdef _Room room = _Room()
        cdef Slice text = room.exact(data)
        cdef Frame frame
        cdef Head head
        cdef int status
        head_init(&head, &room.arena)
        if self.bridge.codec.parse(self.bridge.codec, text.p, text.n, &self.limits, &frame) != text.n:
            raise ValueError("not one frame")
        if self.bridge.codec.read_head(self.bridge.codec, text.p, &frame, &self.limits, &head) < 0:
            raise ValueError("its headers cannot be read")
        status = bridge_answer(&self.bridge, text.p, &frame, &head, &room.arena, &room.pool, &room.out)
        return status, room.taken()
