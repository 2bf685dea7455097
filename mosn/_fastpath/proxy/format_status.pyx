"""gRPC status codes as Envoy prints them (interface: format_status.pxd)."""

from libc.string cimport memcmp, memcpy, strlen

from mosn._fastpath.head cimport H_CONTENT_TYPE, H_GRPC_STATUS, Head, Header, head_get
from mosn._fastpath.memory cimport BlockPool, Buf, buf_append
from mosn._fastpath.proxy.types cimport RequestInfo

# (CAMEL_STRING, SNAKE_STRING) in the order of the codes.
GRPC_STATUS_NAMES = (
    ("OK", "OK"), ("Canceled", "CANCELLED"), ("Unknown", "UNKNOWN"), ("InvalidArgument", "INVALID_ARGUMENT"),
    ("DeadlineExceeded", "DEADLINE_EXCEEDED"), ("NotFound", "NOT_FOUND"), ("AlreadyExists", "ALREADY_EXISTS"),
    ("PermissionDenied", "PERMISSION_DENIED"), ("ResourceExhausted", "RESOURCE_EXHAUSTED"),
    ("FailedPrecondition", "FAILED_PRECONDITION"), ("Aborted", "ABORTED"), ("OutOfRange", "OUT_OF_RANGE"),
    ("Unimplemented", "UNIMPLEMENTED"), ("Internal", "INTERNAL"), ("Unavailable", "UNAVAILABLE"),
    ("DataLoss", "DATA_LOSS"), ("Unauthenticated", "UNAUTHENTICATED"),
)

cdef enum:
    NAMES = 17
    NAME_ROOM = 24
    NUMBER_FORM = 2

cdef char NAME_TEXT[2][NAMES][NAME_ROOM]


cdef int _fill_names() except -1:
    cdef bytes name
    cdef const char *text
    for code, names in enumerate(GRPC_STATUS_NAMES):
        for form in range(2):
            name = names[form].encode()
            text = name
            memcpy(NAME_TEXT[<int>form][<int>code], text, len(name) + 1)
    return 0


_fill_names()


cdef bint is_grpc(const Head *head) noexcept nogil:
    cdef Header *header = head_get(head, H_CONTENT_TYPE)
    if header == NULL or header.value_len < 16 or memcmp(header.value, b"application/grpc", 16) != 0:
        return False
    return header.value_len == 16 or header.value[16] == 43  # +


cdef int grpc_status_of(const Head *head) noexcept nogil:
    cdef Header *header = head_get(head, H_GRPC_STATUS) if head != NULL else NULL
    cdef int code = 0
    cdef unsigned int i
    if header == NULL or not 0 < header.value_len <= 9:
        return -1
    for i in range(header.value_len):
        if not 48 <= header.value[i] <= 57:
            return -1
        code = code * 10 + header.value[i] - 48
    return code


cdef int _from_http(int status) noexcept nogil:
    # https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md
    if status == 400:
        return 13
    if status == 401:
        return 16
    if status == 403:
        return 7
    if status == 404:
        return 12
    return 14 if status in (429, 502, 503, 504) else 2


cdef int _grpc_status(const RequestInfo *info) noexcept nogil:
    cdef int code
    if info.request == NULL or not is_grpc(info.request):
        return -1
    code = grpc_status_of(info.trailers)
    if code < 0:
        code = grpc_status_of(info.response)
    if code < 0 and info.response_code:
        code = _from_http(info.response_code)
    return code


cdef int _append_code(int code, BlockPool *pool, Buf *out) noexcept nogil:
    cdef char text[10]
    cdef int n = 10
    while True:
        n -= 1
        text[n] = <char>(48 + code % 10)
        code //= 10
        if code == 0:
            return buf_append(pool, out, text + n, 10 - n)


cdef int append_grpc_status(const RequestInfo *info, int form, BlockPool *pool, Buf *out) noexcept nogil:
    cdef int code = _grpc_status(info)
    if code < 0:
        return 1
    if form == NUMBER_FORM or code >= NAMES:
        return _append_code(code, pool, out)
    return buf_append(pool, out, NAME_TEXT[form][code], strlen(NAME_TEXT[form][code]))
