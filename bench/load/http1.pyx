"""HTTP/1.1 (RFC 9112), as much as a client and a backend with lengths known beforehand need."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memchr

from bench.load.wire cimport (
    BROKEN, NEED_MORE, RIGHT, WRONG, Output, Plan, Protocol, Reading, Verdict, append_lasting, pass_body,
)

cdef extern from "<string.h>" nogil:
    void* memmem(const void* haystack, size_t length, const void* needle, size_t needle_length)

cdef extern from "<strings.h>" nogil:
    int strncasecmp(const char* one, const char* other, size_t length)


cdef long long declared_length(const char* head, size_t length) noexcept nogil:
    """The value of Content-Length; -1 without one; -2 for a body whose length is not known beforehand."""
    cdef const char* line = head
    cdef const char* end = head + length
    cdef long long value = -1
    while True:
        line = <const char*>memchr(line, c"\n", end - line)
        if line == NULL or line + 1 >= end:
            return value
        line += 1
        # Nearly every line is told apart by its first letter.
        if line[0] == c"c" or line[0] == c"C":
            if end - line > 16 and strncasecmp(line, b"content-length:", 15) == 0:
                value = decimal(line + 15, end)
        elif (line[0] == c"t" or line[0] == c"T") and end - line > 18:
            if strncasecmp(line, b"transfer-encoding:", 18) == 0:
                return -2


cdef long long decimal(const char* at, const char* end) noexcept nogil:
    cdef long long value = 0
    while at < end and at[0] == c" ":
        at += 1
    while at < end and c"0" <= at[0] <= c"9":
        value = value * 10 + (at[0] - c"0")
        at += 1
    return value


cdef size_t head_length(const char* data, size_t length) noexcept nogil:
    """Bytes up to and with the empty line, 0 when it has not come yet."""
    cdef const char* end = <const char*>memmem(data, length, b"\r\n\r\n", 4)
    return <size_t>(end - data) + 4 if end != NULL else 0


cdef Verdict read_answer(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    cdef size_t head = 0
    cdef long long declared
    used[0] = 0
    if not reading.in_body:
        head = head_length(data, length)
        if head == 0:
            return NEED_MORE
        if head < 16 or strncasecmp(data, b"HTTP/1.1 ", 9) != 0:
            return BROKEN
        declared = declared_length(data, head)
        if declared < 0:
            return BROKEN
        reading.wrong = decimal(data + 9, data + 12) != plan.status or <size_t>declared != plan.body_length
        reading.remaining = <uint64_t>declared
        used[0] = head
    if not pass_body(reading, length - head, used):
        return NEED_MORE
    return WRONG if reading.wrong else RIGHT


cdef Verdict serve(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    cdef size_t head = 0
    cdef long long declared
    used[0] = 0
    if not reading.in_body:
        head = head_length(data, length)
        if head == 0:
            return NEED_MORE
        declared = declared_length(data, head)
        if declared == -2:
            return BROKEN
        reading.remaining = <uint64_t>max(declared, 0)
        used[0] = head
    if not pass_body(reading, length - head, used):
        return NEED_MORE
    append_lasting(output, plan.answer, plan.answer_length)
    return RIGHT


cdef void ask(const Plan* plan, Reading* reading, uint32_t id, Output* output) noexcept nogil:
    append_lasting(output, plan.request, plan.request_length)


cdef Protocol HTTP1
HTTP1.greet = NULL
HTTP1.ask = ask
HTTP1.read_answer = read_answer
HTTP1.serve = serve
HTTP1.ordered = True


def protocol():
    """The functions, for the generator and the backend."""
    return PyCapsule_New(&HTTP1, "bench.load.Protocol", NULL)


def request(body_length: int) -> bytes:
    """A GET, or a POST when it has a body."""
    head = (
        f"{'POST' if body_length else 'GET'} /bench/item?id=42 HTTP/1.1\r\n"
        "host: bench.local\r\n"
        "user-agent: bench\r\n"
        "accept: */*\r\n"
        "accept-language: en\r\n"
        "x-tenant: blue\r\n"
    )
    if body_length:
        head += f"content-length: {body_length}\r\n"
    return head.encode() + b"\r\n" + b"q" * body_length


def answer(body_length: int) -> bytes:
    """A 200 with the headers an application server sends."""
    head = (
        "HTTP/1.1 200 OK\r\n"
        "date: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
        "content-type: text/plain\r\n"
        f"content-length: {body_length}\r\n"
        "\r\n"
    )
    return head.encode() + b"a" * body_length
