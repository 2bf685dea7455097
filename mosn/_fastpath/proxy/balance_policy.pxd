# What a load-balancing policy is: three functions over a list of candidates.
#
# A policy is one module that makes a Policy, plus one line in the list in balance.pyx.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.types cimport Host


cdef struct Candidates:
    # Hosts of one priority that take its traffic.  Sorted by key, so that the order in which the configuration names
    # them makes no difference.  Immutable once built, except what `table` points at (engine thread only).
    Host **hosts
    uint32_t *weights           # of this snapshot, 1..
    uint64_t weight_sum
    uint32_t count
    bint equal_weights
    Slice *keys                 # what consistent hashing hashes; only during build
    void *table                 # the policy's own, NULL before build


cdef struct PolicyOptions:
    uint32_t choice_count
    double active_request_bias
    uint64_t minimum_ring_size
    uint64_t maximum_ring_size
    bint murmur
    uint32_t table_size
    uint32_t hash_balance_factor            # percent, 0 off


# Make candidates.table.  There is at least one candidate.  0, or -1 when out of memory (release is called then).
ctypedef int (*PolicyBuild)(Candidates *candidates, const PolicyOptions *options, uint64_t seed) noexcept nogil
# One of the candidates.  hash: of the request, or a random number; attempt: 0, then 1, 2 ... while a retry looks for
# a host that it did not try.
ctypedef Host *(*PolicyPick)(const Candidates *candidates, const PolicyOptions *options, uint64_t hash,
                             uint32_t attempt, uint64_t *random) noexcept nogil
ctypedef void (*PolicyRelease)(Candidates *candidates) noexcept nogil


cdef struct Policy:
    const char *name            # Envoy's, lower case
    bint hashes                 # uses the request's hash
    PolicyBuild build
    PolicyPick pick
    PolicyRelease release


cdef inline uint64_t next_random(uint64_t *state) noexcept nogil:
    # xorshift64*, https://doi.org/10.18637/jss.v008.i14; the upper bits are the good ones.
    cdef uint64_t x = state[0]
    if x == 0:
        x = <uint64_t>0x9E3779B97F4A7C15ULL
    x ^= x >> 12
    x ^= x << 25
    x ^= x >> 27
    state[0] = x
    return x * <uint64_t>0x2545F4914F6CDD1DULL


cdef inline uint32_t random_below(uint64_t *state, uint32_t n) noexcept nogil:
    return <uint32_t>(((next_random(state) >> 32) * n) >> 32)
