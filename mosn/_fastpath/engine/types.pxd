# The structs of the event loop: timers, connections, the engine itself.
#
# One Engine per worker, on one thread that never takes the GIL.  Everything here is touched by that thread only,
# except the two queues, whose ends belong to one thread each.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.memory cimport BlockPool, Buf


cdef struct Timer:
    # Intrusive.  Armed when prev is not NULL.  due is in engine milliseconds.
    Timer *next
    Timer *prev
    uint64_t due
    void (*fire)(Engine *engine, Timer *timer) noexcept nogil


cdef enum:
    WHEEL_LEVELS = 4
    WHEEL_SLOTS = 256


cdef struct Wheel:
    # Hierarchical timing wheel, 1 ms a tick.  Slots are rings with a sentinel.
    uint64_t now                            # last tick that was run
    uint32_t armed
    Timer slots[4][256]


cdef enum ConnFlag:
    C_READABLE = 1              # the kernel may have bytes for us
    C_WRITABLE = 2              # the kernel may take bytes
    C_CONNECTING = 4
    C_RDHUP = 8                 # the peer will send no more: read until 0
    C_PAUSED = 16               # the owner does not want bytes now
    C_EOF = 32                  # recv returned 0
    C_DEAD = 64                 # closed; memory is freed when the batch is over
    C_IN_READY = 128            # linked in Engine.ready
    C_IN_FLUSH = 256            # linked in Engine.flush
    C_CLOSE_AFTER = 512         # close once outbuf is empty
    C_SHUT_AFTER = 1024         # shutdown(SHUT_WR) once outbuf is empty
    C_SHUT = 2048               # shutdown(SHUT_WR) was done
    C_HIGH = 4096               # outbuf is above its high watermark
    C_LINGER = 8192             # answered and shut; unread input is thrown away until EOF or the timer
    C_LISTENING = 16384
    C_REDELIVER = 32768         # resume: offer inbuf to the owner again even without new bytes
    C_LINGERED = 131072         # the linger timer closed it: the peer did not
    C_LATE = 65536              # many exchanges share it: what was written goes out once, after the batch


cdef struct ConnOps:
    # What the owner of a connection is told.  Any of them may close the connection (conn_close); the memory stays
    # valid until the batch is over.
    # n bytes at p are unread (p may be the engine's scratch: do not keep it).  Returns how many were taken; the
    # rest is kept in inbuf and offered again, in front of newer bytes.
    size_t (*on_data)(Conn *conn, char *p, size_t n) noexcept nogil
    void (*on_eof)(Conn *conn) noexcept nogil
    void (*on_error)(Conn *conn, int error) noexcept nogil      # errno; connect failures too
    void (*on_connected)(Conn *conn) noexcept nogil
    void (*on_drained)(Conn *conn) noexcept nogil               # outbuf fell below half of its high watermark
    void (*on_timer)(Conn *conn) noexcept nogil
    void (*on_readable)(Conn *conn) noexcept nogil              # NULL: conn_read does it
    void (*on_writable)(Conn *conn) noexcept nogil              # NULL: conn_flush does it
    void (*destroy)(Conn *conn) noexcept nogil                  # free the memory (batch is over)


cdef struct Conn:
    Engine *engine
    const ConnOps *ops
    int fd
    uint32_t flags
    uint32_t high_water
    uint32_t read_limit         # bytes of one recv into the scratch; 0 all of it
    Buf inbuf
    Buf outbuf
    Timer timer
    Tls *tls                    # NULL: plain text
    Conn *next_ready
    Conn *next_flush
    Conn *next_dead


cdef enum TlsFlag:
    T_OPEN = 1                  # the handshake is done
    T_KERNEL = 2                # in this call, the socket may still have bytes
    T_FIN = 4                   # the peer's FIN was read
    T_EOF = 8                   # the peer's close_notify was read, or a FIN without one
    T_TRUNCATED = 16            # the latter: what came last may be less than was sent
    T_FAILED = 32               # see error; nothing more can be read or written
    T_NOTIFIED = 64             # our close_notify was written
    T_CLIENT = 128              # we opened the connection


cdef struct Tls:
    # The TLS of one connection (see tls.pxd).
    void *ssl                   # SSL *
    Conn *conn
    void *context               # what the handshake is checked against; the proxy's
    void *held                  # what keeps `context` alive; the proxy's
    void (*settled)(Tls *tls) noexcept nogil        # the handshake is done, has failed, or was given up; then NULL
    void *peer                  # the proxy's: the upstream host
    void *hello                 # the proxy's: what a listener filter read of the ClientHello; freed with this
    void *facts                 # the proxy's: what is told of the connection; freed with this
    uint64_t generation         # of the context: sessions are good for connections of the same one
    Buf early                   # bytes that were read from the socket before TLS took over
    uint32_t sealed             # so many bytes at the front of conn.outbuf are records already
    uint32_t flags              # TlsFlag
    int error                   # errno of T_FAILED: EPROTO when TLS itself failed
    unsigned long reason        # OpenSSL's code of that; 0 none
    uint32_t refusal            # why the proxy's own check of the peer's certificate failed; private to the proxy


cdef struct Pipe:
    int ends[2]
    bint open
    uint64_t bytes              # inside


cdef struct QueueItem:
    uint32_t kind
    uint32_t value
    void *pointer
    double number


cdef enum:
    QUEUE_SIZE = 1024


cdef struct Queue:
    # Single producer, single consumer.
    QueueItem items[1024]
    uint64_t head
    uint64_t tail


cdef struct Engine:
    int epoll_fd
    int wake_fd                 # eventfd: main thread -> engine
    int event_fd                # eventfd: engine -> main thread
    int running
    uint64_t now_ms             # CLOCK_MONOTONIC
    uint64_t now_us
    int64_t wall_offset_us      # add to now_us: microseconds since 1970
    uint64_t random[2]
    Wheel wheel
    BlockPool pool
    char *scratch               # SCRATCH_BYTES, for reading
    char *wire                  # records on their way from OpenSSL to the socket; NULL until there is TLS
    size_t wire_bytes
    size_t wire_room
    Pipe pipes[16]              # empty ones, kept for the next bulk transfer
    uint32_t kept_pipes
    Conn *ready                 # to be read (again) in this batch
    Conn *ready_last
    Conn *flush
    Conn *late                  # to be flushed when the batch is over
    Conn *dead
    Queue commands
    Queue events
    void (*on_command)(Engine *engine, QueueItem *item) noexcept nogil
    void (*on_batch)(Engine *engine) noexcept nogil             # after every batch; may be NULL
    void *trash                 # what the app wants freed once the current event has been handled
    void (*empty_trash)(Engine *engine) noexcept nogil
    void *app                   # the proxy's state
    uint64_t wakeups
    uint64_t event_count


cdef enum:
    SCRATCH_BYTES = 65536
    KEPT_PIPES = 16
