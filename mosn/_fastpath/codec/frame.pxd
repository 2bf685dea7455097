# What a length-framed, multiplexed RPC protocol is to the proxy: one table of functions (FrameCodec).
#
# A frame is looked at in two steps.  `parse` needs only its fixed part: where it ends, its kind, id, timeout, status.
# `read_head` makes the one request model of it: :method POST, :authority the service, :path /service/method, then
# headers.  A frame that nobody changed is sent on as it came, with its id (and timeout) patched in place; otherwise
# `write` makes a new head, and the body follows byte-exact.
#
# A codec does no I/O, has no clock and keeps nothing between calls.  Adding one: a module with a FrameCodec and one
# line in frames.pyx.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.head cimport Head, Header
from mosn._fastpath.memory cimport BlockPool, Buf, Slice


cdef enum FrameKind:
    FRAME_REQUEST = 1           # wants a response
    FRAME_ONEWAY                # a request that gets none
    FRAME_RESPONSE
    FRAME_HEARTBEAT             # wants a FRAME_HEARTBEAT_ANSWER
    FRAME_HEARTBEAT_ANSWER
    FRAME_GOAWAY                # the sender takes no more requests on this connection
    FRAME_EVENT                 # anything else that nobody answers; it is dropped


cdef enum FrameError:
    FRAME_OK = 0
    FRAME_NOT_THE_PROTOCOL      # magic, version, type or command unknown
    FRAME_TOO_LARGE             # the lengths say more than limits.frame_bytes
    FRAME_BAD_LENGTH            # a length that is negative, or shorter or longer than its parts
    FRAME_BAD_HEADERS           # the headers cannot be read, or are more than limits.headers
    FRAME_BAD_CHECKSUM


cdef enum FrameSkip:
    SKIP_HEADERS = 1            # nobody looks at a request's own headers, or adds any
    SKIP_PATH = 2               # nobody looks at :path


cdef struct FrameLimits:
    uint32_t frame_bytes        # a whole frame, head and body
    uint32_t headers            # entries
    uint32_t skip               # FrameSkip: what read_head may leave out of a request


cdef struct Frame:
    # Facts about one frame.  Offsets count from its first byte, wherever that is now.
    uint64_t id                 # as it stands on the wire, zero extended
    uint32_t length             # of the whole frame; set as soon as it is known, even while bytes are missing
    uint32_t head_length        # bytes before the body
    uint32_t body_end           # a checksum or the like may follow; else length
    int32_t timeout_ms          # what the sender will wait; <= 0: it did not say
    uint16_t status             # of a response: the wire's own
    uint16_t code               # of a response: in HTTP's words, for statistics, retries and logs
    uint8_t kind                # FrameKind
    uint8_t version             # the codec's own business, as are the next two
    uint8_t serialization
    uint8_t switches
    uint8_t error               # FrameError after -1
    # Set by read_head: head.items[first_header : first_header + header_count] are the frame's own, in its order;
    # those before are made up (x-mosn-protocol, class ...) and are not written out, those behind were added.
    uint16_t first_header
    uint16_t header_count


cdef enum FrameMatch:
    MATCH_NO = -1
    MATCH_MORE = 0
    MATCH_YES = 1
    MATCH_BYTES = 64            # with so many, MATCH_MORE counts as MATCH_NO


cdef struct FrameCodec:
    const char *name            # "bolt"; :authority of nothing, value of x-mosn-protocol and of %PROTOCOL%'s label
    uint64_t id_mask            # bits of an id
    uint32_t lookahead          # bytes of the longest fixed part: with so many, parse knows frame.length
    # FrameMatch: does a client of this protocol begin with these bytes (n > 0)?  NULL: it cannot be told from others.
    int (*matches)(const FrameCodec *self, const char *p, size_t n) noexcept nogil
    # The length of the first frame when all of it is at p, 0 when more is needed, -1 (out.error) when these bytes are
    # no frame.  Never needs more than limits.frame_bytes; refuses a length that lies before the rest has come.
    int64_t (*parse)(const FrameCodec *self, const char *p, size_t n, const FrameLimits *limits,
                     Frame *out) noexcept nogil
    # Fill `head` (head_init was called) from a whole frame.  Names and values point into p or head.arena: p has to
    # live as long as head.  Names are lower case, known ones have their id.  0, or -1 (frame.error).
    int (*read_head)(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                     Head *head) noexcept nogil
    # Add the headers that read_head left out for SKIP_HEADERS, to a head that nothing was added to since; frame gets
    # the timeout that stands among them.  0, or -1.  NULL: read_head leaves none out.
    int (*read_rest)(const FrameCodec *self, const char *p, Frame *frame, const FrameLimits *limits,
                     Head *head) noexcept nogil
    # Put another timeout (milliseconds) into the head, where it is one of the headers.  NULL: `patch` and `write` do.
    void (*set_timeout)(const FrameCodec *self, const Frame *frame, Head *head, int32_t timeout_ms) noexcept nogil
    # Does this request give the server something to call back?  NULL: no request of this protocol does.
    bint (*calls_back)(const FrameCodec *self, const char *p, const Frame *frame) noexcept nogil
    # Is head another than read_head made of p?
    bint (*changed)(const FrameCodec *self, const char *p, const Frame *frame, const Head *head) noexcept nogil
    # In place: another id; another timeout unless timeout_ms is negative; the checksum, if there is one.
    void (*patch)(const FrameCodec *self, char *p, const Frame *frame, uint64_t id, int32_t timeout_ms) noexcept nogil
    # Append the frame with head's headers instead of its own.  0, or -1: no memory, or does not fit the protocol.
    int (*write)(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *frame,
                 const Head *head, uint64_t id,
                 int32_t timeout_ms) noexcept nogil
    # Append a heartbeat, in the version and with the serialization of `like` (a frame of this connection).
    int (*heartbeat)(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like, uint64_t id) noexcept nogil
    int (*heartbeat_answer)(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *request) noexcept nogil
    # Append our own answer to a request that stands at p, for the client's id in request.id (the one in p may be
    # new).  code is HTTP's: 404 no route, 503 no healthy host, overflow or reset, 504 timed out, 403 refused, 429 over
    # quota; text says why.
    int (*reply)(const FrameCodec *self, BlockPool *pool, Buf *out, const char *p, const Frame *request,
                 uint32_t code, Slice text) noexcept nogil
    # Append "no more requests on this connection, please"; NULL: clients of this protocol know no such thing.
    int (*goaway)(const FrameCodec *self, BlockPool *pool, Buf *out, const Frame *like) noexcept nogil


cdef inline uint32_t be16(const char *p) noexcept nogil:
    return (<uint32_t>(<const uint8_t *>p)[0] << 8) | (<const uint8_t *>p)[1]


cdef inline uint32_t be32(const char *p) noexcept nogil:
    return (be16(p) << 16) | be16(p + 2)


cdef inline uint64_t be64(const char *p) noexcept nogil:
    return (<uint64_t>be32(p) << 32) | be32(p + 4)


cdef inline void put16(char *p, uint32_t value) noexcept nogil:
    p[0] = <char>(value >> 8)
    p[1] = <char>value


cdef inline void put32(char *p, uint32_t value) noexcept nogil:
    put16(p, value >> 16)
    put16(p + 2, value)


cdef inline void put64(char *p, uint64_t value) noexcept nogil:
    put32(p, <uint32_t>(value >> 32))
    put32(p + 4, <uint32_t>value)


cdef inline bint inside(const char *p, uint32_t n, const char *q) noexcept nogil:
    return <size_t>q - <size_t>p <= n


cdef inline bint frame_head_changed(const FrameCodec *self, const char *p, const Frame *frame,
                                    const Head *head) noexcept nogil:
    # `changed` for codecs whose header values point into the frame: a change removes, adds or points elsewhere.
    cdef const Header *item
    cdef uint32_t i
    if head.count != <uint32_t>frame.first_header + frame.header_count:
        return True
    for i in range(frame.first_header, head.count):
        item = &head.items[i]
        if item.removed or not inside(p, frame.length, item.value):
            return True
    return False
