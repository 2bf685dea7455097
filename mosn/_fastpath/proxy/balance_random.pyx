from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.proxy.balance_policy cimport Candidates, Policy, PolicyOptions, random_below
from mosn._fastpath.proxy.types cimport Host


cdef int build(Candidates *candidates, const PolicyOptions *options, uint64_t seed) noexcept nogil:
    candidates.table = candidates.hosts
    return 0


cdef Host *pick(const Candidates *candidates, const PolicyOptions *options, uint64_t hash, uint32_t attempt,
                uint64_t *random) noexcept nogil:
    return candidates.hosts[random_below(random, candidates.count)]


cdef void release(Candidates *candidates) noexcept nogil:
    candidates.table = NULL


cdef Policy random_policy() noexcept nogil:
    return Policy(b"random", 0, build, pick, release)
