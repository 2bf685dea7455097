# The order in which other hosts are asked is that of Envoy in kind (fixed by the hash, spread at random), not number by
# number: here it walks all hosts from a start and with a stride that the hash gives, which needs no memory.

from libc.math cimport ceil
from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.proxy.balance_policy cimport Candidates, PolicyOptions, random_below
from mosn._fastpath.proxy.types cimport Host


cdef uint64_t slots_of_all(const Candidates *candidates, const PolicyOptions *options) noexcept nogil:
    cdef uint64_t active = 0
    cdef uint32_t i
    for i in range(candidates.count):
        active += candidates.hosts[i].active_requests
    return ((active + 1) * options.hash_balance_factor + 99) // 100


cdef double overload(const Candidates *candidates, uint64_t slots, const Host *host, uint32_t weight) noexcept nogil:
    # Above 1: more than its share.
    cdef double share = ceil(<double>slots * weight / <double>candidates.weight_sum)
    return host.active_requests / (share if share > 1 else 1.0)


cdef uint32_t weight_of(const Candidates *candidates, const Host *host) noexcept nogil:
    cdef uint32_t i
    if candidates.equal_weights:
        return candidates.weights[0]
    for i in range(candidates.count):
        if candidates.hosts[i] == host:
            return candidates.weights[i]
    return 1


cdef uint32_t stride_for(uint32_t count, uint64_t *random) noexcept nogil:
    # Coprime to count, so that every host is met once.
    cdef uint32_t stride = 1 + random_below(random, count - 1) if count > 1 else 1
    while not coprime(stride, count):
        stride = stride % count + 1
    return stride


cdef bint coprime(uint32_t a, uint32_t b) noexcept nogil:
    while b:
        a, b = b, a % b
    return a == 1


cdef Host *within_bound(const Candidates *candidates, const PolicyOptions *options, uint64_t hash,
                        Host *host) noexcept nogil:
    cdef uint64_t slots
    # Every host may have one request, so that one more is the least that can be too many.
    if options.hash_balance_factor == 0 or host.active_requests <= 1:
        return host
    slots = slots_of_all(candidates, options)
    if overload(candidates, slots, host, weight_of(candidates, host)) <= 1.0:
        return host
    return least_overloaded(candidates, slots, hash, host)


cdef Host *least_overloaded(const Candidates *candidates, uint64_t slots, uint64_t hash, Host *host) noexcept nogil:
    cdef uint64_t random = hash
    cdef uint32_t at = random_below(&random, candidates.count)
    cdef uint32_t stride = stride_for(candidates.count, &random)
    cdef double least = overload(candidates, slots, host, weight_of(candidates, host))
    cdef double factor
    cdef uint32_t _
    for _ in range(candidates.count):
        factor = overload(candidates, slots, candidates.hosts[at], candidates.weights[at])
        if factor <= 1.0:
            return candidates.hosts[at]
        if factor < least:
            least = factor
            host = candidates.hosts[at]
        at = <uint32_t>((<uint64_t>at + stride) % candidates.count)
    return host
