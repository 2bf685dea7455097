"""A Python face of the HTTP/1.1 codec for tests, fuzzers and tools; requests in service never come here.

Bytes are handed to the codec in malloc'd blocks of exactly their size, so a sanitizer sees one byte too far.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset
from posix.time cimport CLOCK_MONOTONIC, clock_gettime, timespec

from mosn._fastpath.codec.http1 cimport (
    H1_BODY_UNTIL_CLOSE,
    H1_ERROR_COUNT,
    H1BodyDecoder,
    H1HeadParser,
    H1Limits,
    h1_body_feed,
    h1_chunk_head,
    h1_error_text,
    h1_head_reset,
    h1_parse_request,
    h1_parse_response,
    h1_reason,
    h1_request_body,
    h1_response_body,
    h1_strip_hop_by_hop,
    h1_write_request,
    h1_write_response,
    h1_write_trailers,
)
from mosn._fastpath.head cimport H_HOST, Head, Header, head_add, head_init, header_id, header_name, method_id
from mosn._fastpath.memory cimport (
    Arena,
    BlockPool,
    Buf,
    Slice,
    arena_copy,
    arena_init,
    arena_release,
    buf_append,
    buf_release,
    pool_free_all,
    pool_init,
    slice_of,
)

from typing import NamedTuple

# In the order of H1Error, HeadFlag's bits and H1BodyKind.
ERRORS = (
    "OK", "BAD_LINE_END", "BAD_METHOD", "BAD_TARGET", "BAD_VERSION", "BAD_HEADER_NAME", "BAD_HEADER_VALUE", "OBS_FOLD",
    "BAD_CONTENT_LENGTH", "CONFLICTING_LENGTH", "BAD_TRANSFER_ENCODING", "BAD_HOST", "HEAD_TOO_LARGE",
    "TOO_MANY_HEADERS", "TARGET_TOO_LONG", "BAD_STATUS", "BAD_CHUNK_SIZE", "BAD_CHUNK_EXTENSION", "BAD_CHUNK_END",
    "BAD_TRAILER", "HTTP10_REFUSED", "OUT_OF_MEMORY",
)
FLAGS = ("chunked", "close", "upgrade", "expect_continue", "keep_alive", "absolute_form", "http10", "no_body")
BODIES = ("none", "length", "chunked", "until_close", "tunnel")


class HeadEvent(NamedTuple):
    """A finished head.  Requests have status 0; `body` is one of BODIES."""

    method: bytes
    scheme: bytes
    authority: bytes
    path: bytes
    upgrade: bytes
    status: int
    headers: list[tuple[bytes, bytes]]
    content_length: int
    flags: tuple[str, ...]
    body: str


cdef bytes _bytes(Slice s):
    return s.p[:s.n] if s.n else b""


cdef list _items(const Head *head):
    cdef list out = []
    cdef uint32_t i
    for i in range(head.count):
        if not head.items[i].removed:
            out.append((head.items[i].name[:head.items[i].name_len], head.items[i].value[:head.items[i].value_len]))
    return out


cdef object _head_event(const Head *head, uint8_t body):
    flags = tuple(name for bit, name in enumerate(FLAGS) if head.flags >> bit & 1)
    return HeadEvent(_bytes(head.method), _bytes(head.scheme), _bytes(head.authority), _bytes(head.path),
                     _bytes(head.upgrade), head.status, _items(head), head.content_length, flags, BODIES[body])


cdef class Parser:
    """feed(bytes) -> events: HeadEvent, ("data", bytes), ("trailers", items), ("end",), ("error", name of H1Error).

    After an error nothing follows.  After a message the next one may start.  Responses: `methods` are the methods of
    the requests in order (GET once they are used up); an interim answer (1xx but 101) uses up none.
    """

    cdef BlockPool pool
    cdef Arena arena
    cdef H1HeadParser head_parser
    cdef H1BodyDecoder body
    cdef H1Limits limits
    cdef Buf scratch
    cdef bytes pending
    cdef bint request
    cdef bint in_body
    cdef list methods
    cdef readonly str error

    def __cinit__(self, *, bint response=False, uint32_t head_bytes=61440, uint32_t headers=100,
                  uint32_t chunk_line_bytes=4096, uint32_t trailer_bytes=8192, bint allow_http10=True, methods=()):
        assert len(ERRORS) == H1_ERROR_COUNT
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        self.limits.head_bytes = head_bytes
        self.limits.headers = headers
        self.limits.chunk_line_bytes = chunk_line_bytes
        self.limits.trailer_bytes = trailer_bytes
        self.limits.allow_http10 = allow_http10
        self.request = not response
        self.methods = list(methods)
        self.pending = b""
        self.error = ""

    def __dealloc__(self):
        buf_release(&self.pool, &self.scratch)
        arena_release(&self.arena)
        pool_free_all(&self.pool)

    @property
    def bytes_held(self) -> int:
        """Memory that the codec has taken, without the bytes of an unfinished head."""
        return self.pool.in_use

    @property
    def pending_bytes(self) -> int:
        return len(self.pending)

    def feed(self, data: bytes) -> list:
        cdef bytes whole = self.pending + data
        cdef size_t n = len(whole)
        cdef char *block = <char *>malloc(n)
        cdef size_t used
        cdef list events = []
        memcpy(block, <const char *>whole, n)
        try:
            used = self._run(block, n, events)
        finally:
            free(block)
        self.pending = whole[used:]
        return events

    def feed_at(self, address: int, size: int) -> list:
        """Read the bytes where they stand (once; nothing is kept of an unfinished head)."""
        cdef list events = []
        self._run(<const char *><uintptr_t>address, size, events)
        return events

    cdef size_t _run(self, const char *p, size_t n, list events) except? 0:
        cdef size_t used = 0
        cdef int64_t step = 1
        while step > 0 and not self.error:
            step = self._body(p + used, n - used, events) if self.in_body else self._head(p + used, n - used, events)
            if step < 0:
                self.error = ERRORS[self.body.error if self.in_body else self.head_parser.error]
                events.append(("error", self.error))
            else:
                used += <size_t>step
        return used

    cdef int64_t _head(self, const char *p, size_t n, list events) except? -1:
        cdef Head head
        cdef int64_t used
        if n == 0:
            return 0
        head_init(&head, &self.arena)
        if self.request:
            used = h1_parse_request(&self.head_parser, p, n, &self.limits, &head)
        else:
            used = h1_parse_response(&self.head_parser, p, n, &self.limits, &head)
        if used > 0:
            self._start_body(&head)
            events.append(_head_event(&head, self.body.kind))
            if self.body.done:
                self._end(NULL, events)
        if used != 0 or self.head_parser.scanned == 0:
            arena_release(&self.arena)
        return used

    cdef int _start_body(self, const Head *head) except -1:
        cdef bytes method
        if self.request:
            h1_request_body(head, &self.body)
        else:
            method = self.methods[0] if self.methods else b"GET"
            if self.methods and (head.status >= 200 or head.status == 101):
                self.methods.pop(0)
            h1_response_body(head, method_id(method, len(method)), &self.body)
        self.in_body = True
        return 0

    cdef int _end(self, const Head *trailers, list events) except -1:
        if trailers != NULL and trailers.count:
            events.append(("trailers", _items(trailers)))
        events.append(("end",))
        self.in_body = False
        return 0

    cdef Head *_trailers(self) except NULL:
        # The head of this message's trailers lives in the arena until the message is over.
        cdef Head fresh
        if self.arena.blocks == NULL:
            head_init(&fresh, &self.arena)
            return <Head *>arena_copy(&self.arena, <const char *>&fresh, sizeof(Head))
        raise AssertionError("an arena is in use")

    cdef Head *trailers

    cdef int64_t _body(self, const char *p, size_t n, list events) except? -1:
        cdef Slice data
        cdef int64_t used
        if n == 0:
            return 0
        if self.trailers == NULL:
            self.trailers = self._trailers()
        used = h1_body_feed(&self.body, p, n, &self.limits, &data, self.trailers, &self.pool, &self.scratch)
        if used < 0:
            return used
        if data.n:
            events.append(("data", data.p[:data.n]))
        if self.body.done:
            self._end(self.trailers, events)
            self.trailers = NULL
            arena_release(&self.arena)
        return used

    def close(self) -> list:
        """The peer has closed: the end of a body without a length, or ("incomplete",) inside a message."""
        cdef list events = []
        if self.in_body and self.body.kind == H1_BODY_UNTIL_CLOSE:
            self._end(NULL, events)
        elif not self.error and (self.in_body or self.pending):
            events.append(("incomplete",))
        return events


# -- writing

cdef class Message:
    """A head to be changed and written: Message(headers, method=..., path=..., authority=..., status=...)."""

    cdef BlockPool pool
    cdef Arena arena
    cdef Head head
    cdef Buf out

    def __cinit__(self, headers, *, bytes method=b"", bytes path=b"", bytes authority=b"", uint16_t status=0):
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        head_init(&self.head, &self.arena)
        self.head.method = self._keep(method)
        self.head.method_id = method_id(self.head.method.p, len(method))
        self.head.path = self._keep(path)
        self.head.authority = self._keep(authority)
        self.head.status = status
        for name, value in headers:
            self._add(self._keep(name), self._keep(value))

    def __dealloc__(self):
        buf_release(&self.pool, &self.out)
        arena_release(&self.arena)
        pool_free_all(&self.pool)

    cdef int _add(self, Slice name, Slice value) except -1:
        if head_add(&self.head, header_id(name.p, name.n), name.p, name.n, value.p, value.n) == NULL:
            raise MemoryError
        return 0

    cdef Slice _keep(self, bytes text):
        return slice_of(arena_copy(&self.arena, text, len(text)), len(text))

    cdef bytes _taken(self, int result):
        if result < 0:
            raise MemoryError
        text = self.out.data[self.out.start:self.out.end]
        buf_release(&self.pool, &self.out)
        return text

    @property
    def headers(self) -> list:
        return _items(&self.head)

    def strip_hop_by_hop(self) -> bool:
        """False when it was refused."""
        return h1_strip_hop_by_hop(&self.head) == 0

    def request(self, *, bint proper_case=False) -> bytes:
        return self._taken(h1_write_request(&self.head, proper_case, &self.pool, &self.out))

    def response(self, *, bint http10=False, bint proper_case=False) -> bytes:
        return self._taken(h1_write_response(&self.head, http10, proper_case, &self.pool, &self.out))

    def trailers(self, *, bint proper_case=False) -> bytes:
        return self._taken(h1_write_trailers(&self.head, proper_case, &self.pool, &self.out))

    def time_response(self, uint32_t rounds) -> float:
        """Nanoseconds for one h1_write_response."""
        cdef uint32_t i
        cdef uint64_t start = _now()
        with nogil:
            for i in range(rounds):
                h1_write_response(&self.head, False, False, &self.pool, &self.out)
                self.out.end = 0
        return (_now() - start) / <double>rounds

    def time_request(self, uint32_t rounds) -> float:
        cdef uint32_t i
        cdef uint64_t start = _now()
        with nogil:
            for i in range(rounds):
                h1_write_request(&self.head, False, &self.pool, &self.out)
                self.out.end = 0
        return (_now() - start) / <double>rounds


def chunk_head(uint64_t n) -> bytes:
    cdef char out[18]
    return out[:h1_chunk_head(out, n)]


def error_text(name: str) -> str:
    return h1_error_text(ERRORS.index(name)).decode()


def reason(uint16_t status) -> bytes:
    return h1_reason(status)


def known_header(bytes name) -> bytes:
    """The name again when it is a known one, else b""."""
    return _bytes(header_name(header_id(name, len(name))))


# -- timing, without Python objects in between

cdef uint64_t _now() noexcept nogil:
    cdef timespec t
    clock_gettime(CLOCK_MONOTONIC, &t)
    return <uint64_t>t.tv_sec * 1000000000 + <uint64_t>t.tv_nsec


cdef int64_t _parse_once(const char *p, size_t n, bint response, const H1Limits *limits, BlockPool *pool) noexcept nogil:
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
    cdef H1Limits limits
    cdef BlockPool pool
    cdef const char *p = data
    cdef size_t n = len(data)
    cdef uint32_t i
    cdef int64_t used = 0
    cdef uint64_t start
    limits.head_bytes, limits.headers, limits.chunk_line_bytes, limits.trailer_bytes = 61440, 100, 4096, 8192
    limits.allow_http10 = True
    pool_init(&pool)
    start = _now()
    with nogil:
        for i in range(rounds):
            used += _parse_once(p, n, response, &limits, &pool)
    start = _now() - start
    pool_free_all(&pool)
    if used != <int64_t>n * rounds:
        raise ValueError("not one whole head")
    return start / <double>rounds


cdef int64_t _decode_once(const char *p, size_t n, const H1Limits *limits, BlockPool *pool, Buf *scratch) noexcept nogil:
    cdef H1BodyDecoder body
    cdef Slice data
    cdef int64_t total = 0
    cdef int64_t used
    cdef size_t at = 0
    memset(&body, 0, sizeof(body))
    body.kind = 2
    while at < n and not body.done:
        used = h1_body_feed(&body, p + at, n - at, limits, &data, NULL, pool, scratch)
        if used < 0:
            return -1
        at += <size_t>used
        total += data.n
    return total if body.done else -1


def time_chunks(bytes data, uint32_t rounds) -> float:
    """Nanoseconds to decode this chunked body."""
    cdef H1Limits limits
    cdef BlockPool pool
    cdef Buf scratch
    cdef const char *p = data
    cdef size_t n = len(data)
    cdef uint32_t i
    cdef int64_t total = 0
    cdef uint64_t start
    limits.head_bytes, limits.headers, limits.chunk_line_bytes, limits.trailer_bytes = 61440, 100, 4096, 8192
    limits.allow_http10 = True
    memset(&scratch, 0, sizeof(Buf))
    pool_init(&pool)
    start = _now()
    with nogil:
        for i in range(rounds):
            total += _decode_once(p, n, &limits, &pool, &scratch)
    start = _now() - start
    pool_free_all(&pool)
    if total < 0:
        raise ValueError("not one whole chunked body")
    return start / <double>rounds
