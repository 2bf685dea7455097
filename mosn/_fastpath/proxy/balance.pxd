# Load balancing of one cluster: priorities, panic, and the policy that picks among a priority's hosts.
#
# Semantics are Envoy's (source/extensions/load_balancing_policies): overprovisioning 140 %, a priority whose healthy
# and degraded hosts are fewer than the panic threshold uses all of its hosts.

from libc.stdint cimport uint32_t, uint64_t

from mosn._fastpath.proxy.balance_policy cimport Candidates, Policy, PolicyOptions, next_random
from mosn._fastpath.proxy.types cimport Host, PickContext


cdef struct Level:
    # One priority.
    uint32_t healthy_load       # percent of the cluster's requests
    uint32_t degraded_load
    bint panic
    Candidates healthy          # all hosts in panic
    Candidates degraded


cdef struct Balancer:
    const Policy *policy
    PolicyOptions options
    Candidates *only            # takes all requests (the usual case); NULL when loads decide
    Level *levels
    uint32_t level_count
    bint panic                  # some priority with load is in panic


# Compile.  hosts[i] belongs to specs[i] (mosn.model.Host); lb is a mosn.model.LoadBalancing.  NULL for a policy that
# does not pick from a list (original_dst).  Raises ValueError, MemoryError.
cdef Balancer *balancer_new(Host **hosts, list specs, dict lb, uint64_t seed) except? NULL
cdef void balancer_free(Balancer *balancer) noexcept nogil

# When more than one list of candidates can be meant, or hosts already tried are avoided.
cdef Host *balancer_pick_slow(const Balancer *balancer, PickContext *context) noexcept nogil

cdef inline Host *balancer_pick(const Balancer *balancer, PickContext *context) noexcept nogil:
    cdef uint64_t hash = context.hash
    if balancer.only == NULL or context.tried_count:
        return balancer_pick_slow(balancer, context)
    if not balancer.policy.hashes:
        return balancer.policy.pick(balancer.only, &balancer.options, 0, 0, context.random)
    if not context.has_hash:
        hash = next_random(context.random)
    return balancer.policy.pick(balancer.only, &balancer.options, hash, 0, context.random)
