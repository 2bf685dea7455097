"""A Python face of the HTTP/1.1 codec for tests, fuzzers and tools; requests in service never come here.

Bytes are handed to the codec in malloc'd blocks of exactly their size, so a sanitizer sees one byte too far.
"""

from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t, uintptr_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy

from mosn._fastpath.codec.http1 cimport (
    H1_BODY_UNTIL_CLOSE, H1_ERROR_COUNT, h1_body_feed, h1_chunk_head,
    h1_error_text, h1_parse_request, h1_parse_response, h1_reason, h1_request_body, h1_response_body,
    h1_strip_hop_by_hop, h1_write_request, h1_write_response, h1_write_trailers,
)
from mosn._fastpath.head cimport Head, head_add, head_init, header_id, header_name, method_id
from mosn._fastpath.memory cimport (
    Slice, arena_copy, arena_init, arena_release, buf_release, pool_free_all, pool_init,
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
    headers: tuple[tuple[bytes, bytes], ...]
    content_length: int
    flags: tuple[str, ...]
    body: str


cdef bytes _bytes(Slice s):
    return s.p[:s.n] if s.n else b""


cdef tuple _items(const Head *head):
    cdef list out = []
    cdef uint32_t i
    for i in range(head.count):
        if not head.items[i].removed:
            out.append((head.items[i].name[:head.items[i].name_len], head.items[i].value[:head.items[i].value_len]))
    return tuple(out)


cdef object _head_event(const Head *head, uint8_t body):
    flags = tuple(name for bit, name in enumerate(FLAGS) if head.flags >> bit & 1)
    return HeadEvent(_bytes(head.method), _bytes(head.scheme), _bytes(head.authority), _bytes(head.path),
                     _bytes(head.upgrade), head.status, _items(head), head.content_length, flags, BODIES[body])


cdef class Parser:
    """feed(bytes) -> events: HeadEvent, ("data", bytes), ("trailers", items), ("end",), ("error", name of H1Error).

    After an error nothing follows.  After a message the next one may start.  Responses: `methods` are the methods of
    the requests in order (GET once they are used up); an interim answer (1xx but 101) uses up none.
    """

    def __cinit__(self, *, bint response=False, uint32_t head_bytes=61440, uint32_t headers=100,
                  uint32_t chunk_line_bytes=4096, uint32_t trailer_bytes=8192, bint allow_http10=True, methods=()):
        assert len(ERRORS) == H1_ERROR_COUNT
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        head_init(&self.trailers, &self.arena)
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
        # From here on the arena is for the trailers.
        arena_release(&self.arena)
        head_init(&self.trailers, &self.arena)
        if used > 0 and self.body.done:
            self._end(events)
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

    cdef int _end(self, list events) except -1:
        if self.trailers.count:
            events.append(("trailers", _items(&self.trailers)))
        events.append(("end",))
        self.in_body = False
        return 0

    cdef int64_t _body(self, const char *p, size_t n, list events) except? -1:
        cdef Slice data
        cdef int64_t used
        if n == 0:
            return 0
        used = h1_body_feed(&self.body, p, n, &self.limits, &data, &self.trailers, &self.pool, &self.scratch)
        if used < 0:
            return used
        if data.n:
            events.append(("data", data.p[:data.n]))
        if self.body.done:
            self._end(events)
        return used

    def close(self) -> list:
        """The peer has closed: the end of a body without a length, or ("incomplete",) inside a message."""
        cdef list events = []
        if self.in_body and self.body.kind == H1_BODY_UNTIL_CLOSE:
            self._end(events)
        elif not self.error and (self.in_body or self.pending):
            events.append(("incomplete",))
        return events


# -- writing

cdef class Message:
    """A head to be changed and written: Message(headers, method=..., path=..., authority=..., status=...)."""

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
    def headers(self) -> tuple:
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
