from mosn._fastpath.proxy.balance_policy cimport Policy


# Weighted round robin: over sum(weights) picks, each host comes weight times, spread out evenly.
cdef Policy round_robin_policy() noexcept nogil
