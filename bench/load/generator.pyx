"""Clients: C connections with P requests in flight on each, as fast as answers come or at a fixed rate.

At a fixed rate ("open loop") request k is due at start + k / rate whatever happened before, and its latency counts
from then, not from when a connection was free for it: a stalled proxy cannot slow the clock that judges it.
"""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from bench.load.histogram cimport Histogram, quantile, record
from bench.load.kernel cimport (
    EPOLL_CLOEXEC, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP, PR_SET_TIMERSLACK,
    close, connect_loopback, epoll_create1, epoll_event, epoll_pwait2, monotonic, prctl, stop_blocking, timespec,
    watch,
)
from bench.load.link cimport (
    SCRATCH, Cipher, Link, free_link, keep, receive, reset_link, send_output, send_owed, ssize_t,
)
from bench.load.wire cimport BROKEN, NEED_MORE, RIGHT, Output, Plan, Protocol, Verdict, write_mark

cdef enum:
    BATCH = 256
    MOST_FAILURES = 10000       # a run that fails this often measures nothing

cdef uint64_t DRAIN = 1000000000    # nanoseconds left to the last answers of a phase


cdef class Generator:
    """One load against one port of 127.0.0.1."""

    cdef const Protocol* protocol
    cdef Plan plan
    cdef bytes request
    cdef object capsule
    cdef object cipher_capsule
    cdef const Cipher* cipher       # NULL: plain text
    cdef uint16_t port
    cdef uint32_t count
    cdef uint32_t depth
    cdef Connection* connections
    cdef int epoll
    cdef char* scratch
    cdef Output output
    cdef Histogram histogram
    cdef Tally tally
    cdef uint64_t phase_begun
    cdef uint64_t in_flight
    cdef bint issuing
    cdef double interval            # nanoseconds between requests; 0: closed loop
    cdef uint64_t issued
    cdef uint64_t limit             # requests in all; 0: as many as the time allows
    cdef uint64_t mark              # of the next request
    cdef uint32_t* vacant           # open loop: ring of connections with a free slot, one entry a slot
    cdef uint64_t vacant_first
    cdef uint64_t vacant_count

    def __cinit__(
        self, capsule, bytes request, uint64_t body_length, int port, int connections, int depth, cipher=None
    ):
        self.capsule = capsule
        self.protocol = <const Protocol*>PyCapsule_GetPointer(capsule, "bench.load.Protocol")
        self.cipher_capsule = cipher
        self.cipher = NULL
        if cipher is not None:
            self.cipher = <const Cipher*>PyCapsule_GetPointer(cipher, "bench.load.Cipher")
        self.request = request
        memset(&self.plan, 0, sizeof(Plan))
        self.plan.request = request
        self.plan.request_length = <size_t>len(request)
        self.plan.body_length = body_length
        self.plan.status = 200
        self.port = <uint16_t>port
        self.count = <uint32_t>connections
        self.depth = <uint32_t>depth
        self.epoll = epoll_create1(EPOLL_CLOEXEC)
        self.scratch = <char*>malloc(SCRATCH)
        self.vacant = <uint32_t*>calloc(connections * depth, sizeof(uint32_t))
        memset(&self.output, 0, sizeof(Output))
        self.make_connections()
        # Timers fire within 50 us by default, as much as is to be measured.
        prctl(PR_SET_TIMERSLACK, 1)

    cdef int make_connections(self) except -1:
        cdef uint32_t place
        cdef Connection* connection
        self.connections = <Connection*>calloc(self.count, sizeof(Connection))
        if self.epoll < 0 or self.scratch == NULL or self.vacant == NULL or self.connections == NULL:
            raise MemoryError("no memory or no epoll instance for the load; use fewer connections")
        for place in range(self.count):
            connection = &self.connections[place]
            connection.link.descriptor = -1
            if not make_slots(connection, self.depth):
                raise MemoryError("no memory for the load; use fewer connections")
        return 0

    def __dealloc__(self):
        cdef uint32_t place
        if self.connections != NULL:
            for place in range(self.count):
                if self.connections[place].link.descriptor >= 0:
                    close(self.connections[place].link.descriptor)
                free_link(&self.connections[place].link)
                free_slots(&self.connections[place])
        free(self.connections)
        free(self.vacant)
        free(self.scratch)
        free(self.output.data)
        close(self.epoll)

    def connect(self, first: int, last: int) -> None:
        """Open the connections first <= n < last."""
        cdef uint32_t place
        for place in range(first, last):
            if not self.open(&self.connections[place]):
                raise ConnectionError(
                    f"127.0.0.1:{self.port} refused connection {place}; is the proxy up, are its limits high enough?"
                )

    def ask_each(self, first: int, last: int) -> None:
        """One request on each connection first <= n < last, and all the answers."""
        cdef uint32_t place
        self.issuing = False
        for place in range(first, last):
            self.ask(&self.connections[place], monotonic())
            self.flush(&self.connections[place])
        with nogil:
            self.drain()

    def run(self, seconds: float, rate: float = 0.0) -> float:
        """Load for so many seconds, at `rate` requests a second or (0) closed loop; seconds until the last answer."""
        cdef uint64_t duration = <uint64_t>(<double>seconds * 1e9)
        self.interval = 1e9 / <double>rate if rate else 0.0
        self.issued = 0
        self.phase_begun = monotonic()
        self.issuing = True
        with nogil:
            self.start()
            self.loop(self.phase_begun + duration)
            self.issuing = False
            self.drain()
            if self.interval > 0:
                self.tally.late += max(<uint64_t>(<double>duration / self.interval), self.issued) - self.issued
        return (monotonic() - self.phase_begun) / 1e9

    def exchange(self, requests: int, seconds: float, request_mark: int, answer_mark: int, first_mark: int) -> float:
        """So many requests, each with a mark of its own that its answer must repeat; seconds until the last answer.

        The marks count up from `first_mark` and stand at the given places of request and answer.
        """
        self.plan.request_mark = request_mark
        self.plan.answer_mark = answer_mark
        self.mark = first_mark
        self.limit = requests
        return self.run(seconds)

    def take(self) -> dict:
        """Counts and latencies (microseconds) since the last take."""
        counts = dict(self.tally)
        answered = self.tally.right + self.tally.wrong
        latencies = {
            name: quantile(&self.histogram, share) / 1000.0
            for name, share in (("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999))
        }
        latencies["max"] = self.histogram.greatest / 1000.0
        memset(&self.tally, 0, sizeof(Tally))
        memset(&self.histogram, 0, sizeof(Histogram))
        return {"answered": answered, "latency_us": latencies, **counts}

    cdef bint open(self, Connection* connection) noexcept nogil:
        cdef uint32_t slot
        cdef int descriptor = connect_loopback(self.port)
        if descriptor < 0:
            self.tally.refused += 1
            return False
        reset_link(&connection.link, descriptor)
        if not self.shake_hands(&connection.link):
            self.tally.refused += 1
            return False
        stop_blocking(descriptor)
        connection.asked = 0
        connection.answered = 0
        connection.in_flight = 0
        for slot in range(self.depth):
            connection.open_slots[slot] = slot
            connection.begun[slot] = 0
        if self.protocol.greet != NULL:
            self.protocol.greet(&self.plan, &connection.link.reading, &self.output)
            send_output(&connection.link, &self.output)
        return watch(self.epoll, descriptor, connection) == 0

    cdef bint shake_hands(self, Link* link) noexcept nogil:
        """Begin TLS, if this load has it; False when the other side will not."""
        if self.cipher == NULL:
            return True
        link.cipher = self.cipher
        link.session = self.cipher.connect(link.descriptor)
        if link.session != NULL:
            return True
        close(link.descriptor)
        link.descriptor = -1
        return False

    cdef void start(self) noexcept nogil:
        """Fill every connection (closed loop), or note that every slot is vacant (open loop)."""
        cdef uint32_t place
        cdef uint32_t _slot
        self.vacant_first = 0
        self.vacant_count = 0
        if self.interval > 0:
            # Slot by slot, so that requests go round the connections.
            for _slot in range(self.depth):
                for place in range(self.count):
                    self.offer(&self.connections[place], 0)
            return
        for place in range(self.count):
            for _slot in range(self.depth):
                self.offer(&self.connections[place], monotonic())
            self.flush(&self.connections[place])

    cdef void offer(self, Connection* connection, uint64_t now) noexcept nogil:
        """A slot is free: ask at once (closed loop) or when the next request is due (open loop)."""
        if not self.issuing:
            return
        if self.interval == 0:
            self.ask(connection, now)
            self.issued += 1
            self.issuing = self.issued != self.limit
            return
        self.vacant[(self.vacant_first + self.vacant_count) % (self.count * self.depth)] = <uint32_t>(
            connection - self.connections
        )
        self.vacant_count += 1

    cdef void ask(self, Connection* connection, uint64_t due) noexcept nogil:
        cdef uint32_t slot
        if connection.link.descriptor < 0:
            return
        if self.protocol.ordered:
            slot = <uint32_t>(connection.asked % self.depth)
        else:
            slot = connection.open_slots[self.depth - 1 - connection.in_flight]
        connection.begun[slot] = due
        connection.marks[slot] = self.mark
        connection.asked += 1
        connection.in_flight += 1
        self.in_flight += 1
        self.protocol.ask(&self.plan, &connection.link.reading, slot, &self.output)
        if self.plan.request_mark:
            write_mark(self.output.data + self.output.length - self.plan.request_length + self.plan.request_mark,
                       self.mark)
            self.mark += 1

    cdef void flush(self, Connection* connection) noexcept nogil:
        if send_output(&connection.link, &self.output) != 0:
            self.reopen(connection)

    cdef void issue_due(self, uint64_t now) noexcept nogil:
        cdef Connection* connection
        cdef uint64_t due
        while self.vacant_count:
            due = self.phase_begun + <uint64_t>(<double>self.issued * self.interval)
            if due > now:
                return
            connection = &self.connections[self.vacant[self.vacant_first]]
            self.vacant_first = (self.vacant_first + 1) % (self.count * self.depth)
            self.vacant_count -= 1
            self.issued += 1
            self.ask(connection, due)
            self.flush(connection)

    cdef uint64_t next_due(self, uint64_t until) noexcept nogil:
        cdef uint64_t due
        if self.interval == 0 or not self.issuing or self.vacant_count == 0:
            return until
        due = self.phase_begun + <uint64_t>(<double>self.issued * self.interval)
        return min(due, until)

    cdef void loop(self, uint64_t until) noexcept nogil:
        cdef uint64_t now
        while self.tally.closed + self.tally.refused < MOST_FAILURES:
            now = monotonic()
            if now >= until:
                return
            if self.interval > 0 and self.issuing:
                self.issue_due(now)
                now = monotonic()
            self.wait(now, self.next_due(until))
            if not self.issuing and self.in_flight == 0:
                return

    cdef void drain(self) noexcept nogil:
        """Wait for the last answers; what has not come then is lost."""
        cdef uint32_t place
        if self.in_flight:
            self.loop(monotonic() + DRAIN)
        if self.in_flight == 0:
            return
        self.tally.lost += self.in_flight
        for place in range(self.count):
            if self.connections[place].in_flight:
                self.forget(&self.connections[place])
                self.open(&self.connections[place])

    cdef void wait(self, uint64_t now, uint64_t until) noexcept nogil:
        cdef epoll_event events[BATCH]
        cdef timespec timeout
        cdef uint64_t pause = until - now if until > now else 0
        cdef int place
        timeout.tv_sec = <long>(pause // 1000000000)
        timeout.tv_nsec = <long>(pause % 1000000000)
        for place in range(epoll_pwait2(self.epoll, events, BATCH, &timeout, NULL)):
            self.handle(<Connection*>events[place].data.ptr, events[place].events)

    cdef void handle(self, Connection* connection, uint32_t events) noexcept nogil:
        cdef bint alive = True
        if events & EPOLLOUT:
            alive = send_owed(&connection.link) == 0
        if alive and events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP):
            alive = self.read(connection)
        if not alive:
            self.reopen(connection)

    cdef bint read(self, Connection* connection) noexcept nogil:
        """Take all there is; False when the connection has ended."""
        cdef ssize_t length
        while True:
            length = receive(&connection.link, self.scratch)
            if length <= 0:
                return length == -1
            if not self.take_answers(connection, self.scratch, <size_t>length):
                return False
            if length < SCRATCH:
                return True

    cdef bint take_answers(self, Connection* connection, const char* data, size_t length) noexcept nogil:
        cdef uint64_t now = monotonic()
        cdef Verdict verdict
        cdef size_t used
        while True:
            verdict = self.protocol.read_answer(&self.plan, &connection.link.reading, data, length, &used, &self.output)
            data += used
            length -= used
            if verdict == NEED_MORE:
                break
            if verdict == BROKEN or not self.settle(connection, verdict, now):
                self.tally.broken += 1
                self.output.length = 0
                self.output.tail_length = 0
                return False
            self.offer(connection, now)
        if send_output(&connection.link, &self.output) != 0:
            return False
        return length == 0 or keep(&connection.link.held, data, length) == 0

    cdef bint settle(self, Connection* connection, Verdict verdict, uint64_t now) noexcept nogil:
        """Count one answer; False when nothing was asked that it could answer."""
        cdef uint64_t slot = connection.answered % self.depth
        if not self.protocol.ordered:
            slot = connection.link.reading.id
        if slot >= self.depth or connection.begun[slot] == 0:
            return False
        if verdict == RIGHT and (self.plan.request_mark == 0 or repeats_mark(connection, slot)):
            self.tally.right += 1
        else:
            self.tally.wrong += 1
        record(&self.histogram, now - connection.begun[slot] if now > connection.begun[slot] else 0)
        connection.begun[slot] = 0
        connection.answered += 1
        connection.in_flight -= 1
        connection.open_slots[self.depth - 1 - connection.in_flight] = <uint32_t>slot
        self.in_flight -= 1
        return True

    cdef void forget(self, Connection* connection) noexcept nogil:
        """Close a connection and what was in flight on it."""
        close(connection.link.descriptor)
        connection.link.descriptor = -1
        self.in_flight -= connection.in_flight
        connection.in_flight = 0

    cdef void reopen(self, Connection* connection) noexcept nogil:
        """A connection ended: count what it leaves unanswered, and put another in its place."""
        cdef uint32_t unanswered = connection.in_flight
        cdef uint32_t _slot
        self.tally.closed += unanswered
        self.tally.reconnected += 1
        self.output.length = 0
        self.output.tail_length = 0
        self.forget(connection)
        if not self.open(connection):
            return
        if not self.issuing:
            return
        for _slot in range(unanswered):
            self.offer(connection, monotonic())
        if send_output(&connection.link, &self.output) != 0:
            self.tally.refused += 1
