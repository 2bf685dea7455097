# The structs of a record ring (ring.pxd), by themselves because segment.pxd holds a Ring and ring.pyx a Segment.

from libc.stdint cimport uint16_t, uint32_t, uint64_t


cdef struct RingHeader:
    uint64_t head               # next byte to read (consumer)
    uint64_t pad0[7]
    uint64_t tail               # next byte to write (producer)
    uint64_t pad1[7]
    uint64_t written            # records
    uint64_t dropped            # records that found no room
    uint64_t wakes              # times the producer woke the consumer
    uint64_t sleeping           # 1: the consumer waits on its eventfd
    uint64_t pad2[4]


cdef struct RecordHead:
    uint32_t length             # of the bytes that follow
    uint16_t kind
    uint16_t sink


cdef struct Ring:
    RingHeader *header
    char *bytes                 # RING_BYTES of them
    int wake_fd                 # eventfd, -1 none
