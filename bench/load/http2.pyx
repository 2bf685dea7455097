"""HTTP/2 (RFC 9113) with prior knowledge: GETs with many streams on a connection, answers of up to one frame.

Header blocks are made beforehand. The first on a connection puts its fields into the dynamic table (RFC 7541), the
later ones only name them, as clients and servers do, unless the other side keeps no such table. Of what the other
side sends only the status is looked at.
"""

import struct

from cpython.pycapsule cimport PyCapsule_New
from libc.stdint cimport int64_t, uint8_t, uint16_t, uint32_t, uint64_t
from libc.stdlib cimport calloc
from libc.string cimport memcmp

from bench.load.wire cimport (
    BROKEN, NEED_MORE, RIGHT, WRONG, Output, Plan, Protocol, Reading, Verdict, append, read_number, write_number,
)

cdef enum:
    FRAME_HEAD = 9
    STREAM = 5                  # where a frame's stream id stands
    DATA = 0
    HEADERS = 1
    RST_STREAM = 3
    SETTINGS = 4
    PING = 6
    GOAWAY = 7
    WINDOW_UPDATE = 8
    END_STREAM = 0x1
    ACK = 0x1
    END_HEADERS = 0x4
    PADDED = 0x8
    PRIORITY = 0x20
    PREFACE = 24
    HEADER_TABLE_SIZE = 1
    STATUS_200 = 0x88           # the eighth entry of the static table
    STREAMS = 1024              # of a connection, within which answers may overtake each other
    GRANTED = 0x40000000        # bytes taken before the other side gets more window

cdef enum:
    # HEADERS frames made beforehand, in this order.
    FIRST = 0                   # puts the fields into the dynamic table
    AGAIN = 1                   # names them there
    PLAIN = 2                   # spells them out, for a side without such a table


cdef struct Streams:
    # Both sides: what is known of streams, at (id / 2) modulo STREAMS.
    uint16_t slot[STREAMS]      # client: the request's place in the generator
    uint32_t length[STREAMS]    # client: body bytes so far
    uint32_t waiting[STREAMS]   # backend: ring of streams whose answers wait for window
    uint64_t first_waiting
    uint64_t waiting_count
    uint32_t next_stream        # client
    bint told                   # the other side's dynamic table holds the fields
    bint no_table               # the other side keeps none
    bint started                # backend: the preface has come
    int64_t window              # backend: body bytes that may be sent; client: taken since the last update


cdef Streams* streams_of(Reading* reading) noexcept nogil:
    """The connection's state, made on first use; NULL without memory."""
    cdef Streams* streams = <Streams*>reading.own
    if streams == NULL:
        streams = <Streams*>calloc(1, sizeof(Streams))
        if streams != NULL:
            streams.next_stream = 1
            streams.window = 65535
        reading.own = streams
    return streams


cdef const char* append_head(const char* heads, Streams* streams, uint32_t stream, Output* output) noexcept nogil:
    """Of three HEADERS frames, one behind the other, send the one that is due; return what stands behind them."""
    cdef int due = PLAIN if streams.no_table else (AGAIN if streams.told else FIRST)
    cdef int place
    cdef size_t length
    for place in range(3):
        length = FRAME_HEAD + read_number(heads, 3)
        if place == due:
            append(output, heads, length)
            write_number(output.data + output.length - length + STREAM, 4, stream)
        heads += length
    streams.told = True
    return heads


cdef void greet(const Plan* plan, Reading* reading, Output* output) noexcept nogil:
    append(output, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PREFACE)
    # INITIAL_WINDOW_SIZE (4) and the connection's window: as much as there may be.
    append(output, b"\0\0\x06\x04\0\0\0\0\0\0\x04\x7f\xff\xff\xff", 15)
    append(output, b"\0\0\x04\x08\0\0\0\0\0\x7f\xff\0\0", 13)


cdef void ask(const Plan* plan, Reading* reading, uint32_t id, Output* output) noexcept nogil:
    cdef Streams* streams = streams_of(reading)
    cdef uint32_t stream
    if streams == NULL:
        return
    stream = streams.next_stream
    streams.next_stream += 2
    streams.slot[stream // 2 % STREAMS] = <uint16_t>id
    streams.length[stream // 2 % STREAMS] = 0
    append_head(plan.request, streams, stream, output)


cdef void answer_control(Streams* streams, const char* frame, size_t length, Output* output) noexcept nogil:
    """Acknowledge SETTINGS and PING."""
    cdef size_t place
    if <uint8_t>frame[4] & ACK:
        return
    if frame[3] == SETTINGS:
        for place in range(FRAME_HEAD, length - 5, 6):
            if read_number(frame + place, 2) == HEADER_TABLE_SIZE and read_number(frame + place + 2, 4) < 4096:
                streams.no_table = True
        append(output, b"\0\0\0\x04\x01\0\0\0\0", FRAME_HEAD)
    elif frame[3] == PING:
        append(output, b"\0\0\x08\x06\x01\0\0\0\0", FRAME_HEAD)
        append(output, frame + FRAME_HEAD, length - FRAME_HEAD)


cdef bint says_200(const char* frame, size_t length) noexcept nogil:
    """Whether a header block begins with the status 200; size updates of the dynamic table may come before."""
    cdef size_t place = FRAME_HEAD
    if frame[4] & PADDED:
        place += 1
    if frame[4] & PRIORITY:
        place += 5
    while place < length and <uint8_t>frame[place] & 0xE0 == 0x20:
        # A size of 31 or more goes on in bytes whose first bit is set but for the last.
        if <uint8_t>frame[place] & 0x1F == 0x1F:
            place += 1
            while place < length and <uint8_t>frame[place] & 0x80:
                place += 1
        place += 1
    return place < length and <uint8_t>frame[place] == STATUS_200


cdef Verdict read_answer(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    cdef Verdict verdict = NEED_MORE
    used[0] = 0
    while verdict == NEED_MORE and length - used[0] >= FRAME_HEAD:
        if length - used[0] < FRAME_HEAD + read_number(data + used[0], 3):
            break
        verdict = take_frame(plan, reading, data + used[0], FRAME_HEAD + read_number(data + used[0], 3), output)
        used[0] += FRAME_HEAD + read_number(data + used[0], 3)
    return verdict


cdef Verdict take_frame(
    const Plan* plan, Reading* reading, const char* frame, size_t length, Output* output
) noexcept nogil:
    """Client side: one whole frame."""
    cdef Streams* streams = streams_of(reading)
    cdef uint32_t stream = <uint32_t>read_number(frame + STREAM, 4)
    cdef uint32_t place = stream // 2 % STREAMS
    if streams == NULL or frame[3] == GOAWAY:
        return BROKEN
    if stream == 0:
        answer_control(streams, frame, length, output)
        return NEED_MORE
    if frame[3] == DATA:
        streams.length[place] += <uint32_t>(length - FRAME_HEAD)
        grant_window(streams, length - FRAME_HEAD, output)
    elif frame[3] == HEADERS and streams.length[place] == 0 and not says_200(frame, length):
        # More than any body: the answer will be wrong whatever follows.
        streams.length[place] = 0x7FFFFFFF
    reading.id = streams.slot[place]
    if frame[3] == RST_STREAM:
        return WRONG
    if frame[3] > HEADERS or not frame[4] & END_STREAM:
        return NEED_MORE
    return RIGHT if streams.length[place] == plan.body_length else WRONG


cdef void grant_window(Streams* streams, size_t taken, Output* output) noexcept nogil:
    streams.window += <int64_t>taken
    if streams.window > GRANTED:
        append(output, b"\0\0\x04\x08\0\0\0\0\0\0\0\0\0", 13)
        write_number(output.data + output.length - 4, 4, <uint64_t>streams.window)
        streams.window = 0


cdef Verdict serve(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil:
    cdef Streams* streams = streams_of(reading)
    cdef size_t whole
    used[0] = 0
    if streams == NULL:
        return BROKEN
    if not streams.started:
        if length < PREFACE:
            return NEED_MORE
        if memcmp(data, b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", PREFACE) != 0:
            return BROKEN
        streams.started = True
        used[0] = PREFACE
        # MAX_CONCURRENT_STREAMS (3): 1,024.
        append(output, b"\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\x04\0", 15)
    if length - used[0] < FRAME_HEAD:
        return NEED_MORE
    whole = FRAME_HEAD + read_number(data + used[0], 3)
    if length - used[0] < whole:
        return NEED_MORE
    serve_frame(plan, streams, data + used[0], whole, output)
    used[0] += whole
    return RIGHT


cdef void serve_frame(
    const Plan* plan, Streams* streams, const char* frame, size_t length, Output* output
) noexcept nogil:
    """Backend side: one whole frame."""
    cdef uint32_t stream = <uint32_t>read_number(frame + STREAM, 4)
    if frame[3] == WINDOW_UPDATE and stream == 0:
        streams.window += <int64_t>read_number(frame + FRAME_HEAD, 4)
    elif stream == 0:
        answer_control(streams, frame, length, output)
    elif frame[3] <= HEADERS and frame[4] & END_STREAM:
        streams.waiting[(streams.first_waiting + streams.waiting_count) % STREAMS] = stream
        streams.waiting_count += 1
    answer_waiting(plan, streams, output)


cdef void answer_waiting(const Plan* plan, Streams* streams, Output* output) noexcept nogil:
    """As many streams as the connection's window has room for."""
    cdef size_t body = plan.body_length
    cdef const char* data
    cdef uint32_t stream
    while streams.waiting_count and streams.window >= <int64_t>body:
        stream = streams.waiting[streams.first_waiting % STREAMS]
        streams.first_waiting += 1
        streams.waiting_count -= 1
        streams.window -= <int64_t>body
        data = append_head(plan.answer, streams, stream, output)
        append(output, data, FRAME_HEAD + body)
        write_number(output.data + output.length - FRAME_HEAD - body + STREAM, 4, stream)


cdef Protocol HTTP2
HTTP2.greet = greet
HTTP2.ask = ask
HTTP2.read_answer = read_answer
HTTP2.serve = serve
HTTP2.ordered = False


def protocol():
    """The functions, for the generator and the backend."""
    return PyCapsule_New(&HTTP2, "bench.load.Protocol", NULL)


def frame(kind: int, flags: int, payload: bytes) -> bytes:
    """The stream id is written when it is sent."""
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + b"\0\0\0\0" + payload


def heads(flags: int, known: bytes, fields: list[tuple[int, str, str]]) -> bytes:
    """The three HEADERS frames.

    `known` are fields of the static table; a field is the place of its name there (0: none), its name and its value.
    """
    first = known + b"".join(literal(0x40, 63, *field) for field in fields)
    # The entry added last is number 62.
    again = known + bytes(0x80 | 61 + len(fields) - place for place in range(len(fields)))
    # A table of size 0 must be agreed to (RFC 7541, 4.2), here each time.
    plain = b"\x20" + known + b"".join(literal(0, 15, *field) for field in fields)
    return b"".join(frame(HEADERS, flags, block) for block in (first, again, plain))


def literal(pattern: int, most: int, place: int, name: str, value: str) -> bytes:
    """A field spelled out; its name too unless it has a place in the static table (RFC 7541, 6.2)."""
    start = bytes([pattern | place]) if place < most else bytes([pattern | most, place - most])
    named = b"" if place else bytes([len(name)]) + name.encode()
    return start + named + bytes([len(value)]) + value.encode()


def request(body_length: int) -> bytes:
    """A GET; there is none with a body."""
    fields = [
        (4, ":path", "/bench/item?id=42"),
        (1, ":authority", "bench.local"),
        (58, "user-agent", "bench"),
        (19, "accept", "*/*"),
        (17, "accept-language", "en"),
        (0, "x-tenant", "blue"),
    ]
    return heads(END_STREAM | END_HEADERS, b"\x82\x86", fields)


def answer(body_length: int) -> bytes:
    """A 200 and its body, in one frame of at most 16,384 bytes."""
    fields = [
        (33, "date", "Thu, 01 Jan 2026 00:00:00 GMT"),
        (31, "content-type", "text/plain"),
        (28, "content-length", str(body_length)),
    ]
    return heads(END_HEADERS, b"\x88", fields) + frame(DATA, END_STREAM, b"a" * body_length)
