# The steps that a format is compiled to, and their variants; appending to a line.

from libc.stdint cimport uint32_t
from libc.string cimport memcpy

from mosn._fastpath.memory cimport BlockPool, Buf, buf_append


cdef enum FormatOp:
    OP_LITERAL = 0
    # JSON structure; text is what they print.
    OP_JSON_OPEN                # { or [
    OP_JSON_CLOSE
    OP_JSON_KEY                 # "name":
    OP_JSON_VALUE               # a value made of the `first` steps that follow
    # headers: text?alternative
    OP_REQUEST_HEADER
    OP_REQUEST_HEADER_NO_QUERY
    OP_RESPONSE_HEADER
    OP_TRAILER
    # numbers
    OP_COUNT                    # the uint64_t at offset `first` of RequestInfo
    OP_DIFFERENCE               # the one at `first` less the one at `second`, 0 when negative
    OP_SPAN                     # time from the one at `first` to the one at `second`, divided by alternative_id
    OP_DURATION
    OP_RESPONSE_CODE
    OP_ATTEMPTS
    OP_HEAD_BYTES               # first: 0 request, 1 response, 2 trailers
    OP_ZERO
    # texts
    OP_SLICE                    # the Slice at offset `first`; id 1: white space becomes "_"
    OP_ADDRESS                  # the Address at `first`; id: AddressPart; second: mask bits + 1
    OP_UPSTREAM_REMOTE          # the same of the picked host
    OP_UPSTREAM_HOST_NAME       # id 1: without port
    OP_UPSTREAM_CLUSTER         # id 1: raw
    OP_START_TIME               # id 1: local, 2: the time of emission
    OP_PROTOCOL
    OP_UPSTREAM_PROTOCOL
    OP_FLAGS                    # id 1: long names
    OP_GRPC_STATUS              # id: GrpcStatusForm
    OP_SERVER_NAME              # first: ServerNameFrom, second: HostFrom
    OP_QUERY_PARAM
    OP_QUERY                    # id 1: decoded
    OP_PATH                     # id 1: without query; second: HostFrom
    OP_TLS                      # id: TlsFact of the client's connection
    OP_LOG_TYPE
    OP_UNIQUE_ID
    OP_TRACE_ID                 # id 1: the span's
    OP_COALESCE                 # the first value of the `first` steps that follow that is there and not empty
    OP_ABSENT                   # never there: what we have nothing for


cdef enum AddressPart:
    ADDRESS_WHOLE = 0
    ADDRESS_WITHOUT_PORT
    ADDRESS_PORT


cdef enum GrpcStatusForm:
    GRPC_CAMEL = 0
    GRPC_SNAKE
    GRPC_NUMBER


cdef enum ServerNameFrom:
    SNI_ONLY = 0
    SNI_FIRST
    HOST_FIRST


cdef enum HostFrom:
    ORIGINAL_OR_CURRENT = 0
    ORIGINAL
    CURRENT


# buf_append, without the call where there is room: a line has many small parts.
cdef inline int put(BlockPool *pool, Buf *out, const char *p, size_t n) noexcept nogil:
    if out.data == NULL or n > out.capacity - out.end:
        return buf_append(pool, out, p, n)
    if n:
        memcpy(out.data + out.end, p, n)
    out.end += <uint32_t>n
    return 0
