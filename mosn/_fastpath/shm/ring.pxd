# A byte ring in shared memory: one worker writes records, the controller reads them.
#
# Records are (length 4, kind 2, sink 2, bytes), padded to 8.  Single producer, single consumer, lock-free; a reader
# or writer that dies leaves the ring consistent (positions are published after the bytes).  Positions only grow;
# a record that meets the end of the buffer goes on at its start.

from libc.stdint cimport uint16_t, uint32_t

from mosn._fastpath.shm.ring_layout cimport RecordHead, Ring, RingHeader


# 0, or -1 when there was no room (counted).
cdef int ring_put(Ring *ring, uint16_t kind, uint16_t sink, const char *p, uint32_t n) noexcept nogil
