# Python's face of the balancers: for tests, benchmarks and `mosn route`.

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.proxy.balance cimport Balancer
from mosn._fastpath.proxy.cluster cimport ClusterObject, HostObject, cluster_activate, cluster_pick
from mosn._fastpath.proxy.types cimport Host, PickContext


cdef class Picker:
    cdef readonly ClusterObject cluster
    cdef uint64_t random
    cdef dict by_pointer

    def __cinit__(self, ClusterObject cluster not None, uint64_t seed=1):
        self.cluster = cluster
        self.random = seed
        self.by_pointer = {<size_t>(<HostObject>host).host: host for host in cluster.hosts}

    def pick(self, hash=None, list tried=None, uint32_t attempts=0):
        cdef PickContext context = self.context(hash)
        cdef Host **hosts = <Host **>calloc(len(tried or ()) + 1, sizeof(Host *))
        cdef Host *host
        for i, each in enumerate(tried or ()):
            hosts[i] = (<HostObject?>each).host
        context.tried = hosts
        context.tried_count = len(tried or ())
        context.attempts = attempts
        host = cluster_pick(self.cluster.cluster, &context)
        free(hosts)
        return self.by_pointer[<size_t>host] if host != NULL else None

    def sequence(self, uint32_t n, hash=None):
        cdef PickContext context = self.context(hash)
        found = []
        for _ in range(n):
            found.append(self.by_pointer[<size_t>cluster_pick(self.cluster.cluster, &context)].address)
        return found

    def by_hashes(self, hashes):
        return [self.pick(hash).address for hash in hashes]

    def loop(self, uint64_t n):
        """Pick n times with a new hash each, and nothing else."""
        cdef PickContext context = self.context(0)
        cdef uint64_t _
        cdef uint64_t seen = 0
        with nogil:
            for _ in range(n):
                context.hash += <uint64_t>0x9E3779B97F4A7C15ULL
                seen += <size_t>cluster_pick(self.cluster.cluster, &context)
        return seen

    cdef PickContext context(self, hash) except *:
        cdef PickContext context
        context.has_hash = hash is not None
        context.hash = hash or 0
        context.random = &self.random
        context.tried = NULL
        context.tried_count = 0
        context.attempts = 0
        return context

    def activate(self):
        cluster_activate(self.cluster.cluster)

    def loads(self):
        """(healthy load, degraded load, panic) of each priority."""
        cdef Balancer *balancer = <Balancer *>self.cluster.cluster.lb.state
        return [
            (balancer.levels[i].healthy_load, balancer.levels[i].degraded_load, bool(balancer.levels[i].panic))
            for i in range(balancer.level_count)
        ]


def set_active(HostObject host not None, uint32_t n):
    """Pretend that this host has n requests in flight."""
    host.host.active_requests = n
