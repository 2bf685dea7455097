"""A Python face of the Hessian 2.0 and JSONB readers and writers for tests, fuzzers and tools.

Bytes are handed over in malloc'd blocks of exactly their size, so a sanitizer sees one byte too far.
"""

from libc.stdint cimport int32_t, int64_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from mosn._fastpath.codec.hessian2 cimport (
    H2_MAX_DEPTH, H2Entry, H2Reader, h2_entry, h2_init, h2_int, h2_long, h2_map, h2_skip, h2_string,
)
from mosn._fastpath.codec.hessian2_sofa cimport h2_sofa_request
from mosn._fastpath.codec.hessian2_string cimport H2_NULL
from mosn._fastpath.codec.hessian2_write cimport h2_put_int, h2_put_rpc_exception, h2_put_string, h2_put_tag
from mosn._fastpath.codec.jsonb cimport (
    jsonb_entry, jsonb_int, jsonb_long, jsonb_object, jsonb_put_string, jsonb_skip, jsonb_string,
)
from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, Slice, arena_init, arena_release, buf_release, pool_free_all, pool_init, slice_of,
)

MAX_DEPTH = H2_MAX_DEPTH


class Malformed(ValueError):
    """The bytes are not what was asked for."""


cdef object _text(bint is_text, Slice s):
    return s.p[:s.n] if is_text else None


cdef class Reader:
    """Reads one value after the other: Reader(data), or Reader(address=..., size=...) for bytes that are kept."""

    cdef BlockPool pool
    cdef Arena arena
    cdef H2Reader r
    cdef const char *start
    cdef char *copy
    cdef bint jsonb

    def __cinit__(self, bytes data=b"", *, uintptr_t address=0, size_t size=0, bint jsonb=False):
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        if not address:
            size = len(data)
            self.copy = <char *>malloc(size)
            memcpy(self.copy, <const char *>data, size)
        self.start = <const char *>address if address else <const char *>self.copy
        self.jsonb = jsonb
        h2_init(&self.r, self.start, size, &self.arena)

    def __dealloc__(self):
        free(self.copy)
        arena_release(&self.arena)
        pool_free_all(&self.pool)

    @property
    def used(self):
        return self.r.c.at - self.start

    @property
    def bytes_held(self):
        return self.pool.in_use

    def skip(self):
        if (jsonb_skip(&self.r.c) if self.jsonb else h2_skip(&self.r)) < 0:
            raise Malformed

    def string(self):
        cdef Slice s
        cdef int found = jsonb_string(&self.r.c, &self.arena, &s) if self.jsonb else h2_string(&self.r, &s)
        if found < 0:
            raise Malformed
        return None if found == H2_NULL else s.p[:s.n]

    def int32(self):
        cdef int32_t value = 0
        if (jsonb_int(&self.r.c, &value) if self.jsonb else h2_int(&self.r, &value)) < 0:
            raise Malformed
        return value

    def int64(self):
        cdef int64_t value = 0
        if (jsonb_long(&self.r.c, &value) if self.jsonb else h2_long(&self.r, &value)) < 0:
            raise Malformed
        return value

    def map(self):
        """The entries; a key or value that is no text is None.  None for null."""
        cdef H2Entry entry
        cdef int found = jsonb_object(&self.r.c) if self.jsonb else h2_map(&self.r)
        entries = []
        if found == H2_NULL:
            return None
        while found >= 0:
            found = jsonb_entry(&self.r.c, &self.arena, &entry) if self.jsonb else h2_entry(&self.r, &entry)
            if found == 0:
                return entries
            if found > 0:
                entries.append((_text(entry.key_is_text, entry.key), _text(entry.value_is_text, entry.value)))
        raise Malformed


def sofa_request(bytes data):
    """Method and service; raises Malformed."""
    cdef BlockPool pool
    cdef Arena arena
    cdef Slice method, service
    cdef char *copy = <char *>malloc(len(data))
    cdef int found
    memcpy(copy, <const char *>data, len(data))
    pool_init(&pool)
    arena_init(&arena, &pool)
    found = h2_sofa_request(copy, len(data), &arena, &method, &service)
    result = (method.p[:method.n], service.p[:service.n]) if found == 0 else None
    arena_release(&arena)
    pool_free_all(&pool)
    free(copy)
    if result is None:
        raise Malformed
    return result


# -- writing

cdef class Written:
    cdef BlockPool pool
    cdef Buf out

    def __cinit__(self):
        pool_init(&self.pool)
        memset(&self.out, 0, sizeof(Buf))

    def __dealloc__(self):
        buf_release(&self.pool, &self.out)
        pool_free_all(&self.pool)

    cdef bytes taken(self, int result):
        if result < 0:
            raise MemoryError
        return self.out.data[self.out.start:self.out.end]


def put_string(bytes text, *, bint jsonb=False):
    cdef Written w = Written()
    cdef Slice s = slice_of(text, len(text))
    return w.taken(jsonb_put_string(&w.pool, &w.out, s) if jsonb else h2_put_string(&w.pool, &w.out, s))


def put_int(int32_t value):
    cdef Written w = Written()
    return w.taken(h2_put_int(&w.pool, &w.out, value))


def put_map(list entries):
    cdef Written w = Written()
    cdef int done = h2_put_tag(&w.pool, &w.out, c"H")
    for entry in entries:
        for text in entry:
            done |= h2_put_string(&w.pool, &w.out, slice_of(<bytes>text, len(text)))
    return w.taken(done | h2_put_tag(&w.pool, &w.out, c"Z"))


def put_rpc_exception(int32_t code, bytes message):
    cdef Written w = Written()
    return w.taken(h2_put_rpc_exception(&w.pool, &w.out, code, slice_of(message, len(message))))


# -- timing

cdef uint64_t _now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <uint64_t>t.tv_sec * 1000000000 + <uint64_t>t.tv_nsec


def time_skip(bytes data, uint32_t rounds, *, bint jsonb=False):
    """Nanoseconds to step over this value."""
    cdef Reader reader = Reader(data, jsonb=jsonb)
    cdef H2Reader r
    cdef uint32_t _i
    cdef int done = 0
    cdef uint64_t start = _now()
    with nogil:
        for _i in range(rounds):
            r = reader.r
            done |= jsonb_skip(&r.c) if jsonb else h2_skip(&r)
            arena_release(&reader.arena)
    start = _now() - start
    if done < 0:
        raise Malformed
    return start / <double>rounds
