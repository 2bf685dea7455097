# SOFARPC's BOLT, versions 1 and 2 (sofastack/sofa-bolt: RpcProtocol, RpcProtocolV2).

from libc.stdint cimport int32_t, int64_t, uint8_t, uint16_t, uint32_t, uint64_t

from mosn._fastpath.codec.frame cimport Frame, FrameCodec, FrameLimits, be32
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Slice


cdef enum:
    BOLT_V1 = 1                 # first byte of a frame
    BOLT_V2 = 2
    BOLT_RESPONSE = 0           # types
    BOLT_REQUEST = 1
    BOLT_ONEWAY = 2
    BOLT_CMD_HEARTBEAT = 0
    BOLT_CMD_REQUEST = 1
    BOLT_CMD_RESPONSE = 2
    BOLT_CRC = 1                # bit of the protocol switch
    BOLT_HESSIAN2 = 1


cdef enum BoltStatus:
    BOLT_SUCCESS = 0
    BOLT_ERROR = 1
    BOLT_SERVER_EXCEPTION = 2
    BOLT_UNKNOWN = 3
    BOLT_BUSY = 4
    BOLT_ERROR_COMM = 5
    BOLT_NO_PROCESSOR = 6
    BOLT_TIMEOUT = 7
    BOLT_CLIENT_SEND_ERROR = 8
    BOLT_CODEC_EXCEPTION = 9
    BOLT_CONNECTION_CLOSED = 16
    BOLT_SERVER_SERIAL_EXCEPTION = 17
    BOLT_SERVER_DESERIAL_EXCEPTION = 18


cdef struct BoltLayout:
    # Where things stand in the fixed part of one kind of frame.
    uint32_t id
    uint32_t timeout            # requests; status in responses
    uint32_t lengths            # class 2, header 2, content 4
    uint32_t fixed


cdef const FrameCodec *bolt_codec() noexcept nogil
cdef const BoltLayout *bolt_layout(const Frame *frame) noexcept nogil
# The checksum of a frame whose bytes were changed; nothing for frames without one.
cdef void bolt_seal(char *p, const Frame *frame) noexcept nogil
# :authority and :path ("/service/method", in the head's arena) of what the header map said; a method that it does not
# name is looked for in the content.  0, or -1: no memory.
cdef int bolt_set_path(const char *p, const Frame *frame, Head *head, Slice service, Slice method) noexcept nogil


cdef inline int64_t bolt_text(const char *p, uint32_t n, Slice *out) noexcept nogil:
    # A 4-byte length (-1: null, which reads as empty) and as many bytes; what it took, or -1.
    cdef uint32_t said
    if n < 4:
        return -1
    said = be32(p)
    out.p = p + 4
    out.n = 0
    if said == <uint32_t>0xFFFFFFFF:
        return 4
    if said > n - 4:
        return -1
    out.n = said
    return 4 + said
