"""Plain TCP: the backend echoes; an answer is as many bytes as were asked, checked where pieces begin and end."""

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint32_t

from bench.load.wire cimport NEED_MORE, RIGHT, WRONG, Output, Plan, Protocol, Reading, Verdict, append_lasting


cdef void ask(const Plan* plan, Reading* reading, uint32_t id, Output* output) noexcept nogil:
    append_lasting(output, plan.request, plan.request_length)


cdef Verdict read_answer(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    cdef size_t part = min(length, plan.body_length - reading.position)
    cdef bint wrong
    if part == 0:
        used[0] = 0
        return NEED_MORE
    if data[0] != plan.request[reading.position] or data[part - 1] != plan.request[reading.position + part - 1]:
        reading.wrong = True
    used[0] = part
    reading.position += part
    if reading.position < plan.body_length:
        return NEED_MORE
    wrong = reading.wrong
    reading.position = 0
    reading.wrong = False
    return WRONG if wrong else RIGHT


cdef Verdict serve(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    used[0] = length
    if length:
        # The receive buffer lasts until the output is sent, which is before the next receive.
        append_lasting(output, data, length)
    return NEED_MORE


cdef Protocol TCP
TCP.greet = NULL
TCP.ask = ask
TCP.read_answer = read_answer
TCP.serve = serve
TCP.ordered = True


def protocol():
    """The functions, for the generator and the backend."""
    return PyCapsule_New(&TCP, "bench.load.Protocol", NULL)


def request(body_length: int) -> bytes:
    """Bytes whose neighbours differ, so that a shifted or doubled piece is noticed."""
    return bytes((place * 7 + place // 251) % 256 for place in range(body_length))


def answer(body_length: int) -> bytes:
    """The echo of the request."""
    return request(body_length)
