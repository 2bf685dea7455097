"""A Python face of memory.pyx for its tests."""

from libc.stdint cimport uintptr_t
from libc.string cimport memset

from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, arena_alloc, arena_copy, arena_init, arena_release, buf_append, buf_consume, buf_len,
    buf_release, buf_reserve, pool_free_all, pool_init, slice_equal, slice_is, slice_is_lower, slice_of,
)


cdef class Pool:
    """A block pool; arenas and queues are made from one."""

    cdef BlockPool pool

    def __cinit__(self):
        pool_init(&self.pool)

    def __dealloc__(self):
        pool_free_all(&self.pool)

    @property
    def in_use(self) -> int:
        return self.pool.in_use

    @property
    def kept(self) -> tuple:
        """Free blocks of 4, 16 and 64 KiB."""
        return self.pool.kept_small, self.pool.kept_medium, self.pool.kept_large

    def free_all(self) -> None:
        pool_free_all(&self.pool)


cdef class ArenaFace:
    cdef Pool pool
    cdef Arena arena

    def __cinit__(self, Pool pool):
        self.pool = pool
        arena_init(&self.arena, &pool.pool)

    def __dealloc__(self):
        arena_release(&self.arena)

    @property
    def total(self) -> int:
        return self.arena.total

    def alloc(self, size_t n) -> int:
        """The address of n bytes that were all written once; MemoryError."""
        cdef char *memory = <char *>arena_alloc(&self.arena, n)
        if memory == NULL:
            raise MemoryError
        memset(memory, 0xA5, n)
        return <uintptr_t>memory

    def copy(self, bytes text) -> bytes:
        cdef char *memory = arena_copy(&self.arena, text, len(text))
        if memory == NULL:
            raise MemoryError
        return memory[:len(text)]

    def release(self) -> None:
        arena_release(&self.arena)


cdef class Queue:
    """A Buf."""

    cdef Pool pool
    cdef Buf buf

    def __cinit__(self, Pool pool):
        self.pool = pool

    def __dealloc__(self):
        buf_release(&self.pool.pool, &self.buf)

    def __len__(self) -> int:
        return buf_len(&self.buf)

    def __bytes__(self) -> bytes:
        return self.buf.data[self.buf.start:self.buf.end] if self.buf.data != NULL else b""

    @property
    def capacity(self) -> int:
        return self.buf.capacity

    @property
    def room(self) -> int:
        return self.buf.capacity - self.buf.end

    def append(self, bytes text) -> None:
        if buf_append(&self.pool.pool, &self.buf, text, len(text)) < 0:
            raise MemoryError

    def reserve(self, size_t n) -> None:
        if buf_reserve(&self.pool.pool, &self.buf, n) < 0:
            raise MemoryError

    def consume(self, size_t n) -> None:
        buf_consume(&self.pool.pool, &self.buf, n)

    def release(self) -> None:
        buf_release(&self.pool.pool, &self.buf)


def equal(bytes a, bytes b) -> bool:
    return slice_equal(slice_of(a, len(a)), slice_of(b, len(b)))


def is_literal(bytes a, bytes literal) -> bool:
    return slice_is(slice_of(a, len(a)), literal)


def is_lower(bytes a, bytes literal) -> bool:
    return slice_is_lower(slice_of(a, len(a)), literal)
