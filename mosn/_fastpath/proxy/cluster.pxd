# Clusters and hosts: what the balancers choose from.
#
# A Cluster is immutable once compiled except for its balancer's cursor and counts that only the engine thread
# touches.  A Host outlives snapshots: the same address in the same cluster is the same Host, so that pools and
# counts survive a reload.

from libc.stdint cimport uint8_t, uint32_t

from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.balance cimport Balancer, balancer_pick
from mosn._fastpath.proxy.types cimport Cluster, Host, PickContext


# The host for the next attempt, or NULL when there is none.  Hosts in `tried` are avoided for `attempts` draws.
# ORIGINAL_DST clusters have no balancer (lb.policy 0): the pool answers and keeps its hosts, linked by `next`, at
# lb.state; they are released with the cluster.
cdef inline Host *cluster_pick(Cluster *cluster, PickContext *context) noexcept nogil:
    if cluster.lb.policy == 0:
        return NULL
    return balancer_pick(<Balancer *>cluster.lb.state, context)

# True when a priority that gets requests is in panic (Envoy counts lb_healthy_panic for each pick then).
cdef inline bint cluster_in_panic(const Cluster *cluster) noexcept nogil:
    return cluster.lb.policy != 0 and (<Balancer *>cluster.lb.state).panic

# To be called on the engine thread when it takes a snapshot into use: hosts that were there before get the weight,
# health, priority, hostname and statistics of this snapshot.  Until then compiling has changed nothing that runs.
cdef void cluster_activate(Cluster *cluster) noexcept nogil

# A Host that belongs to no HostObject (ORIGINAL_DST).  Texts are copied.  NULL when out of memory.
cdef Host *host_new(const void *socket_address, uint32_t length, Slice address, Slice hostname) noexcept nogil
# Frees a Host of host_new or of a HostObject, with its texts.  Nobody may hold it or its hostname any more.
cdef void host_free(Host *host) noexcept nogil

# What is done with a Host when the last snapshot that names it is gone (it has `retired` set).  Called on the thread
# that drops the snapshot, with the GIL.  The default frees it; the data plane sets a hook that hands it to the engine
# thread, which closes its idle connections and calls host_free once nothing refers to it.
ctypedef void (*HostRelease)(Host *host) noexcept nogil
cdef void set_host_release(HostRelease release) noexcept nogil

# Parse "1.2.3.4:80", "[::1]:80", "unix:/path" or "unix:@abstract" into a struct sockaddr of at most 128 bytes; returns
# its length.  Raises ValueError naming the text.
cdef int parse_socket_address(str text, uint8_t *out) except -1


cdef class HostObject:
    # Owns one Host, see set_host_release.
    cdef Host *host
    cdef readonly str cluster
    cdef object __weakref__


cdef class ClusterObject:
    # ClusterObject(spec: mosn.model.Cluster, hosts: list[HostObject], seed: int | None = None)
    cdef Cluster *cluster
    cdef readonly str name
    cdef readonly list hosts
    cdef object _keep
    # Private.
    cdef Slice keep(self, str text)
    cdef int set_values(self, dict spec) except -1
    cdef int set_hosts(self, dict spec) except -1
