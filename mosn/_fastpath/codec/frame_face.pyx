"""Python face of the codecs of RPC protocols, for tests and tools (see frame_face.pyi)."""

from typing import NamedTuple

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from mosn._fastpath.codec.declared_make cimport declared_codec
from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits
from mosn._fastpath.codec.frames cimport frame_codec
from mosn._fastpath.head cimport Head, head_add, head_init, head_remove_name, header_id
from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, Slice, arena_copy, arena_init, arena_release, buf_append, buf_len, buf_release,
    pool_free_all, pool_init,
)

KINDS = ("", "request", "oneway", "response", "heartbeat", "heartbeat_answer", "goaway", "event")
ERRORS = ("", "not_the_protocol", "too_large", "bad_length", "bad_headers", "bad_checksum")


class FrameEvent(NamedTuple):
    kind: str
    id: int
    length: int
    timeout_ms: int
    status: int
    code: int
    authority: bytes
    path: bytes
    headers: tuple
    body: bytes
    made_up: int


cdef bytes taken(Slice text):
    return text.p[:text.n] if text.n else b""


cdef class Frames:
    cdef const FrameCodec *codec
    cdef FrameLimits limits
    cdef BlockPool pool
    cdef bytes rest
    cdef readonly str error

    def __cinit__(self, protocol not None, uint32_t frame_bytes=1 << 24, uint32_t headers=256,
                  uint32_t skip=0):
        cdef bytes name
        pool_init(&self.pool)
        if isinstance(protocol, dict):
            self.codec = declared_codec(protocol)
        else:
            name = protocol.encode()
            self.codec = frame_codec(name, len(name))
        if self.codec == NULL:
            raise ValueError(f"unknown protocol {protocol!r}")
        self.limits.frame_bytes = frame_bytes
        self.limits.headers = headers
        self.limits.skip = skip
        self.rest = b""
        self.error = ""

    def __dealloc__(self):
        pool_free_all(&self.pool)

    def feed(self, bytes data not None):
        cdef list events = []
        cdef bytes all = self.rest + data
        cdef int64_t used = 0
        cdef size_t at = 0
        cdef Frame frame
        if self.error:
            return events
        while at < <size_t>len(all):
            used = self.parse_one(<const char *>all + at, len(all) - at, &frame)
            if used > 0:
                event = self.event(<const char *>all + at, &frame)
                if event is None:
                    used = -1
                else:
                    events.append(event)
            if used <= 0:
                break
            at += used
        if used < 0:
            self.error = ERRORS[frame.error]
            events.append(("error", self.error))
        self.rest = all[at:]
        return events

    cdef int64_t parse_one(self, const char *p, size_t n, Frame *frame) except? -2:
        # From memory of exactly this size, so that a sanitizer sees a byte too far.
        cdef char *copy = <char *>malloc(n if n else 1)
        cdef int64_t used
        if copy == NULL:
            raise MemoryError
        memcpy(copy, p, n)
        used = self.codec.parse(self.codec, copy, n, &self.limits, frame)
        free(copy)
        return used

    cdef object event(self, const char *p, Frame *frame):
        cdef Arena arena
        cdef Head head
        cdef char *copy
        cdef uint32_t i
        arena_init(&arena, &self.pool)
        try:
            head_init(&head, &arena)
            copy = arena_copy(&arena, p, frame.length)
            if self.codec.read_head(self.codec, copy, frame, &self.limits, &head) < 0:
                return None
            headers = tuple(
                (head.items[i].name[:head.items[i].name_len], head.items[i].value[:head.items[i].value_len])
                for i in range(head.count))
            return FrameEvent(
                KINDS[frame.kind], frame.id, frame.length, frame.timeout_ms, frame.status, frame.code,
                taken(head.authority), taken(head.path), headers,
                copy[frame.head_length:frame.body_end], frame.first_header)
        finally:
            arena_release(&arena)

    cdef bytes out(self, Buf *made, int said):
        cdef bytes result = made.data[made.start:made.end] if buf_len(made) else b""
        buf_release(&self.pool, made)
        if said < 0:
            raise ValueError("it does not fit the protocol")
        return result

    cdef int one(self, bytes data, Frame *frame) except -1:
        if self.codec.parse(self.codec, data, len(data), &self.limits, frame) != len(data):
            raise ValueError("not one frame")
        return 0

    def rewrite(self, bytes data not None, uint64_t id, int timeout_ms=-1, add=(), remove=()):
        cdef Frame frame
        cdef Arena arena
        cdef Head head
        cdef Buf made = Buf(NULL, 0, 0, 0)
        cdef char *copy
        cdef int said = 0
        self.one(data, &frame)
        arena_init(&arena, &self.pool)
        try:
            head_init(&head, &arena)
            copy = arena_copy(&arena, data, frame.length)
            if self.codec.read_head(self.codec, copy, &frame, &self.limits, &head) < 0:
                raise ValueError("its headers cannot be read")
            for name in remove:
                head_remove_name(&head, name, len(name))
            for name, value in add:
                head_add(&head, header_id(name, len(name)), name, len(name), value, len(value))
            if self.codec.changed(self.codec, copy, &frame, &head):
                said = self.codec.write(self.codec, &self.pool, &made, copy, &frame, &head, id, timeout_ms)
            else:
                self.codec.patch(self.codec, copy, &frame, id, timeout_ms)
                said = buf_append(&self.pool, &made, copy, frame.length)
            return self.out(&made, said)
        finally:
            arena_release(&arena)

    def heartbeat(self, bytes like not None, uint64_t id):
        cdef Frame frame
        cdef Buf made = Buf(NULL, 0, 0, 0)
        self.one(like, &frame)
        return self.out(&made, self.codec.heartbeat(self.codec, &self.pool, &made, &frame, id))

    def heartbeat_answer(self, bytes request not None):
        cdef Frame frame
        cdef Buf made = Buf(NULL, 0, 0, 0)
        self.one(request, &frame)
        return self.out(&made, self.codec.heartbeat_answer(self.codec, &self.pool, &made, &frame))

    def reply(self, bytes request not None, uint32_t code, bytes text not None):
        cdef Frame frame
        cdef Buf made = Buf(NULL, 0, 0, 0)
        cdef Slice words
        words.p = text
        words.n = len(text)
        self.one(request, &frame)
        return self.out(&made, self.codec.reply(self.codec, &self.pool, &made, request, &frame, code, words))
