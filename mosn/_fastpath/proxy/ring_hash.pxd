from mosn._fastpath.proxy.balance_policy cimport Policy


# Ketama-style consistent hashing; points of the ring are Envoy's ("ADDRESS_0", "ADDRESS_1" ... hashed).
cdef Policy ring_hash_policy() noexcept nogil
