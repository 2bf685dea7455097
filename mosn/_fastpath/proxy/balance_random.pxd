from mosn._fastpath.proxy.balance_policy cimport Policy


# Every host with the same probability; weights are ignored, as in Envoy.
cdef Policy random_policy() noexcept nogil
