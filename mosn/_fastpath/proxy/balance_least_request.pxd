from mosn._fastpath.proxy.balance_policy cimport Policy


# The host with the fewest requests in flight from this worker: of `choice_count` random ones when weights are equal,
# else earliest deadline first with weight / (active + 1) ** active_request_bias (Envoy's least_request).
cdef Policy least_request_policy() noexcept nogil
