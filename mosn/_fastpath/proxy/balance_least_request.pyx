from libc.math cimport pow
from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport free, malloc

from mosn._fastpath.proxy.balance_edf cimport Edf, edf_init, edf_postpone, edf_release
from mosn._fastpath.proxy.balance_policy cimport Candidates, Policy, PolicyOptions, random_below
from mosn._fastpath.proxy.types cimport Host


cdef int build(Candidates *candidates, const PolicyOptions *options, uint64_t seed) noexcept nogil:
    cdef Edf *edf
    cdef uint64_t _
    if candidates.equal_weights:
        candidates.table = candidates.hosts
        return 0
    edf = <Edf *>malloc(sizeof(Edf))
    if edf == NULL:
        return -1
    if edf_init(edf, candidates.weights, candidates.count) < 0:
        free(edf)
        return -1
    candidates.table = edf
    for _ in range(seed % candidates.count):
        next_by_weight(candidates, options)
    return 0


cdef double effective_weight(const Candidates *candidates, const PolicyOptions *options, uint32_t index) noexcept nogil:
    cdef double active = candidates.hosts[index].active_requests + 1.0
    if options.active_request_bias == 1.0:
        return candidates.weights[index] / active
    if options.active_request_bias == 0.0:
        return candidates.weights[index]
    return candidates.weights[index] / pow(active, options.active_request_bias)


cdef uint32_t next_by_weight(const Candidates *candidates, const PolicyOptions *options) noexcept nogil:
    cdef Edf *edf = <Edf *>candidates.table
    cdef uint32_t index = edf.heap[0].index
    edf_postpone(edf, edf.heap[0].deadline + 1.0 / effective_weight(candidates, options, index))
    return index


cdef Host *pick(const Candidates *candidates, const PolicyOptions *options, uint64_t hash, uint32_t attempt,
                uint64_t *random) noexcept nogil:
    cdef Host *best
    cdef Host *other
    cdef uint32_t _
    if not candidates.equal_weights:
        return candidates.hosts[next_by_weight(candidates, options)]
    best = candidates.hosts[random_below(random, candidates.count)]
    for _ in range(options.choice_count - 1):
        other = candidates.hosts[random_below(random, candidates.count)]
        if other.active_requests < best.active_requests:
            best = other
    return best


cdef void release(Candidates *candidates) noexcept nogil:
    if not candidates.equal_weights:
        edf_release(<Edf *>candidates.table)
        free(candidates.table)
    candidates.table = NULL


cdef Policy least_request_policy() noexcept nogil:
    return Policy(b"least_request", 0, build, pick, release)
