"""Python face of the HTTP/2 codec, for tests and tools (see h2_face.pyi)."""

import time

from libc.stdint cimport int64_t, uint8_t, uint32_t, uint64_t
from libc.stdlib cimport free, malloc
from libc.string cimport memcpy, memset

from mosn._fastpath.codec.frame cimport put32
from mosn._fastpath.codec.h2 cimport h2_default_config, h2_drain, h2_free, h2_init, h2_output_taken
from mosn._fastpath.codec.h2_frames cimport h2_write_ping
from mosn._fastpath.codec.h2_receive cimport h2_feed
from mosn._fastpath.codec.h2_send cimport (
    h2_consumed, h2_flush, h2_new_stream, h2_send_data, h2_send_request, h2_send_response,
    h2_send_trailers,
)
from mosn._fastpath.codec.h2_state cimport h2_restore, h2_save
from mosn._fastpath.codec.h2_streams cimport h2_detach, h2_find, h2_reset
from mosn._fastpath.codec.h2_types cimport H2, H2Config, H2Events, H2N_COUNT, H2S_OWNED, H2Stream
from mosn._fastpath.codec.state_bytes cimport StateReader, StateWriter
from mosn._fastpath.head cimport Head, head_add, head_init, header_id, method_id
from mosn._fastpath.memory cimport (
    Arena, BlockPool, Buf, Slice, arena_copy, arena_init, arena_release, buf_len, buf_release, pool_free_all,
    pool_init, slice_of,
)

NOTES = ("header_overflow", "inbound_empty_frames_flood", "inbound_priority_frames_flood",
         "inbound_window_update_frames_flood", "outbound_control_flood", "rx_messaging_error", "rx_reset", "tx_reset",
         "trailers", "goaway_sent", "stream_refused_errors", "continuation_flood", "premature_resets")


cdef bytes text(Slice s):
    return s.p[:s.n] if s.n else b""


cdef list fields_of(const Head *head):
    cdef uint32_t i
    cdef list found = []
    for i in range(head.count):
        if not head.items[i].removed:
            found.append((text(slice_of(head.items[i].name, head.items[i].name_len)),
                          text(slice_of(head.items[i].value, head.items[i].value_len))))
    return found


cdef dict pseudo_of(const Head *head):
    cdef dict found = {}
    if head.status:
        found["status"] = head.status
    for name, value in (("method", text(head.method)), ("scheme", text(head.scheme)), ("path", text(head.path)),
                        ("authority", text(head.authority)), ("protocol", text(head.upgrade))):
        if value:
            found[name] = value
    return found


cdef class Connection:
    cdef BlockPool pool
    cdef Arena arena
    cdef Head head
    cdef Buf out
    cdef H2Config config
    cdef H2 h2
    cdef list events
    cdef bint taking
    cdef uint32_t[H2N_COUNT] noted

    def __cinit__(self, bint client=False, *, bint taking=True, **settings):
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        h2_default_config(&self.config)
        self.taking = taking
        self.events = []
        self.set_up(settings)
        self.h2.pool = &self.pool
        self.h2.out = &self.out
        self.h2.owner = <void *>self
        h2_init(&self.h2, &self.config, &EVENTS, client)

    def __dealloc__(self):
        h2_free(&self.h2)
        buf_release(&self.pool, &self.out)
        arena_release(&self.arena)
        pool_free_all(&self.pool)

    cdef int set_up(self, dict settings) except -1:
        cdef H2Config *c = &self.config
        c.max_streams = settings.pop("max_streams", c.max_streams)
        c.stream_window = settings.pop("stream_window", c.stream_window)
        c.connection_window = settings.pop("connection_window", c.connection_window)
        c.table_size = settings.pop("table_size", c.table_size)
        c.limits.list_bytes = settings.pop("list_bytes", c.limits.list_bytes)
        c.limits.fields = settings.pop("fields", c.limits.fields)
        c.out_limit = settings.pop("out_limit", c.out_limit)
        c.max_control = settings.pop("max_control", c.max_control)
        c.max_empty = settings.pop("max_empty", c.max_empty)
        c.max_premature = settings.pop("max_premature", c.max_premature)
        c.max_continuations = settings.pop("max_continuations", c.max_continuations)
        c.connect_protocol = settings.pop("connect_protocol", c.connect_protocol)
        if settings:
            raise TypeError(f"unknown settings {settings}")
        return 0

    cdef Head *fresh(self) noexcept nogil:
        arena_release(&self.arena)
        head_init(&self.head, &self.arena)
        return &self.head

    cdef Head *made(self, fields) except NULL:
        cdef Head *head = self.fresh()
        cdef bytes name, value
        cdef Slice kept
        for name, value in fields:
            kept = slice_of(arena_copy(&self.arena, value, len(value)), len(value))
            if name == b":method":
                head.method = kept
                head.method_id = method_id(kept.p, kept.n)
            elif name == b":scheme":
                head.scheme = kept
            elif name == b":authority":
                head.authority = kept
            elif name == b":path":
                head.path = kept
            elif name == b":status":
                head.status = int(value)
            else:
                head_add(head, header_id(name, len(name)), arena_copy(&self.arena, name, len(name)), len(name),
                         kept.p, kept.n)
        return head

    cdef H2Stream *find(self, uint32_t id) except NULL:
        cdef H2Stream *stream = h2_find(&self.h2, id)
        if stream == NULL:
            raise KeyError(id)
        return stream

    def feed(self, bytes data not None):
        cdef char *copy = <char *>malloc(len(data) or 1)    # so that a sanitizer sees a byte too far
        cdef size_t n = len(data)
        cdef int64_t used
        if copy == NULL:
            raise MemoryError
        memcpy(copy, <const char *>data, n)
        self.events = []
        with nogil:
            used = h2_feed(&self.h2, copy, n)
            if used >= 0:
                h2_flush(&self.h2)
        free(copy)
        if used < 0:
            self.events.append(("error", self.h2.error, self.h2.why.decode()))
        return self.events, max(used, 0)

    def take(self):
        cdef bytes result = self.out.data[self.out.start:self.out.end] if buf_len(&self.out) else b""
        buf_release(&self.pool, &self.out)
        h2_output_taken(&self.h2)
        h2_flush(&self.h2)
        if buf_len(&self.out):
            result += self.take()
        return result

    def request(self, fields, bint end=True):
        cdef Head *head = self.made(fields)
        cdef H2Stream *stream = h2_new_stream(&self.h2)
        cdef uint32_t id
        if stream == NULL:
            raise ValueError("no stream can be opened")
        id = stream.id
        stream.flags |= H2S_OWNED
        h2_send_request(&self.h2, stream, head, end)
        return id

    def respond(self, uint32_t id, fields, bint end=False):
        cdef Head *head = self.made(fields)
        h2_send_response(&self.h2, self.find(id), head, end)

    def data(self, uint32_t id, bytes data not None, bint end=False):
        h2_send_data(&self.h2, self.find(id), data, len(data), end)

    def trailers(self, uint32_t id, fields):
        cdef Head *head = self.made(fields)
        h2_send_trailers(&self.h2, self.find(id), head)

    def reset(self, uint32_t id, uint32_t code):
        h2_reset(&self.h2, self.find(id), code)

    def detach(self, uint32_t id):
        h2_detach(&self.h2, self.find(id))

    def consumed(self, uint32_t id, uint32_t n):
        h2_consumed(&self.h2, self.find(id), n)

    def drain(self, bint last):
        h2_drain(&self.h2, last)

    def ping(self):
        h2_write_ping(&self.h2, b"12345678", False)

    def pass_time(self, uint64_t ms):
        self.h2.now_ms += ms

    def streams(self):
        return self.h2.stream_count

    def notes(self):
        return {NOTES[i]: self.noted[i] for i in range(<int>H2N_COUNT) if self.noted[i]}

    def memory(self):
        return self.pool.in_use

    def save(self):
        cdef Buf made = Buf(NULL, 0, 0, 0)
        cdef StateWriter to = StateWriter(&self.pool, &made, False)
        h2_save(&self.h2, &to)
        result = made.data[made.start:made.end]
        buf_release(&self.pool, &made)
        return result

    def restored(self, bytes state not None):
        cdef Connection new = Connection(taking=self.taking)
        cdef StateReader at = StateReader(state, len(state), False)
        new.take()
        h2_free(&new.h2)
        new.config = self.config
        memset(&new.h2, 0, sizeof(H2))
        new.h2.pool = &new.pool
        new.h2.out = &new.out
        new.h2.owner = <void *>new
        new.h2.config = new.config
        new.h2.events = &EVENTS
        h2_restore(&new.h2, &at)
        new.h2.now_ms = self.h2.now_ms
        if at.failed or at.n:
            raise ValueError("not a state")
        return new


# -- events

cdef Head *place(H2 *h2, H2Stream *stream, int part) noexcept nogil:
    with gil:
        return (<Connection>h2.owner).fresh()


cdef void on_head(H2 *h2, H2Stream *stream, Head *head, bint end) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("head", stream.id, pseudo_of(head), fields_of(head), end))


cdef void on_data(H2 *h2, H2Stream *stream, const char *p, size_t n, bint end) noexcept nogil:
    cdef bint taking
    with gil:
        (<Connection>h2.owner).events.append(("data", stream.id, p[:n] if n else b"", end))
        taking = (<Connection>h2.owner).taking
    if taking:
        h2_consumed(h2, stream, <uint32_t>n)


cdef void on_trailers(H2 *h2, H2Stream *stream, Head *trailers) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("trailers", stream.id, fields_of(trailers)))


cdef void on_too_large(H2 *h2, H2Stream *stream, bint end) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("too_large", stream.id))


cdef void on_reset(H2 *h2, H2Stream *stream, uint32_t code, bint remote) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("reset", stream.id, code, remote))
    h2_detach(h2, stream)


cdef void on_writable(H2 *h2, H2Stream *stream) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("writable", stream.id))


cdef void on_settings(H2 *h2) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("settings",))


cdef void on_goaway(H2 *h2, uint32_t last_id, uint32_t code) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("goaway", last_id, code))


cdef void on_ponged(H2 *h2) noexcept nogil:
    with gil:
        (<Connection>h2.owner).events.append(("ponged",))


cdef void on_note(H2 *h2, uint8_t note) noexcept nogil:
    with gil:
        (<Connection>h2.owner).noted[note] += 1


cdef H2Events EVENTS
EVENTS.place = place
EVENTS.head = on_head
EVENTS.data = on_data
EVENTS.trailers = on_trailers
EVENTS.too_large = on_too_large
EVENTS.reset = on_reset
EVENTS.writable = on_writable
EVENTS.settings = on_settings
EVENTS.goaway = on_goaway
EVENTS.ponged = on_ponged
EVENTS.note = on_note


# -- timing

cdef void answer(H2 *h2, H2Stream *stream, Head *head, bint end) noexcept nogil:
    head.status = 200
    h2_send_response(h2, stream, head, True)
    h2_detach(h2, stream)


cdef H2Events QUICK
QUICK.place = place
QUICK.head = answer
QUICK.reset = on_reset


def time_feed(bytes preface not None, bytes request not None, uint32_t rounds):
    cdef Connection made = Connection()
    cdef char *copy = <char *>malloc(len(request))
    cdef size_t n = len(request)
    cdef uint32_t i
    memcpy(copy, <const char *>request, n)
    made.feed(preface)
    made.h2.events = &QUICK
    started = time.perf_counter_ns()
    with nogil:
        for i in range(rounds):
            put32(copy + 5, 2 * i + 1)
            if h2_feed(&made.h2, copy, n) < 0:
                break
            made.out.end = made.out.start
    elapsed = time.perf_counter_ns() - started
    free(copy)
    if made.h2.failed:
        raise ValueError(made.h2.why.decode())
    return elapsed / rounds
