# Equal weights walk the list of candidates.  Other weights walk a schedule of one cycle that earliest deadline first
# made beforehand; only when a cycle is too long for that are deadlines kept while running.
# Each worker and each snapshot starts at a random place, so that N workers do not all begin with the same host.

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free, malloc

from mosn._fastpath.proxy.balance_edf cimport Edf, edf_init, edf_next, edf_release, edf_reset
from mosn._fastpath.proxy.balance_policy cimport Candidates, Policy, PolicyOptions
from mosn._fastpath.proxy.types cimport Host

cdef enum:
    LONGEST_SCHEDULE = 16384    # picks; 8 bytes each


cdef struct RoundRobin:
    Host **order                # candidates.hosts itself when weights are equal; NULL: `edf` decides
    uint32_t length
    uint32_t cursor
    uint32_t *weights           # without their common divisor
    uint64_t cycle              # sum of them
    uint64_t left               # picks until the end of the cycle
    Edf edf


cdef uint32_t common_divisor(uint32_t a, uint32_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a


cdef int reduce_weights(RoundRobin *state, const Candidates *candidates) noexcept nogil:
    cdef uint32_t divisor = 0
    cdef uint32_t i
    state.weights = <uint32_t *>malloc(candidates.count * sizeof(uint32_t))
    if state.weights == NULL:
        return -1
    for i in range(candidates.count):
        divisor = common_divisor(candidates.weights[i], divisor)
    for i in range(candidates.count):
        state.weights[i] = candidates.weights[i] // divisor
    state.cycle = candidates.weight_sum // divisor
    return 0


cdef int make_schedule(RoundRobin *state, const Candidates *candidates) noexcept nogil:
    cdef uint32_t i
    state.order = <Host **>malloc(state.cycle * sizeof(Host *))
    if state.order == NULL:
        return -1
    state.length = <uint32_t>state.cycle
    for i in range(state.length):
        state.order[i] = candidates.hosts[edf_next(&state.edf, state.weights)]
    edf_release(&state.edf)
    return 0


cdef int build_weighted(RoundRobin *state, const Candidates *candidates, uint64_t seed) noexcept nogil:
    cdef uint64_t _
    if reduce_weights(state, candidates) < 0 or edf_init(&state.edf, state.weights, candidates.count) < 0:
        return -1
    if state.cycle <= LONGEST_SCHEDULE:
        return make_schedule(state, candidates)
    state.left = state.cycle
    for _ in range(seed % candidates.count):
        next_by_deadline(state)
    return 0


cdef int build(Candidates *candidates, const PolicyOptions *options, uint64_t seed) noexcept nogil:
    cdef RoundRobin *state = <RoundRobin *>calloc(1, sizeof(RoundRobin))
    if state == NULL:
        return -1
    candidates.table = state
    if candidates.equal_weights:
        state.order = candidates.hosts
        state.length = candidates.count
    elif build_weighted(state, candidates, seed) < 0:
        return -1
    if state.length:
        state.cursor = <uint32_t>(seed % state.length)
    return 0


cdef uint32_t next_by_deadline(RoundRobin *state) noexcept nogil:
    if state.left == 0:
        edf_reset(&state.edf, state.weights)
        state.left = state.cycle
    state.left -= 1
    return edf_next(&state.edf, state.weights)


cdef Host *pick(const Candidates *candidates, const PolicyOptions *options, uint64_t hash, uint32_t attempt,
                uint64_t *random) noexcept nogil:
    cdef RoundRobin *state = <RoundRobin *>candidates.table
    cdef Host *host
    if state.order == NULL:
        return candidates.hosts[next_by_deadline(state)]
    host = state.order[state.cursor]
    state.cursor += 1
    if state.cursor == state.length:
        state.cursor = 0
    return host


cdef void release(Candidates *candidates) noexcept nogil:
    cdef RoundRobin *state = <RoundRobin *>candidates.table
    if state == NULL:
        return
    if state.order != candidates.hosts:
        free(state.order)
    edf_release(&state.edf)
    free(state.weights)
    free(state)


cdef Policy round_robin_policy() noexcept nogil:
    return Policy(b"round_robin", 0, build, pick, release)
