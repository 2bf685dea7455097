"""Dubbo's frames: the fixed part, events, statuses and the answers that a sidecar gives itself (see dubbo.pxd)."""

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.string cimport memcmp

from mosn._fastpath.codec.dubbo_head cimport dubbo_calls_back, dubbo_read_head, dubbo_read_rest, dubbo_set_timeout
from mosn._fastpath.codec.dubbo_reply cimport dubbo_goaway, dubbo_heartbeat, dubbo_heartbeat_answer, dubbo_reply
from mosn._fastpath.codec.dubbo_write cimport dubbo_changed, dubbo_write
from mosn._fastpath.codec.frame cimport (
    FRAME_BAD_LENGTH,
    FRAME_EVENT,
    FRAME_GOAWAY,
    FRAME_HEARTBEAT,
    FRAME_HEARTBEAT_ANSWER,
    FRAME_NOT_THE_PROTOCOL,
    FRAME_ONEWAY,
    FRAME_REQUEST,
    FRAME_RESPONSE,
    FRAME_TOO_LARGE,
    MATCH_MORE,
    MATCH_NO,
    MATCH_YES,
    Frame,
    FrameCodec,
    FrameLimits,
    be16,
    be32,
    be64,
    put64,
)


cdef inline int64_t _fail(Frame *out, uint8_t error) noexcept nogil:
    out.error = error
    return -1


cdef bint _is_readonly(const char *body, uint32_t n, uint8_t serialization) noexcept nogil:
    # The string "R"; of the serializations that are not read, those that are JSON in text are known by their quotes.
    if serialization == DUBBO_FASTJSON2:
        return n == 6 and memcmp(body, b"\0\0\0\2\x4aR", 6) == 0
    if serialization == DUBBO_HESSIAN2:
        return n == 2 and memcmp(body, b"\1R", 2) == 0
    return n >= 3 and memcmp(body, b'"R"', 3) == 0


cdef uint8_t _request_kind(const char *p, const Frame *frame) noexcept nogil:
    if not frame.switches & DUBBO_EVENT:
        return FRAME_REQUEST if frame.switches & DUBBO_TWO_WAY else FRAME_ONEWAY
    if _is_readonly(p + DUBBO_HEAD, frame.length - DUBBO_HEAD, frame.serialization):
        return FRAME_GOAWAY
    return FRAME_HEARTBEAT if frame.switches & DUBBO_TWO_WAY else FRAME_EVENT


cdef uint8_t _value_kind(const char *body, uint32_t n, uint8_t serialization) noexcept nogil:
    # The small integer that a response begins with: Hessian writes one byte, JSONB a length, then 0xbd and a byte or
    # the byte itself.
    cdef uint8_t kind = DUBBO_NO_VALUE
    if serialization == DUBBO_HESSIAN2 and n:
        kind = <uint8_t>(<uint8_t>body[0] - 0x90)
    elif serialization == DUBBO_FASTJSON2 and n > 4 and be32(body) == 1:
        kind = <uint8_t>body[4]
    elif serialization == DUBBO_FASTJSON2 and n > 5 and be32(body) == 2 and <uint8_t>body[4] == 0xbd:
        kind = <uint8_t>body[5]
    return kind if kind <= DUBBO_NULL_WITH_ATTACHMENTS else DUBBO_NO_VALUE


cdef uint16_t _code_of(uint16_t status, uint8_t value) noexcept nogil:
    # A response's status in HTTP's words; an exception of the service is a 500.
    if status == DUBBO_OK:
        return 500 if value == DUBBO_EXCEPTION or value == DUBBO_EXCEPTION_WITH_ATTACHMENTS else 200
    if status == DUBBO_CLIENT_TIMEOUT or status == DUBBO_SERVER_TIMEOUT:
        return 504
    if status == DUBBO_CHANNEL_INACTIVE or status == DUBBO_THREADPOOL_EXHAUSTED:
        return 503
    if status == DUBBO_BAD_REQUEST:
        return 400
    if status == DUBBO_BAD_RESPONSE:
        return 502
    return 404 if status == DUBBO_SERVICE_NOT_FOUND else 500


cdef void _facts(const char *p, Frame *out) noexcept nogil:
    # What needs the whole frame.
    if out.switches & DUBBO_REQUEST:
        out.kind = _request_kind(p, out)
        return
    out.kind = FRAME_HEARTBEAT_ANSWER if out.switches & DUBBO_EVENT else FRAME_RESPONSE
    out.status = <uint8_t>p[3]
    if out.kind == FRAME_RESPONSE:
        out.version = _value_kind(p + DUBBO_HEAD, out.length - DUBBO_HEAD, out.serialization)
    out.code = _code_of(out.status, out.version)


cdef int _matches(const FrameCodec *self, const char *p, size_t n) noexcept nogil:
    if <uint8_t>p[0] != DUBBO_MAGIC >> 8 or (n > 1 and <uint8_t>p[1] != DUBBO_MAGIC & 255):
        return MATCH_NO
    return MATCH_YES if n > 1 else MATCH_MORE


cdef int64_t _parse(const FrameCodec *self, const char *p, size_t n, const FrameLimits *limits,
                    Frame *out) noexcept nogil:
    cdef uint32_t body
    out.length = 0
    if n < DUBBO_HEAD:
        if n and (<uint8_t>p[0] != DUBBO_MAGIC >> 8 or (n > 1 and <uint8_t>p[1] != DUBBO_MAGIC & 255)):
            return _fail(out, FRAME_NOT_THE_PROTOCOL)
        return 0
    if be16(p) != DUBBO_MAGIC:
        return _fail(out, FRAME_NOT_THE_PROTOCOL)
    body = be32(p + 12)
    if body > 0x7fffffff:
        return _fail(out, FRAME_BAD_LENGTH)
    if <uint64_t>body + DUBBO_HEAD > limits.frame_bytes:
        return _fail(out, FRAME_TOO_LARGE)
    out.id = be64(p + 4)
    out.length = out.body_end = body + DUBBO_HEAD
    out.head_length = DUBBO_HEAD
    out.serialization = <uint8_t>p[2] & DUBBO_SERIALIZATION
    out.switches = <uint8_t>p[2] & ~<uint8_t>DUBBO_SERIALIZATION
    out.version = DUBBO_NO_VALUE
    out.timeout_ms = 0
    out.status = out.code = 0
    out.error = 0
    out.first_header = out.header_count = 0
    if n < out.length:
        return 0
    _facts(p, out)
    return out.length


cdef void _patch(const FrameCodec *self, char *p, const Frame *frame, uint64_t id, int32_t timeout_ms) noexcept nogil:
    # The timeout is an attachment: set_timeout changes it.
    put64(p + 4, id)


cdef FrameCodec CODEC
CODEC.name = "dubbo"
CODEC.id_mask = 0xFFFFFFFFFFFFFFFF
CODEC.lookahead = DUBBO_HEAD
CODEC.matches = _matches
CODEC.parse = _parse
CODEC.read_head = dubbo_read_head
CODEC.read_rest = dubbo_read_rest
CODEC.set_timeout = dubbo_set_timeout
CODEC.calls_back = dubbo_calls_back
CODEC.changed = dubbo_changed
CODEC.patch = _patch
CODEC.write = dubbo_write
CODEC.heartbeat = dubbo_heartbeat
CODEC.heartbeat_answer = dubbo_heartbeat_answer
CODEC.reply = dubbo_reply
CODEC.goaway = dubbo_goaway


cdef const FrameCodec *dubbo_codec() noexcept nogil:
    return &CODEC
