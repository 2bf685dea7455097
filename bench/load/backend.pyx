"""The server behind the proxies: one thread, one epoll loop, canned answers."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcpy, memset

from bench.load.kernel cimport (
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP,
    SOCK_CLOEXEC, SOCK_NONBLOCK,
    accept4, close, epoll_create1, epoll_ctl, epoll_event, epoll_wait, send_at_once, watch,
)
from bench.load.link cimport SCRATCH, Link, free_link, keep, receive, reset_link, send_output, send_owed, ssize_t
from bench.load.wire cimport BROKEN, NEED_MORE, Output, Plan, Protocol, Verdict, append

cdef enum:
    BATCH = 256
    MOST_LATE = 64
    MOST_SHUFFLED = 512     # bytes of an answer
    PATIENCE = 1            # milliseconds until what was held back goes out, if nothing comes


cdef class Backend:
    """Serves one protocol on one listening socket until the process ends."""

    cdef const Protocol* protocol
    cdef Plan plan
    cdef bytes answer
    cdef object capsule
    cdef int epoll
    cdef int listener
    cdef char* scratch
    cdef Output output
    cdef bint shuffling
    cdef uint64_t random
    cdef uint64_t served
    cdef Link* late[MOST_LATE]      # links that owe answers which were held back
    cdef int late_count

    def __cinit__(
        self, capsule, bytes answer, uint64_t body_length, int listener, size_t request_mark=0, size_t answer_mark=0
    ):
        self.shuffling = request_mark != 0
        self.random = <uint64_t>0x9E3779B97F4A7C15
        self.capsule = capsule
        self.protocol = <const Protocol*>PyCapsule_GetPointer(capsule, "bench.load.Protocol")
        self.answer = answer
        memset(&self.plan, 0, sizeof(Plan))
        self.plan.answer = answer
        self.plan.answer_length = <size_t>len(answer)
        self.plan.body_length = body_length
        self.plan.request_mark = request_mark
        self.plan.answer_mark = answer_mark
        self.listener = listener
        self.scratch = <char*>malloc(SCRATCH)
        memset(&self.output, 0, sizeof(Output))
        self.epoll = epoll_create1(EPOLL_CLOEXEC)
        if self.scratch == NULL or self.epoll < 0:
            raise MemoryError("no memory or no epoll instance for the backend; raise the process limits")

    def __dealloc__(self):
        free(self.scratch)
        free(self.output.data)
        close(self.epoll)

    def serve(self, milliseconds: int = -1) -> None:
        """Serve for ever, or until nothing has happened for so many milliseconds."""
        cdef epoll_event event
        cdef int patience = milliseconds
        event.events = EPOLLIN
        event.data.ptr = NULL
        epoll_ctl(self.epoll, EPOLL_CTL_ADD, self.listener, &event)
        with nogil:
            self.loop(patience)

    def count(self) -> int:
        """Requests that were answered."""
        return self.served

    cdef void loop(self, int patience) noexcept nogil:
        cdef epoll_event events[BATCH]
        cdef int count
        cdef int place
        while True:
            count = epoll_wait(self.epoll, events, BATCH, PATIENCE if self.late_count else patience)
            if count == 0 and self.late_count == 0:
                return
            if count == 0:
                self.send_late()
            for place in range(count):
                if events[place].data.ptr == NULL:
                    self.accept_all()
                else:
                    self.handle(<Link*>events[place].data.ptr, events[place].events)

    cdef void accept_all(self) noexcept nogil:
        cdef int descriptor
        cdef Link* link
        while True:
            descriptor = accept4(self.listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)
            if descriptor < 0:
                return
            link = <Link*>calloc(1, sizeof(Link))
            if link == NULL:
                close(descriptor)
                return
            reset_link(link, descriptor)
            send_at_once(descriptor)
            watch(self.epoll, descriptor, link)

    cdef void handle(self, Link* link, uint32_t events) noexcept nogil:
        cdef bint alive = True
        if events & EPOLLOUT:
            alive = send_owed(link) == 0
        if alive and events & (EPOLLIN | EPOLLRDHUP | EPOLLERR | EPOLLHUP):
            alive = self.read(link)
        if not alive:
            self.forget_late(link)
            close(link.descriptor)
            free_link(link)
            free(link)

    cdef bint read(self, Link* link) noexcept nogil:
        """Take all there is and answer it; False when the connection has ended."""
        cdef ssize_t length
        while True:
            length = receive(link, self.scratch)
            if length <= 0:
                return length == -1
            if not self.answer_all(link, self.scratch, <size_t>length):
                return False
            if length < SCRATCH:
                return True

    cdef bint answer_all(self, Link* link, const char* data, size_t length) noexcept nogil:
        cdef Verdict verdict
        cdef size_t used
        while True:
            verdict = self.protocol.serve(&self.plan, &link.reading, data, length, &used, &self.output)
            data += used
            length -= used
            if verdict == BROKEN:
                return False
            if verdict == NEED_MORE:
                break
            self.served += 1
        if self.shuffling:
            self.shuffle(link)
        if send_output(link, &self.output) != 0:
            return False
        return length == 0 or keep(&link.held, data, length) == 0

    # -- answers in another order (marked exchanges: all answers are of one length)

    cdef uint64_t below(self, uint64_t bound) noexcept nogil:
        self.random = self.random * <uint64_t>6364136223846793005 + <uint64_t>1442695040888963407
        return (self.random >> 33) % bound

    cdef void shuffle(self, Link* link) noexcept nogil:
        """Mix the batch with what was held back from the last, and hold a quarter of it back."""
        cdef size_t one = self.plan.answer_length
        cdef size_t count, place, kept
        append(&self.output, link.late.data, link.late.length)
        link.late.length = 0
        self.forget_late(link)
        if self.output.length % one:
            return                  # a heartbeat's answer is among them
        count = self.output.length // one
        for place in range(count, 1, -1):
            self.swap(place - 1, self.below(place))
        kept = count // 4
        if kept == 0 or self.late_count == MOST_LATE:
            return
        self.output.length -= kept * one
        if keep(&link.late, self.output.data + self.output.length, kept * one) != 0:
            self.output.length += kept * one
            return
        self.late[self.late_count] = link
        self.late_count += 1

    cdef void swap(self, size_t left, size_t right) noexcept nogil:
        cdef char held[MOST_SHUFFLED]
        cdef size_t one = self.plan.answer_length
        if left == right or one > MOST_SHUFFLED:
            return
        memcpy(held, self.output.data + left * one, one)
        memcpy(self.output.data + left * one, self.output.data + right * one, one)
        memcpy(self.output.data + right * one, held, one)

    cdef void send_late(self) noexcept nogil:
        cdef Link* link
        while self.late_count:
            self.late_count -= 1
            link = self.late[self.late_count]
            append(&self.output, link.late.data, link.late.length)
            link.late.length = 0
            # A link that cannot be sent to is found out by its next event.
            send_output(link, &self.output)

    cdef void forget_late(self, Link* link) noexcept nogil:
        cdef int place
        for place in range(self.late_count):
            if self.late[place] == link:
                self.late_count -= 1
                self.late[place] = self.late[self.late_count]
                return
