# Dubbo 2.x as a frame codec (apache/dubbo: ExchangeCodec, DubboCodec).
#
# Frame.serialization is the id of the flag byte, .switches its three upper bits and DUBBO_ATTACHMENTS, .version the
# kind of a response's value (DubboValue) or DUBBO_NO_VALUE.
#
# The request model: :authority the service (the path field of the body), :path /service/method, x-mosn-protocol
# "dubbo", "version" unless an attachment says it, then every attachment that is a string, a whole number or a boolean.
# What this build cannot read (serializations other than hessian2 and fastjson2) has :path "/" and no attachments; such
# a frame is still routed by what the configuration says about its listener.

from libc.stdint cimport uint8_t, uint16_t, uint32_t

from mosn._fastpath.codec.frame cimport Frame, FrameCodec


cdef enum:
    DUBBO_HEAD = 16             # bytes in front of the body
    DUBBO_MAGIC = 0xdabb
    # the flag byte
    DUBBO_REQUEST = 0x80
    DUBBO_TWO_WAY = 0x40
    DUBBO_EVENT = 0x20
    DUBBO_SERIALIZATION = 0x1f
    # in Frame.switches beside them: read_head has read the attachments
    DUBBO_ATTACHMENTS = 1
    DUBBO_NO_VALUE = 255


cdef enum DubboSerialization:
    DUBBO_HESSIAN2 = 2
    DUBBO_FASTJSON2 = 23


cdef enum DubboStatus:
    DUBBO_OK = 20
    DUBBO_SERIALIZATION_ERROR = 25
    DUBBO_CLIENT_TIMEOUT = 30
    DUBBO_SERVER_TIMEOUT = 31
    DUBBO_CHANNEL_INACTIVE = 35
    DUBBO_BAD_REQUEST = 40
    DUBBO_BAD_RESPONSE = 50
    DUBBO_SERVICE_NOT_FOUND = 60
    DUBBO_SERVICE_ERROR = 70
    DUBBO_SERVER_ERROR = 80
    DUBBO_CLIENT_ERROR = 90
    DUBBO_THREADPOOL_EXHAUSTED = 100


cdef enum DubboValue:
    # What a response of status OK begins with.
    DUBBO_EXCEPTION = 0
    DUBBO_VALUE = 1
    DUBBO_NULL = 2
    DUBBO_EXCEPTION_WITH_ATTACHMENTS = 3
    DUBBO_VALUE_WITH_ATTACHMENTS = 4
    DUBBO_NULL_WITH_ATTACHMENTS = 5


cdef const FrameCodec *dubbo_codec() noexcept nogil


cdef inline bint dubbo_readable(uint8_t serialization) noexcept nogil:
    return serialization == DUBBO_HESSIAN2 or serialization == DUBBO_FASTJSON2
