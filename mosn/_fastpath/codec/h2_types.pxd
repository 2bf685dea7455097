# What the parts of the HTTP/2 codec share (RFC 9113).  One H2 is one connection, on either side of it.
#
# No I/O and no clock: bytes come through h2_feed and go into a Buf, the owner sets now_ms.  What happens on the
# connection is told through H2Events; an event may send, reset and detach.

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.codec.hpack_decode cimport HpackDecoder, HpackLimits
from mosn._fastpath.codec.hpack_encode cimport HpackEncoder
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf


cdef enum H2Code:
    # RFC 9113 section 7
    H2_NO_ERROR = 0
    H2_PROTOCOL_ERROR
    H2_INTERNAL_ERROR
    H2_FLOW_CONTROL_ERROR
    H2_SETTINGS_TIMEOUT
    H2_STREAM_CLOSED
    H2_FRAME_SIZE_ERROR
    H2_REFUSED_STREAM
    H2_CANCEL
    H2_COMPRESSION_ERROR
    H2_CONNECT_ERROR
    H2_ENHANCE_YOUR_CALM
    H2_INADEQUATE_SECURITY
    H2_HTTP_1_1_REQUIRED


cdef enum H2FrameType:
    H2_DATA = 0
    H2_HEADERS
    H2_PRIORITY
    H2_RST_STREAM
    H2_SETTINGS
    H2_PUSH_PROMISE
    H2_PING
    H2_GOAWAY
    H2_WINDOW_UPDATE
    H2_CONTINUATION


cdef enum H2Flag:
    H2_END_STREAM = 1           # and ACK
    H2_ACK = 1
    H2_END_HEADERS = 4
    H2_PADDED = 8
    H2_HAS_PRIORITY = 32


cdef enum H2Setting:
    H2_SET_TABLE_SIZE = 1
    H2_SET_PUSH
    H2_SET_STREAMS
    H2_SET_WINDOW
    H2_SET_FRAME
    H2_SET_LIST
    H2_SET_CONNECT = 8          # RFC 8441


cdef enum:
    H2_FRAME_HEAD = 9
    H2_LEAST_FRAME = 16384      # what every peer takes; we take no more
    H2_DEFAULT_WINDOW = 65535
    H2_MOST_WINDOW = 0x7fffffff
    H2_PREFACE_BYTES = 24
    H2_CLOSED = 64              # streams whose end is remembered


cdef enum H2Note:
    # What is worth counting; the first names are Envoy's http2.* counters.
    H2N_HEADER_OVERFLOW = 0
    H2N_EMPTY_FLOOD
    H2N_PRIORITY_FLOOD
    H2N_WINDOW_FLOOD
    H2N_CONTROL_FLOOD
    H2N_MESSAGING_ERROR
    H2N_RX_RESET
    H2N_TX_RESET
    H2N_TRAILERS
    H2N_GOAWAY_SENT
    H2N_REFUSED
    H2N_CONTINUATION_FLOOD      # ours
    H2N_PREMATURE_RESETS        # ours: Envoy counts it in the connection manager
    H2N_COUNT


cdef struct H2Config:
    uint32_t max_streams        # that the peer may have open
    uint32_t stream_window      # what we let it send, per stream
    uint32_t connection_window  # and in all; at least 65535
    uint32_t table_size         # of HPACK, for what it sends
    uint32_t encoder_table      # and the most that we use for what we send
    HpackLimits limits          # of a head or trailers
    uint32_t out_limit          # bytes of output from which on DATA waits in its stream
    uint8_t connect_protocol    # extended CONNECT is offered
    # Envoy's limits against floods
    uint32_t max_control        # answers to frames (acknowledgements, resets) that the peer did not take yet: 1000
    uint32_t max_empty          # empty frames in a row: 1
    uint32_t max_priority       # PRIORITY frames for each stream: 100
    uint32_t max_window_updates  # WINDOW_UPDATE frames for each DATA frame that we sent: 10
    uint32_t max_premature      # streams; more than half of so many reset within premature_ms: 500
    uint32_t premature_ms
    uint32_t max_continuations  # of one head


cdef struct H2Settings:
    uint32_t table_size
    uint32_t max_streams
    uint32_t window
    uint32_t max_frame
    uint32_t list_bytes
    uint8_t push
    uint8_t connect_protocol


cdef enum H2StreamFlag:
    H2S_REMOTE_END = 1          # the peer sent END_STREAM
    H2S_LOCAL_END = 2           # we did
    H2S_RESET = 4               # RST_STREAM went or came
    H2S_HEAD_IN = 8             # the peer's (final) head came
    H2S_HEAD_OUT = 16
    H2S_END_QUEUED = 32         # the queue ends with END_STREAM
    H2S_TAIL = 64               # and with trailers
    H2S_BLOCKED = 128           # in H2.blocked
    H2S_NO_BODY = 256           # the answer has none, whatever its Content-Length says (HEAD)
    H2S_CONNECT = 512
    H2S_OWNED = 1024            # owner is told of it
    H2S_COUNTED = 2048          # of those that the peer opened


cdef struct H2Stream:
    uint32_t id                 # 0: free
    uint32_t flags              # H2StreamFlag
    int64_t send_window         # may be negative
    int64_t recv_window
    uint32_t consumed           # bytes not given back to the peer yet
    int64_t expect              # bytes of the body still to come, -1 not said
    uint64_t opened_ms
    Buf queue                   # DATA that waits
    Buf tail                    # trailers behind it
    void *owner
    H2Stream *chain             # same place of the table; free list
    H2Stream *next_blocked
    H2Stream *previous_blocked


cdef enum H2Part:
    H2_PART_HEAD = 0            # a request's; a response's, interim ones too
    H2_PART_TRAILERS


cdef struct H2Events:
    # Where the fields go that come now (its arena is set and it is empty otherwise).  A stream that is new has no
    # owner yet: the owner sets stream.owner.  NULL: the stream is refused.
    Head *(*place)(H2 *h2, H2Stream *stream, int part) noexcept nogil
    # A head is complete and good.  Responses: status < 200 is an interim one.
    void (*head)(H2 *h2, H2Stream *stream, Head *head, bint end) noexcept nogil
    # n bytes at p; p is valid for the call only.  h2_consumed gives their room back to the peer.
    void (*data)(H2 *h2, H2Stream *stream, const char *p, size_t n, bint end) noexcept nogil
    void (*trailers)(H2 *h2, H2Stream *stream, Head *trailers) noexcept nogil
    # The head is larger than the limits (a server answers 431), and nothing else will come of it.
    void (*too_large)(H2 *h2, H2Stream *stream, bint end) noexcept nogil
    # The stream is over: `remote` by the peer's RST_STREAM, else because what it sent is malformed.  Detach.
    void (*reset)(H2 *h2, H2Stream *stream, uint32_t code, bint remote) noexcept nogil
    # The stream's queue is empty again.
    void (*writable)(H2 *h2, H2Stream *stream) noexcept nogil
    void (*settings)(H2 *h2) noexcept nogil
    void (*goaway)(H2 *h2, uint32_t last_id, uint32_t code) noexcept nogil
    void (*ponged)(H2 *h2) noexcept nogil
    void (*note)(H2 *h2, uint8_t note) noexcept nogil


cdef struct H2Frame:
    uint32_t length             # of the payload
    uint32_t id
    uint8_t kind
    uint8_t flags


cdef struct H2ClosedStream:
    uint32_t id
    uint8_t how                 # H2StreamFlag: REMOTE_END, or RESET (by us), or 0 (reset by the peer)


cdef struct H2:
    BlockPool *pool
    Buf *out                    # what is to be sent; the owner takes it away
    const H2Events *events
    void *owner
    H2Config config
    H2Settings peer
    HpackDecoder decoder
    HpackEncoder encoder
    H2Stream **table            # by id
    uint32_t table_size
    uint32_t stream_count
    uint32_t peer_streams       # open, opened by the peer
    uint32_t own_streams
    uint32_t last_peer_id
    uint32_t next_id            # of ours
    H2Stream *free_streams
    H2Stream *blocked           # have something queued; oldest first
    H2Stream *blocked_last
    uint32_t blocked_count
    int64_t send_window
    int64_t recv_window
    uint32_t consumed
    uint64_t now_ms             # set by the owner before each call
    uint32_t settings_unacked
    # what is being read
    uint32_t preface            # bytes of the preface still to come
    uint8_t settings_seen
    uint32_t data_left          # of a DATA frame's payload
    uint32_t pad_left
    uint32_t data_id
    uint8_t data_flags
    Buf block                   # of a head whose CONTINUATION frames are still to come
    uint32_t block_id           # 0: none
    uint8_t block_flags
    uint32_t continuations
    # ends
    uint32_t goaway_last        # the last id that our GOAWAY let pass
    uint32_t peer_goaway_last
    uint8_t goaway_sent
    uint8_t goaway_received
    uint8_t failed
    uint32_t error              # H2Code
    const char *why
    # floods
    uint32_t control_out
    uint32_t empty_in
    uint64_t priorities_in
    uint64_t window_updates_in
    uint64_t data_out
    uint64_t streams_opened
    uint64_t streams_closed
    uint64_t premature
    H2ClosedStream closed[64]
    uint32_t closed_at
    uint8_t client
