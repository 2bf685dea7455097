"""A Python face of the Dubbo codec for tests, fuzzers and tools; requests in service never come here.

Bytes are handed to the codec in malloc'd blocks of exactly their size, so a sanitizer sees one byte too far.
"""

from libc.stdint cimport int64_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from mosn._fastpath.codec.dubbo cimport dubbo_codec
from mosn._fastpath.codec.dubbo_body cimport dubbo_parameters
from mosn._fastpath.codec.dubbo_head cimport dubbo_read_attachments, dubbo_read_service
from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits
from mosn._fastpath.head cimport Head, Header, head_add, head_find, head_init, head_remove_name, header_id
from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, arena_copy, arena_init, arena_release, buf_release, pool_free_all, pool_init, slice_of,
)

from typing import NamedTuple

# In the order of FrameKind and FrameError.
KINDS = ("", "request", "oneway", "response", "heartbeat", "heartbeat_answer", "goaway", "event")
ERRORS = ("OK", "NOT_THE_PROTOCOL", "TOO_LARGE", "BAD_LENGTH", "BAD_HEADERS", "BAD_CHECKSUM")

cdef const FrameCodec *CODEC = dubbo_codec()


class Parsed(NamedTuple):
    """What the fixed part says; `value` is DubboValue of a response, or 255."""

    kind: str
    id: int
    length: int
    timeout_ms: int
    status: int
    code: int
    serialization: int
    value: int


class Read(NamedTuple):
    """A head; `own` says how many of the headers, from the last, are the frame's own."""

    authority: bytes
    path: bytes
    headers: tuple
    own: int
    timeout_ms: int


class Refused(ValueError):
    """An error of FrameError, by name."""


cdef class Work:
    # One frame and what is made of it.
    cdef BlockPool pool
    cdef Arena arena
    cdef Head head
    cdef Frame frame
    cdef Buf out
    cdef FrameLimits limits
    cdef char *copy
    cdef const char *p
    cdef size_t n

    def __cinit__(self, bytes data=b"", *, uintptr_t address=0, size_t size=0, uint32_t frame_bytes=0x7fffffff,
                  uint32_t headers=256):
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        head_init(&self.head, &self.arena)
        memset(&self.frame, 0, sizeof(Frame))
        memset(&self.out, 0, sizeof(Buf))
        self.limits.frame_bytes = frame_bytes
        self.limits.headers = headers
        self.n = size if address else len(data)
        if not address:
            self.copy = <char *>malloc(self.n)
            memcpy(self.copy, <const char *>data, self.n)
        self.p = <const char *>address if address else <const char *>self.copy

    def __dealloc__(self):
        free(self.copy)
        buf_release(&self.pool, &self.out)
        arena_release(&self.arena)
        pool_free_all(&self.pool)

    cdef int64_t parse(self) except -1:
        cdef int64_t used = CODEC.parse(CODEC, self.p, self.n, &self.limits, &self.frame)
        if used < 0:
            raise Refused(ERRORS[self.frame.error])
        return used

    cdef int read(self, bint service) except -1:
        if self.parse() == 0:
            raise ValueError("not a whole frame")
        if (dubbo_read_service if service else CODEC.read_head)(CODEC, self.p, &self.frame, &self.limits,
                                                                &self.head) < 0:
            raise Refused(ERRORS[self.frame.error])
        return 0

    cdef int add(self, bytes name, bytes value) except -1:
        head_add(&self.head, header_id(name, len(name)), arena_copy(&self.arena, name, len(name)), len(name),
                 arena_copy(&self.arena, value, len(value)), len(value))
        return 0

    cdef int change(self, bytes name, bytes value) except -1:
        cdef Header *item = head_find(&self.head, name, len(name))
        if item == NULL:
            raise KeyError(name)
        item.value = arena_copy(&self.arena, value, len(value))
        item.value_len = len(value)
        return 0

    cdef bytes taken(self, int result):
        if result < 0:
            raise MemoryError
        text = self.out.data[self.out.start:self.out.end]
        buf_release(&self.pool, &self.out)
        return text


cdef object _parsed(Work w):
    cdef Frame *f = &w.frame
    if w.parse() == 0:
        return f.length
    return Parsed(KINDS[f.kind], f.id, f.length, f.timeout_ms, f.status, f.code, f.serialization, f.version)


def parse(bytes data, *, uint32_t frame_bytes=8388624):
    """The facts; while bytes are missing, the length of the frame or 0.  Raises Refused."""
    return _parsed(Work(data, frame_bytes=frame_bytes))


def parse_at(uintptr_t address, size_t size, *, uint32_t frame_bytes=8388624):
    return _parsed(Work(address=address, size=size, frame_bytes=frame_bytes))


cdef object _read(Work w):
    cdef Header *item
    cdef uint32_t i
    headers = []
    for i in range(w.head.count):
        item = &w.head.items[i]
        if not item.removed:
            headers.append((item.name[:item.name_len], item.value[:item.value_len]))
    return Read(w.head.authority.p[:w.head.authority.n], w.head.path.p[:w.head.path.n], tuple(headers),
                w.frame.header_count, w.frame.timeout_ms)


def read(bytes data, *, uint32_t headers=256, bint service=False, bint steps=False):
    """The head of a whole frame: all of it, without attachments (service), or one after the other (steps)."""
    cdef Work w = Work(data, headers=headers)
    w.read(service or steps)
    if steps and dubbo_read_attachments(w.p, &w.frame, &w.limits, &w.head) < 0:
        raise Refused(ERRORS[w.frame.error])
    return _read(w)


def read_at(uintptr_t address, size_t size, *, uint32_t headers=256):
    cdef Work w = Work(address=address, size=size, headers=headers)
    w.read(False)
    return _read(w)


def bytes_held(bytes data):
    """Bytes of memory that reading the head took, whether it could be read or not."""
    cdef Work w = Work(data)
    try:
        w.read(False)
    except Refused:
        pass
    return w.pool.in_use


def patch(bytes data, uint64_t id):
    cdef Work w = Work(data)
    w.parse()
    CODEC.patch(CODEC, w.copy, &w.frame, id, -1)
    return w.copy[:w.n]


def calls_back(bytes data):
    cdef Work w = Work(data)
    w.parse()
    return bool(CODEC.calls_back(CODEC, w.p, &w.frame))


def write(bytes data, *, uint64_t id=0, set=(), remove=(), add=(), bint service=False, int timeout_ms=-1):
    """Whether the codec calls the head changed, and the frame that it makes of it."""
    cdef Work w = Work(data)
    w.read(service)
    if timeout_ms >= 0:
        CODEC.set_timeout(CODEC, &w.frame, &w.head, timeout_ms)
    for name, value in set:
        w.change(name, value)
    for name in remove:
        head_remove_name(&w.head, name, len(name))
    for name, value in add:
        w.add(name, value)
    changed = CODEC.changed(CODEC, w.p, &w.frame, &w.head)
    return bool(changed), w.taken(CODEC.write(CODEC, &w.pool, &w.out, w.p, &w.frame, &w.head, id, -1))


def heartbeat(bytes like, uint64_t id):
    cdef Work w = Work(like)
    w.parse()
    return w.taken(CODEC.heartbeat(CODEC, &w.pool, &w.out, &w.frame, id))


def heartbeat_answer(bytes request):
    cdef Work w = Work(request)
    w.parse()
    return w.taken(CODEC.heartbeat_answer(CODEC, &w.pool, &w.out, &w.frame))


def reply(bytes request, uint32_t code, bytes text):
    cdef Work w = Work(request)
    w.parse()
    return w.taken(CODEC.reply(CODEC, &w.pool, &w.out, w.p, &w.frame, code, slice_of(text, len(text))))


def goaway(bytes like):
    cdef Work w = Work(like)
    w.parse()
    return w.taken(CODEC.goaway(CODEC, &w.pool, &w.out, &w.frame))


def parameters(bytes types):
    return dubbo_parameters(slice_of(types, len(types)))


# -- timing

cdef uint64_t _now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <uint64_t>t.tv_sec * 1000000000 + <uint64_t>t.tv_nsec


cdef int _read_once(Work w, bint service) noexcept nogil:
    cdef int done
    arena_init(&w.arena, &w.pool)
    head_init(&w.head, &w.arena)
    if CODEC.parse(CODEC, w.p, w.n, &w.limits, &w.frame) <= 0:
        return -1
    if service:
        done = dubbo_read_service(CODEC, w.p, &w.frame, &w.limits, &w.head)
    else:
        done = CODEC.read_head(CODEC, w.p, &w.frame, &w.limits, &w.head)
    arena_release(&w.arena)
    return done


def time_read(bytes data, uint32_t rounds, *, bint service=False):
    """Nanoseconds to parse and read this frame, with taking and giving back its arena."""
    cdef Work w = Work(data)
    cdef uint32_t _i
    cdef int done = 0
    cdef uint64_t start = _now()
    with nogil:
        for _i in range(rounds):
            done |= _read_once(w, service)
    start = _now() - start
    if done < 0:
        raise Refused
    return start / <double>rounds


def time_write(bytes data, uint32_t rounds):
    """Nanoseconds to write this frame with one attachment more."""
    cdef Work w = Work(data)
    cdef uint32_t _i
    cdef int done = 0
    cdef uint64_t start
    w.read(False)
    w.add(b"x-request-id", b"7f9c24e8-3b12-4c5e-9f0a-1d2e3f4a5b6c")
    start = _now()
    with nogil:
        for _i in range(rounds):
            done |= CODEC.write(CODEC, &w.pool, &w.out, w.p, &w.frame, &w.head, 1, -1)
            w.out.end = 0
    start = _now() - start
    if done < 0:
        raise Refused
    return start / <double>rounds
