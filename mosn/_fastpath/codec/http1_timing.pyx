"""Timing of the HTTP/1.1 codec without Python objects in between, for bench/micro and the tests of its bounds."""

from libc.stdint cimport int64_t, uint32_t, uint64_t
from libc.string cimport memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from mosn._fastpath.codec.http1 cimport (
    H1_BODY_CHUNKED, H1BodyDecoder, H1HeadParser, H1Limits, h1_body_feed, h1_parse_request, h1_parse_response,
    h1_write_request, h1_write_response,
)
from mosn._fastpath.codec.http1_face cimport Message
from mosn._fastpath.head cimport Head, head_init
from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, Slice, arena_init, arena_release, pool_free_all, pool_init,
)


cdef H1Limits _limits() noexcept nogil:
    cdef H1Limits limits
    limits.head_bytes = 61440
    limits.headers = 100
    limits.chunk_line_bytes = 4096
    limits.trailer_bytes = 8192
    limits.allow_http10 = True
    return limits


cdef uint64_t _now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <uint64_t>t.tv_sec * 1000000000 + <uint64_t>t.tv_nsec


cdef int64_t _parse_once(const char *p, size_t n, bint response, const H1Limits *limits,
                         BlockPool *pool) noexcept nogil:
    cdef H1HeadParser parser
    cdef Arena arena
    cdef Head head
    cdef int64_t used
    memset(&parser, 0, sizeof(parser))
    arena_init(&arena, pool)
    head_init(&head, &arena)
    used = h1_parse_response(&parser, p, n, limits, &head) if response else \
        h1_parse_request(&parser, p, n, limits, &head)
    arena_release(&arena)
    return used


def time_parse(bytes data, uint32_t rounds, *, bint response=False) -> float:
    """Nanoseconds to parse this head, with taking and giving back its arena."""
    cdef H1Limits limits = _limits()
    cdef BlockPool pool
    cdef const char *p = data
    cdef size_t n = len(data)
    cdef uint32_t _i
    cdef int64_t used = 0
    cdef uint64_t start
    pool_init(&pool)
    start = _now()
    with nogil:
        for _i in range(rounds):
            used += _parse_once(p, n, response, &limits, &pool)
    start = _now() - start
    pool_free_all(&pool)
    if used != <int64_t>n * rounds:
        raise ValueError("not one whole head")
    return start / <double>rounds


cdef int64_t _decode_once(const char *p, size_t n, const H1Limits *limits, BlockPool *pool,
                          Buf *scratch) noexcept nogil:
    cdef H1BodyDecoder body
    cdef Slice data
    cdef int64_t total = 0
    cdef int64_t used
    cdef size_t at = 0
    memset(&body, 0, sizeof(body))
    body.kind = H1_BODY_CHUNKED
    while at < n and not body.done:
        used = h1_body_feed(&body, p + at, n - at, limits, &data, NULL, pool, scratch)
        if used < 0:
            return -1
        at += <size_t>used
        total += data.n
    return total if body.done else -1


def time_chunks(bytes data, uint32_t rounds) -> float:
    """Nanoseconds to decode this chunked body."""
    cdef H1Limits limits = _limits()
    cdef BlockPool pool
    cdef Buf scratch
    cdef const char *p = data
    cdef size_t n = len(data)
    cdef uint32_t _i
    cdef int64_t total = 0
    cdef uint64_t start
    memset(&scratch, 0, sizeof(Buf))
    pool_init(&pool)
    start = _now()
    with nogil:
        for _i in range(rounds):
            total += _decode_once(p, n, &limits, &pool, &scratch)
    start = _now() - start
    pool_free_all(&pool)
    if total < 0:
        raise ValueError("not one whole chunked body")
    return start / <double>rounds


def time_write(Message message, uint32_t rounds, *, bint response=False) -> float:
    """Nanoseconds to write this head."""
    cdef uint32_t _i
    cdef uint64_t start = _now()
    with nogil:
        for _i in range(rounds):
            if response:
                h1_write_response(&message.head, False, False, &message.pool, &message.out)
            else:
                h1_write_request(&message.head, False, &message.pool, &message.out)
            message.out.end = 0
    return (_now() - start) / <double>rounds


def time_dribble(bytes data, size_t step) -> float:
    """Nanoseconds to parse this request head when it arrives in pieces of `step` bytes."""
    cdef H1Limits limits = _limits()
    cdef H1HeadParser parser
    cdef BlockPool pool
    cdef Arena arena
    cdef Head head
    cdef const char *p = data
    cdef size_t n = len(data)
    cdef size_t there = 0
    cdef int64_t used = 0
    cdef uint64_t start
    memset(&parser, 0, sizeof(parser))
    pool_init(&pool)
    arena_init(&arena, &pool)
    head_init(&head, &arena)
    start = _now()
    while used == 0 and there < n:
        there = min(there + step, n)
        used = h1_parse_request(&parser, p, there, &limits, &head)
    start = _now() - start
    arena_release(&arena)
    pool_free_all(&pool)
    if used != <int64_t>n:
        raise ValueError("not one whole head")
    return <double>start
