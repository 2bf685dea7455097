# Consistent hashing with bounded loads (https://arxiv.org/abs/1608.01350), for ring hash and Maglev.

from libc.stdint cimport uint64_t

from mosn._fastpath.proxy.balance_policy cimport Candidates, PolicyOptions
from mosn._fastpath.proxy.types cimport Host


# `host` unless it has more than hash_balance_factor percent of its share of the requests in flight; then the first
# host that has room in an order that depends on the hash only, or the least loaded one.
cdef Host *within_bound(const Candidates *candidates, const PolicyOptions *options, uint64_t hash,
                        Host *host) noexcept nogil
