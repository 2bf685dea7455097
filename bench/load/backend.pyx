"""The server behind the proxies: one thread, one epoll loop, canned answers."""

from cpython.pycapsule cimport PyCapsule_GetPointer
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memset

from bench.load.kernel cimport (
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP,
    SOCK_CLOEXEC, SOCK_NONBLOCK,
    accept4, close, epoll_create1, epoll_ctl, epoll_event, epoll_wait, send_at_once, watch,
)
from bench.load.link cimport SCRATCH, Link, free_link, keep, receive, reset_link, send_output, send_owed, ssize_t
from bench.load.wire cimport BROKEN, NEED_MORE, Output, Plan, Protocol, Verdict

cdef enum:
    BATCH = 256


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

    def __cinit__(self, capsule, bytes answer, uint64_t body_length, int listener):
        self.capsule = capsule
        self.protocol = <const Protocol*>PyCapsule_GetPointer(capsule, "bench.load.Protocol")
        self.answer = answer
        memset(&self.plan, 0, sizeof(Plan))
        self.plan.answer = answer
        self.plan.answer_length = <size_t>len(answer)
        self.plan.body_length = body_length
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

    cdef void loop(self, int patience) noexcept nogil:
        cdef epoll_event events[BATCH]
        cdef int count
        cdef int place
        while True:
            count = epoll_wait(self.epoll, events, BATCH, patience)
            if count == 0:
                return
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
        if send_output(link, &self.output) != 0:
            return False
        return length == 0 or keep(&link.held, data, length) == 0
