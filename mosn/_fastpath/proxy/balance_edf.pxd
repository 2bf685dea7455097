# Earliest deadline first: a heap of (deadline, index).  Ties go to the lower index.

from libc.stdint cimport uint32_t


cdef struct EdfEntry:
    double deadline
    uint32_t index
    uint32_t picks


cdef struct Edf:
    EdfEntry *heap
    uint32_t count


# 0, or -1 when out of memory.  Every deadline starts at 1 / weight.
cdef int edf_init(Edf *edf, const uint32_t *weights, uint32_t count) noexcept nogil
cdef void edf_reset(Edf *edf, const uint32_t *weights) noexcept nogil
cdef void edf_release(Edf *edf) noexcept nogil
# Give the first entry (heap[0]) a later deadline.
cdef void edf_postpone(Edf *edf, double deadline) noexcept nogil
# The next index when each index is due every 1 / weight.  Deadlines are counts divided by weights and not sums, so
# that over sum(weights) picks each index comes exactly weight times, for ever.
cdef uint32_t edf_next(Edf *edf, const uint32_t *weights) noexcept nogil
