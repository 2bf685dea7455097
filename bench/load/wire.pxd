"""What a protocol is to the generator and the backend: functions over bytes, without input or output of their own."""

from libc.stdint cimport uint8_t, uint32_t, uint64_t
from libc.stdlib cimport realloc
from libc.string cimport memcpy


cdef enum:
    MARK = 16               # hexadecimal digits


cdef enum Verdict:
    NEED_MORE = 0   # no whole message in these bytes; the unused ones are presented again with more behind them
    RIGHT = 1       # one message ended, and it is what was expected
    WRONG = 2       # one message ended, with another status, length or content
    BROKEN = 3      # not this protocol; the connection is of no further use


cdef struct Output:
    # Bytes to send after the current batch of input: `data`, then `tail`, which is borrowed until it is sent.
    char* data
    size_t length
    size_t capacity
    const char* tail
    size_t tail_length


cdef struct Plan:
    # One exchange: what clients ask, what the backend answers, what clients must get.
    const char* request
    size_t request_length
    const char* answer
    size_t answer_length
    size_t body_length      # of the answer, in bytes
    int status
    # Where a request's MARK bytes of unique content stand, which the answer repeats at answer_mark; 0: no marks.
    size_t request_mark
    size_t answer_mark


cdef struct Reading:
    # Where one direction of a connection stands between two batches of bytes.
    uint64_t remaining      # body bytes still to come
    uint64_t position       # body bytes already seen
    uint64_t id             # which request the message that ended belongs to; unused when answers keep order
    uint8_t kind            # of the message under way, in the protocol's own numbers
    bint in_body
    bint wrong
    char mark[16]           # of the answer that ended, where there are marks
    void* own               # what the protocol keeps for a connection; freed with it


ctypedef void (*Greet)(const Plan* plan, Reading* reading, Output* output) noexcept nogil
ctypedef void (*Ask)(const Plan* plan, Reading* reading, uint32_t id, Output* output) noexcept nogil
ctypedef Verdict (*Read)(
    const Plan* plan, Reading* reading, const char* data, size_t length, size_t* used, Output* output
) noexcept nogil


cdef struct Protocol:
    Greet greet             # bytes a client sends first on a new connection, or NULL
    Ask ask                 # append one request
    Read read_answer        # client side: consume at most one answer
    Read serve              # backend side: consume at most one request and append its answer
    bint ordered            # answers come in the order of the requests, so they carry no id


cdef inline void append(Output* output, const char* data, size_t length) noexcept nogil:
    """Copy bytes behind the output. Out of memory ends the run by a short answer, which is counted as wrong."""
    cdef size_t needed = output.length + length
    cdef char* grown
    if needed > output.capacity:
        grown = <char*>realloc(output.data, 2 * needed)
        if grown == NULL:
            return
        output.data = grown
        output.capacity = 2 * needed
    memcpy(output.data + output.length, data, length)
    output.length = needed


cdef inline void write_mark(char* at, uint64_t mark) noexcept nogil:
    """As text, which every serialization carries."""
    cdef int place
    for place in range(MARK):
        at[place] = b"0123456789abcdef"[(mark >> (4 * (MARK - 1 - place))) & 15]


cdef inline void append_lasting(Output* output, const char* data, size_t length) noexcept nogil:
    """Add bytes that outlive the next send; big ones are lent, not copied."""
    if length >= 8192 and output.tail_length == 0:
        output.tail = data
        output.tail_length = length
        return
    if output.tail_length:
        append(output, output.tail, output.tail_length)
        output.tail_length = 0
    append(output, data, length)


cdef inline bint pass_body(Reading* reading, size_t length, size_t* used) noexcept nogil:
    """Skip what there is of the body; True when it has ended."""
    cdef size_t part = <size_t>min(<uint64_t>length, reading.remaining)
    used[0] += part
    reading.remaining -= part
    reading.in_body = reading.remaining > 0
    return not reading.in_body


cdef inline uint64_t read_number(const char* at, int size) noexcept nogil:
    """An unsigned number of so many bytes, most significant first."""
    cdef uint64_t value = 0
    cdef int place
    for place in range(size):
        value = value << 8 | <uint8_t>at[place]
    return value


cdef inline void write_number(char* at, int size, uint64_t value) noexcept nogil:
    """The same the other way."""
    cdef int place
    for place in range(size):
        at[size - 1 - place] = <char>(value >> (8 * place) & 0xFF)
