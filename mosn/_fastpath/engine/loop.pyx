"""The event loop of a worker's engine: epoll, timers, two queues (see loop.pxd).

A batch: wait, clock, every event's reads and writes, connections that asked for another turn, timers, commands of
the main thread, then the memory of closed connections is freed.  Nothing here calls Python.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memset

from mosn._fastpath.engine.conn cimport conn_flush, conn_read
from mosn._fastpath.engine.system cimport (
    CLOCK_MONOTONIC, CLOCK_REALTIME, EFD_CLOEXEC, EFD_NONBLOCK, EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT, EPOLLRDHUP,
    EPOLL_CLOEXEC, EPOLL_CTL_ADD, SOL_SOCKET, SO_ERROR, clock_gettime, close, epoll_create1, epoll_ctl, epoll_event,
    epoll_wait, eventfd, getsockopt, mosn_load, mosn_store, read, socklen_t, timespec, write,
)
from mosn._fastpath.engine.timer cimport timers_run, timers_wait, wheel_init
from mosn._fastpath.engine.tls cimport tls_free, tls_handshake, tls_settle
from mosn._fastpath.engine.types cimport (
    C_CLOSE_AFTER, C_CONNECTING, C_DEAD, C_IN_FLUSH, C_IN_READY, C_RDHUP, C_READABLE, C_SHUT_AFTER, C_WRITABLE,
    QUEUE_SIZE, SCRATCH_BYTES, Conn, Engine, Queue, QueueItem, Tls,
)
from mosn._fastpath.memory cimport pool_free_all, pool_init


cdef enum:
    EVENTS_PER_BATCH = 256
    LONGEST_WAIT_MS = 1000      # the heartbeat of an idle worker


cdef uint64_t random_next(uint64_t *state) noexcept nogil:
    cdef uint64_t a = state[0]
    cdef uint64_t b = state[1]
    state[0] = b
    a ^= a << 23
    state[1] = a ^ b ^ (a >> 17) ^ (b >> 26)
    return state[1] + b


# -- queues

cdef int queue_put(Queue *queue, uint32_t kind, uint32_t value, void *pointer, double number) noexcept nogil:
    cdef uint64_t tail = queue.tail
    cdef QueueItem *item
    if tail - mosn_load(&queue.head) == QUEUE_SIZE:
        return -1
    item = &queue.items[tail & (QUEUE_SIZE - 1)]
    item.kind = kind
    item.value = value
    item.pointer = pointer
    item.number = number
    mosn_store(&queue.tail, tail + 1)
    return 0


cdef bint queue_get(Queue *queue, QueueItem *item) noexcept nogil:
    cdef uint64_t head = queue.head
    if head == mosn_load(&queue.tail):
        return False
    item[0] = queue.items[head & (QUEUE_SIZE - 1)]
    mosn_store(&queue.head, head + 1)
    return True


cdef void engine_wake(int event_fd) noexcept nogil:
    cdef uint64_t one = 1
    write(event_fd, &one, sizeof(one))


# -- clock

cdef void engine_clock(Engine *engine) noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_MONOTONIC, &now)
    engine.now_us = <uint64_t>now.tv_sec * 1000000 + <uint64_t>now.tv_nsec // 1000
    engine.now_ms = engine.now_us // 1000


cdef void wall_clock(Engine *engine) noexcept nogil:
    cdef timespec now
    clock_gettime(CLOCK_REALTIME, &now)
    engine_clock(engine)
    engine.wall_offset_us = now.tv_sec * 1000000 + now.tv_nsec // 1000 - <long>engine.now_us


# -- life

cdef int engine_init(Engine *engine) except -1:
    cdef epoll_event event
    memset(engine, 0, sizeof(Engine))
    engine.epoll_fd = epoll_create1(EPOLL_CLOEXEC)
    engine.wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    engine.event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)
    engine.scratch = <char *>calloc(1, SCRATCH_BYTES)
    if engine.epoll_fd < 0 or engine.wake_fd < 0 or engine.event_fd < 0 or engine.scratch == NULL:
        raise OSError("the engine could not get descriptors or memory (see ulimit -n)")
    wall_clock(engine)
    engine.random[0] = engine.now_us * <uint64_t>0x9E3779B97F4A7C15 + <uint64_t><size_t>engine
    engine.random[1] = engine.random[0] ^ <uint64_t>0xD1B54A32D192ED03
    pool_init(&engine.pool)
    wheel_init(&engine.wheel, engine.now_ms)
    event.events = EPOLLIN
    event.data.ptr = NULL
    if epoll_ctl(engine.epoll_fd, EPOLL_CTL_ADD, engine.wake_fd, &event) < 0:
        raise OSError("epoll_ctl failed for the engine's eventfd")
    return 0


cdef void engine_free(Engine *engine) noexcept nogil:
    if engine.epoll_fd > 0:
        close(engine.epoll_fd)
        close(engine.wake_fd)
        close(engine.event_fd)
    pool_free_all(&engine.pool)
    free(engine.scratch)
    engine.scratch = NULL
    free(engine.wire)
    engine.wire = NULL


# -- a batch

cdef void finish_handshake(Conn *conn) noexcept nogil:
    # A connection to a TLS peer is connected when the handshake is done.
    cdef int said = tls_handshake(conn)
    if said == 0:
        return
    conn.flags &= ~<uint32_t>C_CONNECTING
    if said < 0:
        conn.ops.on_error(conn, conn.tls.error)
        return
    conn.flags |= C_READABLE            # what came with the end of the handshake is in OpenSSL's hands
    conn.ops.on_connected(conn)


cdef void finish_connect(Conn *conn) noexcept nogil:
    cdef int error = 0
    cdef socklen_t n = sizeof(error)
    if getsockopt(conn.fd, SOL_SOCKET, SO_ERROR, &error, &n) < 0 or error:
        conn.flags &= ~<uint32_t>C_CONNECTING
        conn.ops.on_error(conn, error)
    elif conn.tls != NULL:
        finish_handshake(conn)
    else:
        conn.flags &= ~<uint32_t>C_CONNECTING
        conn.ops.on_connected(conn)


cdef void end_turn(Engine *engine) noexcept nogil:
    # What was written goes out, what died is freed.
    cdef Conn *conn
    while engine.flush != NULL:
        conn = engine.flush
        engine.flush = conn.next_flush
        conn.flags &= ~<uint32_t>C_IN_FLUSH
        if not conn.flags & C_DEAD:
            conn_flush(conn)
    if engine.trash != NULL:
        engine.empty_trash(engine)


cdef void end_batch(Engine *engine) noexcept nogil:
    # Connections that many exchanges share send what the whole batch wrote to them, at once.
    cdef Conn *conn
    end_turn(engine)
    while engine.late != NULL:
        conn = engine.late
        engine.late = conn.next_flush
        conn.flags &= ~<uint32_t>C_IN_FLUSH
        if not conn.flags & C_DEAD:
            conn_flush(conn)
        end_turn(engine)


cdef inline void note_readable(Conn *conn, uint32_t events) noexcept nogil:
    # Before any event of the batch is handled: who is lent a connection has to know that it has something to say.
    if events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP):
        conn.flags |= C_READABLE


cdef void handle(Conn *conn, uint32_t events) noexcept nogil:
    if conn.flags & C_DEAD:
        return
    if events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR):
        conn.flags |= C_RDHUP
    if events & (EPOLLOUT | EPOLLERR | EPOLLHUP):
        conn.flags |= C_WRITABLE
        if conn.flags & C_CONNECTING:
            finish_connect(conn)
        if not conn.flags & C_DEAD and (conn.outbuf.data != NULL or conn.flags & (C_SHUT_AFTER | C_CLOSE_AFTER)):
            conn_flush(conn)
        if not conn.flags & C_DEAD and conn.ops.on_writable != NULL:
            conn.ops.on_writable(conn)
    elif conn.flags & C_CONNECTING and conn.tls != NULL:
        finish_connect(conn)
    if conn.flags & C_READABLE and not conn.flags & C_DEAD:
        read_turn(conn)


cdef inline void read_turn(Conn *conn) noexcept nogil:
    if conn.ops.on_readable != NULL:
        conn.ops.on_readable(conn)
    else:
        conn_read(conn)


cdef void run_ready(Engine *engine) noexcept nogil:
    # Everybody who is in the list now gets one turn; who asks again waits for the next batch.
    cdef Conn *conn = engine.ready
    cdef Conn *following
    engine.ready = NULL
    engine.ready_last = NULL
    while conn != NULL:
        following = conn.next_ready
        conn.flags &= ~<uint32_t>C_IN_READY
        if not conn.flags & C_DEAD:
            read_turn(conn)
            end_turn(engine)
        conn = following


cdef void free_dead(Engine *engine) noexcept nogil:
    cdef Conn *conn
    cdef Conn *kept = NULL
    cdef Tls *tls
    while engine.dead != NULL:
        conn = engine.dead
        engine.dead = conn.next_dead
        if conn.flags & (C_IN_READY | C_IN_FLUSH):
            conn.next_dead = kept       # a list still points at it
            kept = conn
        else:
            tls = conn.tls
            if tls != NULL:
                tls_settle(tls)
            conn.ops.destroy(conn)
            if tls != NULL:
                tls_free(engine, tls)
    engine.dead = kept


cdef void run_commands(Engine *engine) noexcept nogil:
    cdef uint64_t count
    cdef QueueItem item
    read(engine.wake_fd, &count, sizeof(count))
    while queue_get(&engine.commands, &item):
        engine.on_command(engine, &item)


cdef void engine_run(Engine *engine) noexcept nogil:
    cdef epoll_event events[256]
    cdef int i, n, wait
    cdef bint commanded
    while engine.running:
        wait = 0 if engine.ready != NULL else timers_wait(engine, LONGEST_WAIT_MS)
        n = epoll_wait(engine.epoll_fd, events, EVENTS_PER_BATCH, wait)
        engine_clock(engine)
        engine.wakeups += 1
        commanded = False
        for i in range(n):
            if events[i].data.ptr != NULL:
                note_readable(<Conn *>events[i].data.ptr, events[i].events)
        for i in range(n):
            if events[i].data.ptr == NULL:
                commanded = True
                continue
            if (i & 7) == 7:
                engine_clock(engine)
            handle(<Conn *>events[i].data.ptr, events[i].events)
            end_turn(engine)
        if n > 0:
            engine.event_count += n
        run_ready(engine)
        timers_run(engine)
        if commanded:
            run_commands(engine)
        end_batch(engine)
        free_dead(engine)
        if engine.on_batch != NULL:
            engine.on_batch(engine)
        if engine.wakeups & 0xFFFF == 0 or n == 0:
            wall_clock(engine)
