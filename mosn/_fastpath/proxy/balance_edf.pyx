from libc.stdint cimport uint32_t
from libc.stdlib cimport free, malloc


cdef inline bint before(const EdfEntry *a, const EdfEntry *b) noexcept nogil:
    return a.deadline < b.deadline or (a.deadline == b.deadline and a.index < b.index)


cdef void sift_down(Edf *edf, uint32_t at) noexcept nogil:
    cdef EdfEntry moving = edf.heap[at]
    cdef uint32_t child
    while True:
        child = 2 * at + 1
        if child >= edf.count:
            break
        if child + 1 < edf.count and before(&edf.heap[child + 1], &edf.heap[child]):
            child += 1
        if not before(&edf.heap[child], &moving):
            break
        edf.heap[at] = edf.heap[child]
        at = child
    edf.heap[at] = moving


cdef int edf_init(Edf *edf, const uint32_t *weights, uint32_t count) noexcept nogil:
    edf.heap = <EdfEntry *>malloc(count * sizeof(EdfEntry))
    if edf.heap == NULL:
        return -1
    edf.count = count
    edf_reset(edf, weights)
    return 0


cdef void edf_reset(Edf *edf, const uint32_t *weights) noexcept nogil:
    cdef uint32_t i
    for i in range(edf.count):
        edf.heap[i].deadline = 1.0 / weights[i]
        edf.heap[i].index = i
        edf.heap[i].picks = 0
    for i in range(edf.count // 2, 0, -1):
        sift_down(edf, i - 1)


cdef void edf_release(Edf *edf) noexcept nogil:
    free(edf.heap)
    edf.heap = NULL


cdef void edf_postpone(Edf *edf, double deadline) noexcept nogil:
    edf.heap[0].deadline = deadline
    sift_down(edf, 0)


cdef uint32_t edf_next(Edf *edf, const uint32_t *weights) noexcept nogil:
    cdef EdfEntry *first = edf.heap
    cdef uint32_t index = first.index
    first.picks += 1
    edf_postpone(edf, (first.picks + 1.0) / weights[index])
    return index
