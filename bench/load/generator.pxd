"""What the generator keeps of each connection, and counts."""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcmp

from bench.load.link cimport Link
from bench.load.wire cimport MARK, write_mark


cdef struct Connection:
    Link link
    uint64_t* begun         # when the request in each slot was due, nanoseconds; 0: the slot is free
    uint32_t* open_slots    # stack, for protocols whose answers carry ids
    uint64_t* marks         # what the answer in each slot must repeat
    uint32_t in_flight
    uint64_t asked
    uint64_t answered


cdef struct Tally:
    uint64_t right
    uint64_t wrong          # another status, length or content
    uint64_t broken         # not the protocol
    uint64_t closed         # requests whose connection ended first
    uint64_t refused        # connections that could not be made
    uint64_t lost           # still unanswered when the phase had drained
    uint64_t reconnected
    uint64_t late           # due, but not asked before the phase ended (open loop)


cdef inline bint make_slots(Connection* connection, uint32_t depth) noexcept nogil:
    connection.begun = <uint64_t*>calloc(depth, sizeof(uint64_t))
    connection.open_slots = <uint32_t*>calloc(depth, sizeof(uint32_t))
    connection.marks = <uint64_t*>calloc(depth, sizeof(uint64_t))
    return connection.begun != NULL and connection.open_slots != NULL and connection.marks != NULL


cdef inline void free_slots(Connection* connection) noexcept nogil:
    free(connection.begun)
    free(connection.open_slots)
    free(connection.marks)


cdef inline bint repeats_mark(const Connection* connection, uint64_t slot) noexcept nogil:
    cdef char wanted[MARK]
    write_mark(wanted, connection.marks[slot])
    return memcmp(connection.link.reading.mark, wanted, MARK) == 0
