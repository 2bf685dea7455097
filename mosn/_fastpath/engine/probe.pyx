# Python's face of the engine's timers, queues and pipes: for tests.

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from mosn._fastpath.engine.loop cimport queue_get, queue_put
from mosn._fastpath.engine.splice cimport pipe_drain, pipe_fill, pipe_give, pipe_take
from mosn._fastpath.engine.system cimport errno
from mosn._fastpath.engine.timer cimport timer_arm, timer_armed, timer_cancel, timers_run, timers_wait, wheel_init
from mosn._fastpath.engine.types cimport C_READABLE, C_WRITABLE, Conn, Engine, Pipe, Queue, QueueItem, Timer


# -- timers

cdef struct Fired:
    uint32_t index
    uint64_t at


cdef struct Probed:
    Timer timer                 # first
    uint32_t index
    uint64_t again              # delay with which it arms itself when it fires; 0 not


cdef struct Log:
    Fired *items
    uint64_t count
    uint64_t room


cdef void on_fire(Engine *engine, Timer *timer) noexcept nogil:
    cdef Probed *probed = <Probed *>timer
    cdef Log *log = <Log *>engine.app
    if log.count < log.room:
        log.items[log.count].index = probed.index
        log.items[log.count].at = engine.wheel.now
    log.count += 1
    if probed.again:
        timer_arm(engine, timer, probed.again)


cdef class Timers:
    cdef Engine *engine
    cdef Probed *timers
    cdef Log log
    cdef readonly uint32_t count

    def __cinit__(self, uint32_t count, uint64_t now_ms, uint64_t room=1 << 16):
        cdef uint32_t i
        self.engine = <Engine *>calloc(1, sizeof(Engine))
        self.timers = <Probed *>calloc(count, sizeof(Probed))
        self.log.items = <Fired *>calloc(room, sizeof(Fired))
        if self.engine == NULL or self.timers == NULL or self.log.items == NULL:
            raise MemoryError
        self.log.room = room
        self.count = count
        self.engine.app = &self.log
        self.engine.now_ms = now_ms
        wheel_init(&self.engine.wheel, now_ms)
        for i in range(count):
            self.timers[i].timer.fire = on_fire
            self.timers[i].index = i

    def __dealloc__(self):
        free(self.engine)
        free(self.timers)
        free(self.log.items)

    cdef Probed *at(self, uint32_t index) except NULL:
        if index >= self.count:
            raise IndexError(index)
        return &self.timers[index]

    def arm(self, uint32_t index, uint64_t delay_ms, uint64_t again=0):
        cdef Probed *probed = self.at(index)
        probed.again = again
        timer_arm(self.engine, &probed.timer, delay_ms)

    def cancel(self, uint32_t index):
        timer_cancel(self.engine, &self.at(index).timer)

    def armed(self, uint32_t index):
        return bool(timer_armed(&self.at(index).timer))

    def armed_count(self):
        return self.engine.wheel.armed

    def wait(self, int cap):
        return timers_wait(self.engine, cap)

    def advance(self, uint64_t now_ms):
        cdef uint64_t i
        self.log.count = 0
        self.engine.now_ms = now_ms
        with nogil:
            timers_run(self.engine)
        if self.log.count > self.log.room:
            raise OverflowError("more timers fired than were made room for")
        return [(self.log.items[i].index, self.log.items[i].at) for i in range(self.log.count)]


# -- queues

cdef class ProbedQueue:
    cdef Queue *queue

    def __cinit__(self):
        self.queue = <Queue *>calloc(1, sizeof(Queue))
        if self.queue == NULL:
            raise MemoryError

    def __dealloc__(self):
        free(self.queue)

    def put(self, uint32_t kind, uint32_t value, double number=0):
        return queue_put(self.queue, kind, value, NULL, number) == 0

    def get(self):
        cdef QueueItem item
        if not queue_get(self.queue, &item):
            return None
        return item.kind, item.value, item.number

    def put_sequence(self, uint32_t n):
        cdef uint32_t i
        with nogil:
            for i in range(n):
                while queue_put(self.queue, i, ~i, <void *><size_t>i, i) < 0:
                    pass

    def get_sequence(self, uint32_t n):
        cdef QueueItem item
        cdef uint32_t i
        cdef uint32_t wrong = 0
        with nogil:
            for i in range(n):
                while not queue_get(self.queue, &item):
                    pass
                if item.kind != i or item.value != ~i or <size_t>item.pointer != i or item.number != i:
                    wrong += 1
        return wrong


# -- pipes

cdef class Pipes:
    cdef Engine *engine
    cdef list taken

    def __cinit__(self):
        self.engine = <Engine *>calloc(1, sizeof(Engine))
        if self.engine == NULL:
            raise MemoryError

    def __dealloc__(self):
        cdef Pipe pipe
        if self.engine == NULL:
            return
        while self.engine.kept_pipes:
            pipe_take(self.engine, &pipe)
            pipe.bytes = 1                  # a pipe that is not empty is closed
            pipe_give(self.engine, &pipe)
        free(self.engine)

    @property
    def kept(self):
        return self.engine.kept_pipes

    def take(self):
        cdef ProbedPipe made = ProbedPipe()
        made.pipes = self
        if pipe_take(self.engine, &made.pipe) < 0:
            raise OSError(errno, "no pipe")
        return made


cdef class ProbedPipe:
    cdef Pipes pipes
    cdef Pipe pipe

    def __dealloc__(self):
        if self.pipes is not None:
            pipe_give(self.pipes.engine, &self.pipe)

    @property
    def ends(self):
        return self.pipe.ends[0], self.pipe.ends[1]

    @property
    def bytes(self):
        return self.pipe.bytes

    def fill(self, int fd, size_t n):
        cdef Conn conn
        memset(&conn, 0, sizeof(conn))
        conn.fd = fd
        conn.flags = C_READABLE
        said = pipe_fill(&self.pipe, &conn, n)
        return said, bool(conn.flags & C_READABLE)

    def drain(self, int fd):
        cdef Conn conn
        memset(&conn, 0, sizeof(conn))
        conn.fd = fd
        conn.flags = C_WRITABLE
        said = pipe_drain(&self.pipe, &conn)
        return said, bool(conn.flags & C_WRITABLE)

    def give(self):
        pipe_give(self.pipes.engine, &self.pipe)
