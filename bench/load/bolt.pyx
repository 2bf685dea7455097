"""BOLT v1: requests and answers with a class name, a header map and a content, matched by a 32-bit id."""

import struct

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.string cimport memcpy

from bench.load.wire cimport (
    BROKEN, MARK, NEED_MORE, RIGHT, WRONG, Output, Plan, Protocol, Reading, Verdict, append, pass_body, read_number,
    write_number,
)

cdef enum:
    VERSION = 1
    ANSWER = 0
    REQUEST = 1
    HEARTBEAT = 0           # a command
    REQUEST_HEAD = 22
    ANSWER_HEAD = 20
    ID = 5                  # where the id stands in either head


cdef void ask(const Plan* plan, Reading* reading, uint32_t id, Output* output) noexcept nogil:
    append(output, plan.request, plan.request_length)
    # Ids of clients begin at 1.
    write_number(output.data + output.length - plan.request_length + ID, 4, id + 1)


cdef Verdict read_answer(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    cdef uint64_t content
    used[0] = 0
    if not reading.in_body:
        if length < ANSWER_HEAD:
            return NEED_MORE
        if data[0] != VERSION or data[1] != ANSWER:
            return BROKEN
        content = read_number(data + 16, 4)
        reading.id = read_number(data + ID, 4) - 1
        reading.wrong = read_number(data + 10, 2) != 0 or content != plan.body_length
        reading.remaining = read_number(data + 12, 2) + read_number(data + 14, 2) + content
        if plan.answer_mark:
            if length < ANSWER_HEAD + reading.remaining:
                return NEED_MORE
            reading.wrong = reading.wrong or ANSWER_HEAD + reading.remaining < plan.answer_mark + MARK
            if not reading.wrong:
                memcpy(reading.mark, data + plan.answer_mark, MARK)
        used[0] = ANSWER_HEAD
    if not pass_body(reading, length - used[0], used):
        return NEED_MORE
    return WRONG if reading.wrong else RIGHT


cdef Verdict serve(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    used[0] = 0
    if not reading.in_body:
        if length < REQUEST_HEAD:
            return NEED_MORE
        if data[0] != VERSION or data[1] != REQUEST:
            return BROKEN
        reading.kind = <uint8_t>read_number(data + 2, 2)
        reading.id = read_number(data + ID, 4)
        reading.remaining = read_number(data + 14, 2) + read_number(data + 16, 2) + read_number(data + 18, 4)
        if plan.request_mark and length < REQUEST_HEAD + reading.remaining:
            return NEED_MORE
        used[0] = REQUEST_HEAD
    if not pass_body(reading, length - used[0], used):
        return NEED_MORE
    if reading.kind == HEARTBEAT:
        append(output, b"\x01\0\0\0\x01\0\0\0\0\x01\0\0\0\0\0\0\0\0\0\0", ANSWER_HEAD)
        write_number(output.data + output.length - ANSWER_HEAD + ID, 4, reading.id)
    else:
        append(output, plan.answer, plan.answer_length)
        write_number(output.data + output.length - plan.answer_length + ID, 4, reading.id)
        if plan.request_mark:
            memcpy(output.data + output.length - plan.answer_length + plan.answer_mark, data + plan.request_mark, MARK)
    return RIGHT


cdef Protocol BOLT
BOLT.greet = NULL
BOLT.ask = ask
BOLT.read_answer = read_answer
BOLT.serve = serve
BOLT.ordered = False


def protocol():
    """The functions, for the generator and the backend."""
    return PyCapsule_New(&BOLT, "bench.load.Protocol", NULL)


def strings(*texts: str) -> bytes:
    """A header map: names and values in turn, each with its length before it."""
    return b"".join(struct.pack(">i", len(text)) + text.encode() for text in texts)


def request(body_length: int) -> bytes:
    """A call as SOFARPC makes it; the content is not looked into."""
    class_name = b"com.alipay.sofa.rpc.core.request.SofaRequest"
    service = "com.example.bench.Greeter:1.0"
    headers = strings(
        "service", service,
        "sofa_head_target_service", service,
        "sofa_head_method_name", "greet",
        "app", "bench",
        "protocol", "bolt",
        "type", "sync",
    )
    lengths = (len(class_name), len(headers), body_length)
    head = struct.pack(">BBHBIBiHHI", VERSION, REQUEST, 1, 1, 0, 1, 3000, *lengths)
    return head + class_name + headers + b"q" * body_length


def answer(body_length: int) -> bytes:
    """Status 0 with a content of the given length."""
    class_name = b"com.alipay.sofa.rpc.core.response.SofaResponse"
    head = struct.pack(">BBHBIBHHHI", VERSION, ANSWER, 2, 1, 0, 1, 0, len(class_name), 0, body_length)
    return head + class_name + b"a" * body_length
