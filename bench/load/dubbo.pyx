"""Dubbo 2 with Hessian 2 bodies, matched by a 64-bit id."""

import struct

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport uint8_t, uint32_t
from libc.string cimport memcpy

from bench.load.wire cimport (
    BROKEN, MARK, NEED_MORE, RIGHT, WRONG, Output, Plan, Protocol, Reading, Verdict, append, pass_body, read_number,
    write_number,
)

cdef enum:
    HEAD = 16
    ID = 4                  # where the id stands
    IS_REQUEST = 0x80
    IS_EVENT = 0x20
    HESSIAN2 = 2
    OK = 20
    TWO_WAY = 0x40

# What an answer's body holds besides the bytes asked for: its kind, and the head of one Hessian chunk.
AROUND = 4


cdef bint is_dubbo(const char* data) noexcept nogil:
    return read_number(data, 2) == 0xDABB


cdef void ask(const Plan* plan, Reading* reading, uint32_t id, Output* output) noexcept nogil:
    append(output, plan.request, plan.request_length)
    write_number(output.data + output.length - plan.request_length + ID, 8, id + 1)


cdef Verdict read_answer(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    used[0] = 0
    if not reading.in_body:
        if length < HEAD:
            return NEED_MORE
        if not is_dubbo(data) or <uint8_t>data[2] & IS_REQUEST:
            return BROKEN
        reading.id = read_number(data + ID, 8) - 1
        reading.remaining = read_number(data + 12, 4)
        reading.wrong = <uint8_t>data[3] != OK or reading.remaining != plan.body_length
        if plan.answer_mark:
            if length < HEAD + reading.remaining:
                return NEED_MORE
            reading.wrong = reading.wrong or HEAD + reading.remaining < plan.answer_mark + MARK
            if not reading.wrong:
                memcpy(reading.mark, data + plan.answer_mark, MARK)
        used[0] = HEAD
    if not pass_body(reading, length - used[0], used):
        return NEED_MORE
    return WRONG if reading.wrong else RIGHT


cdef Verdict serve(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    used[0] = 0
    if not reading.in_body:
        if length < HEAD:
            return NEED_MORE
        if not is_dubbo(data) or not <uint8_t>data[2] & IS_REQUEST:
            return BROKEN
        reading.kind = <uint8_t>data[2]
        reading.id = read_number(data + ID, 8)
        reading.remaining = read_number(data + 12, 4)
        if plan.request_mark and length < HEAD + reading.remaining:
            return NEED_MORE
        used[0] = HEAD
    if not pass_body(reading, length - used[0], used):
        return NEED_MORE
    if reading.kind & IS_EVENT:
        append(output, b"\xda\xbb\x22\x14\0\0\0\0\0\0\0\0\0\0\0\x01N", HEAD + 1)
        write_number(output.data + output.length - HEAD - 1 + ID, 8, reading.id)
    else:
        append(output, plan.answer, plan.answer_length)
        write_number(output.data + output.length - plan.answer_length + ID, 8, reading.id)
        if plan.request_mark:
            memcpy(output.data + output.length - plan.answer_length + plan.answer_mark, data + plan.request_mark, MARK)
    return RIGHT


cdef Protocol DUBBO
DUBBO.greet = NULL
DUBBO.ask = ask
DUBBO.read_answer = read_answer
DUBBO.serve = serve
DUBBO.ordered = False


def protocol():
    """The functions, for the generator and the backend."""
    return PyCapsule_New(&DUBBO, "bench.load.Protocol", NULL)


def string(text: str) -> bytes:
    """A Hessian 2 string of less than 1,024 characters."""
    if len(text) < 32:
        return bytes([len(text)]) + text.encode()
    return bytes([0x30 + (len(text) >> 8), len(text) & 0xFF]) + text.encode()


def frame(flag: int, status: int, body: bytes) -> bytes:
    """A whole message; the id is written when it is sent."""
    return struct.pack(">HBBQI", 0xDABB, flag, status, 0, len(body)) + body


def request(body_length: int) -> bytes:
    """A two-way call with one string argument."""
    service = "com.example.bench.Greeter"
    fields = ["2.0.2", service, "1.0.0", "greet", "Ljava/lang/String;", "q" * body_length]
    attachments = ["path", service, "interface", service, "version", "1.0.0", "timeout", "3000"]
    body = b"".join(map(string, fields)) + b"H" + b"".join(map(string, attachments)) + b"Z"
    return frame(IS_REQUEST | TWO_WAY | HESSIAN2, 0, body)


def answer(body_length: int) -> bytes:
    """Status 20 and, of the given length, a body that holds a value: bytes in one chunk."""
    content = max(body_length - AROUND, 0)
    return frame(HESSIAN2, OK, b"\x91B" + struct.pack(">H", content) + b"a" * content)
