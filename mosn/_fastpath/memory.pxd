# Bytes and the memory that holds them: slices, per-stream arenas, owned byte queues, block pools.
#
# Nothing here is a Python object and nothing here takes the GIL.  One BlockPool belongs to one engine thread.

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t


cdef struct Slice:
    # A borrowed range of bytes; it never owns what it points at.  p may be NULL when n is 0.
    const char *p
    uint32_t n


cdef struct Block:
    Block *next
    uint32_t size           # usable bytes behind this header


cdef struct BlockPool:
    # Free lists of 4 KiB, 16 KiB and 64 KiB blocks (sizes include the header for arenas' blocks).
    Block *free_small
    Block *free_medium
    Block *free_large
    uint32_t kept_small     # blocks in each free list
    uint32_t kept_medium
    uint32_t kept_large
    int64_t in_use          # bytes handed out (gauge for the overload manager and tests)


cdef struct Arena:
    # Bump allocator of one stream.  Everything in it dies with the stream; blocks go back to the pool.
    BlockPool *pool
    Block *blocks           # newest first
    char *next_free
    char *limit
    uint32_t total          # bytes handed out


cdef struct Buf:
    # An owned, contiguous byte queue: bytes [start, end) of data are live.  data is NULL while empty.
    char *data
    uint32_t capacity
    uint32_t start
    uint32_t end


# -- block pool
cdef void pool_init(BlockPool *pool) noexcept nogil
cdef void pool_free_all(BlockPool *pool) noexcept nogil

# -- arena.  arena_alloc returns 8-byte aligned memory, or NULL when the machine is out of memory.
cdef void arena_init(Arena *arena, BlockPool *pool) noexcept nogil
cdef void arena_release(Arena *arena) noexcept nogil
cdef void *arena_grow(Arena *arena, size_t n) noexcept nogil     # only for arena_alloc
cdef inline void *arena_alloc(Arena *arena, size_t n) noexcept nogil:
    cdef char *memory = arena.next_free
    # next_free and limit are multiples of 8: what fits also fits rounded up.
    if n > <size_t>(arena.limit - memory) or memory == NULL:
        return arena_grow(arena, n)
    n = (n + 7) & ~<size_t>7
    arena.next_free = memory + n
    arena.total += <uint32_t>n
    return memory
cdef char *arena_copy(Arena *arena, const char *p, size_t n) noexcept nogil

# -- buf.  Growth doubles; buf_reserve makes room for n more bytes (0, or -1 when out of memory).
cdef int buf_reserve(BlockPool *pool, Buf *b, size_t n) noexcept nogil
cdef int buf_append(BlockPool *pool, Buf *b, const char *p, size_t n) noexcept nogil
cdef void buf_consume(BlockPool *pool, Buf *b, size_t n) noexcept nogil
cdef void buf_release(BlockPool *pool, Buf *b) noexcept nogil

cdef inline uint32_t buf_len(const Buf *b) noexcept nogil:
    return b.end - b.start

cdef inline Slice slice_of(const char *p, size_t n) noexcept nogil:
    cdef Slice s
    s.p = p
    s.n = <uint32_t>n
    return s

# -- comparing.  slice_is compares with a NUL-terminated literal; the _lower forms fold ASCII of the first argument.
cdef bint slice_equal(Slice a, Slice b) noexcept nogil
cdef bint slice_is(Slice a, const char *literal) noexcept nogil
cdef bint slice_is_lower(Slice a, const char *lower_literal) noexcept nogil
