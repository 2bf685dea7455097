from mosn._fastpath.proxy.balance_policy cimport Policy


# Maglev hashing (https://research.google/pubs/maglev-a-fast-and-reliable-software-network-load-balancer/, section 3.4)
# with weights as in Envoy, whose tables come out equal to ours.
cdef Policy maglev_policy() noexcept nogil
