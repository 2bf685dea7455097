# A byte ring in shared memory: one worker writes records, the controller reads them.
#
# Records are (length 4, kind 2, sink 2, bytes), padded to 8.  Single producer, single consumer, lock-free; a reader
# or writer that dies leaves the ring consistent (positions are published after the bytes).

from libc.stdint cimport uint16_t, uint32_t, uint64_t


cdef struct RingHeader:
    uint64_t head               # next byte to read (consumer)
    uint64_t pad0[7]
    uint64_t tail               # next byte to write (producer)
    uint64_t pad1[7]
    uint64_t written            # records
    uint64_t dropped            # records that found no room
    uint64_t capacity
    uint64_t sleeping           # 1: the consumer waits on its eventfd
    uint64_t pad2[4]


cdef struct Ring:
    RingHeader *header
    char *bytes
    int wake_fd                 # eventfd, -1 none


# 0, or -1 when there was no room (counted).
cdef int ring_put(Ring *ring, uint16_t kind, uint16_t sink, const char *p, uint32_t n) noexcept nogil
