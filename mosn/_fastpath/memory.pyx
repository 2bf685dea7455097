"""Block pool, arenas and byte queues (interfaces and ownership rules: memory.pxd)."""

from libc.stdint cimport int64_t, uint32_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcmp, memcpy, memmove, memset, strlen

cdef extern from *:
    """
    #if defined(__SANITIZE_ADDRESS__)
    #define MOSN_SANITIZED 1
    #elif defined(__has_feature)
    #if __has_feature(address_sanitizer)
    #define MOSN_SANITIZED 1
    #endif
    #endif
    #ifndef MOSN_SANITIZED
    #define MOSN_SANITIZED 0
    #endif
    """
    # Under AddressSanitizer every block and every arena allocation is a malloc of its own, so that it sees each edge.
    bint SANITIZED "MOSN_SANITIZED"

cdef enum:
    SMALL = 4096
    MEDIUM = 16384
    LARGE = 65536
    KEEP_SMALL = 1024       # 4 MiB of each kind
    KEEP_MEDIUM = 256
    KEEP_LARGE = 64
    MAX_BYTES = 1 << 30     # of one allocation


# -- block pool

cdef void pool_init(BlockPool *pool) noexcept nogil:
    memset(pool, 0, sizeof(BlockPool))


cdef void _free_list(Block **first) noexcept nogil:
    cdef Block *block
    while first[0] != NULL:
        block = first[0]
        first[0] = block.next
        free(block)


cdef void pool_free_all(BlockPool *pool) noexcept nogil:
    _free_list(&pool.free_small)
    _free_list(&pool.free_medium)
    _free_list(&pool.free_large)
    pool.kept_small = pool.kept_medium = pool.kept_large = 0


cdef inline void *_pop(Block **first, uint32_t *kept, size_t size) noexcept nogil:
    cdef Block *block = first[0]
    if block == NULL:
        return malloc(size)
    first[0] = block.next
    kept[0] -= 1
    return block


cdef inline void _push(Block **first, uint32_t *kept, uint32_t most, void *memory) noexcept nogil:
    cdef Block *block = <Block *>memory
    if SANITIZED or kept[0] >= most:
        free(memory)
        return
    block.next = first[0]
    first[0] = block
    kept[0] += 1


cdef int64_t allocations_left = -1      # -1: no end


def fail_allocations(after: int) -> None:
    """For tests: let `after` more blocks be taken in this process, and none from then on; -1 ends that."""
    global allocations_left
    allocations_left = after


cdef bint _refused() noexcept nogil:
    global allocations_left
    if allocations_left == 0:
        return True
    allocations_left -= 1
    return False


cdef void *_take(BlockPool *pool, size_t size) noexcept nogil:
    # Memory of exactly `size` bytes; the three block sizes come from the free lists.
    cdef void *memory
    if allocations_left >= 0 and _refused():
        return NULL
    if size == SMALL:
        memory = _pop(&pool.free_small, &pool.kept_small, size)
    elif size == MEDIUM:
        memory = _pop(&pool.free_medium, &pool.kept_medium, size)
    elif size == LARGE:
        memory = _pop(&pool.free_large, &pool.kept_large, size)
    else:
        memory = malloc(size)
    if memory != NULL:
        pool.in_use += <int64_t>size
    return memory


cdef void _give(BlockPool *pool, void *memory, size_t size) noexcept nogil:
    pool.in_use -= <int64_t>size
    if size == SMALL:
        _push(&pool.free_small, &pool.kept_small, KEEP_SMALL, memory)
    elif size == MEDIUM:
        _push(&pool.free_medium, &pool.kept_medium, KEEP_MEDIUM, memory)
    elif size == LARGE:
        _push(&pool.free_large, &pool.kept_large, KEEP_LARGE, memory)
    else:
        free(memory)


cdef inline size_t _block_size(size_t need) noexcept nogil:
    if need <= SMALL:
        return SMALL
    if need <= MEDIUM:
        return MEDIUM
    if need <= LARGE:
        return LARGE
    return need


# -- arena

cdef void arena_init(Arena *arena, BlockPool *pool) noexcept nogil:
    memset(arena, 0, sizeof(Arena))
    arena.pool = pool


cdef void arena_release(Arena *arena) noexcept nogil:
    cdef Block *block = arena.blocks
    cdef Block *following
    while block != NULL:
        following = block.next
        _give(arena.pool, block, sizeof(Block) + block.size)
        block = following
    arena_init(arena, arena.pool)


cdef size_t _next_block_size(const Arena *arena, size_t n) noexcept nogil:
    # A stream that needs much gets larger blocks; one large thing gets a block of just its size.
    cdef size_t need = n + sizeof(Block)
    if SANITIZED:
        return need
    if need < SMALL and arena.total >= 4 * SMALL:
        need = MEDIUM
    return _block_size(need)


cdef void *arena_grow(Arena *arena, size_t n) noexcept nogil:
    cdef Block *block
    cdef char *memory
    if n > MAX_BYTES:
        return NULL
    n = (n + 7) & ~<size_t>7 if not SANITIZED else n
    cdef size_t size = _next_block_size(arena, n)
    block = <Block *>_take(arena.pool, size)
    if block == NULL:
        return NULL
    block.size = <uint32_t>(size - sizeof(Block))
    block.next = arena.blocks
    arena.blocks = block
    memory = <char *>block + sizeof(Block)
    arena.total += <uint32_t>n
    # Go on in whichever block has more room left.
    if not SANITIZED and block.size - n > <size_t>(arena.limit - arena.next_free):
        arena.next_free = memory + n
        arena.limit = memory + (block.size & ~<uint32_t>7)
    return memory


cdef char *arena_copy(Arena *arena, const char *p, size_t n) noexcept nogil:
    cdef char *copy = <char *>arena_alloc(arena, n)
    if copy != NULL and n:
        memcpy(copy, p, n)
    return copy


# -- buf

cdef size_t _buf_capacity(size_t need) noexcept nogil:
    cdef size_t size = LARGE
    if need <= LARGE:
        return _block_size(need)
    while size < need:
        size *= 2
    return size


cdef int _buf_move(BlockPool *pool, Buf *b, size_t capacity) noexcept nogil:
    cdef uint32_t live = b.end - b.start
    cdef char *data = <char *>_take(pool, capacity)
    if data == NULL:
        return -1
    if b.data != NULL:
        if live:
            memcpy(data, b.data + b.start, live)
        _give(pool, b.data, b.capacity)
    b.data = data
    b.capacity = <uint32_t>capacity
    b.start = 0
    b.end = live
    return 0


cdef int buf_reserve(BlockPool *pool, Buf *b, size_t n) noexcept nogil:
    cdef size_t live = b.end - b.start
    if <size_t>(b.capacity - b.end) >= n and (b.data != NULL or n == 0):
        return 0
    if n > MAX_BYTES or live + n > MAX_BYTES:
        return -1
    # Sliding down costs `live` bytes; demanding a quarter of it to be free keeps the total linear.
    if live + n <= b.capacity and live <= 4 * <size_t>b.start:
        memmove(b.data, b.data + b.start, live)
        b.start = 0
        b.end = <uint32_t>live
        return 0
    return _buf_move(pool, b, _buf_capacity(live + n if b.capacity == 0 else max(live + n, 2 * <size_t>b.capacity)))


cdef int buf_append(BlockPool *pool, Buf *b, const char *p, size_t n) noexcept nogil:
    if n == 0:
        return 0
    if buf_reserve(pool, b, n) < 0:
        return -1
    memcpy(b.data + b.end, p, n)
    b.end += <uint32_t>n
    return 0


cdef void buf_consume(BlockPool *pool, Buf *b, size_t n) noexcept nogil:
    b.start += <uint32_t>n
    if b.start >= b.end:
        buf_release(pool, b)


cdef void buf_release(BlockPool *pool, Buf *b) noexcept nogil:
    if b.data != NULL:
        _give(pool, b.data, b.capacity)
    memset(b, 0, sizeof(Buf))


# -- comparing

cdef bint slice_equal(Slice a, Slice b) noexcept nogil:
    return a.n == b.n and (a.n == 0 or memcmp(a.p, b.p, a.n) == 0)


cdef bint slice_is(Slice a, const char *literal) noexcept nogil:
    return a.n == strlen(literal) and (a.n == 0 or memcmp(a.p, literal, a.n) == 0)


cdef bint slice_is_lower(Slice a, const char *lower_literal) noexcept nogil:
    cdef uint32_t i
    cdef unsigned char c
    for i in range(a.n):
        c = <unsigned char>a.p[i]
        if 65 <= c <= 90:
            c += 32
        # A NUL in the literal is its end; a NUL in `a` must not match it.
        if lower_literal[i] == 0 or c != <unsigned char>lower_literal[i]:
            return False
    return lower_literal[a.n] == 0
