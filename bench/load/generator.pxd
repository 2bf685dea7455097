"""What the generator keeps of each connection, and counts."""

from libc.stdint cimport uint32_t, uint64_t

from bench.load.link cimport Link


cdef struct Connection:
    Link link
    uint64_t* begun         # when the request in each slot was due, nanoseconds; 0: the slot is free
    uint32_t* open_slots    # stack, for protocols whose answers carry ids
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
