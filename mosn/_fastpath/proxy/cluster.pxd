# Clusters and hosts: what the balancers choose from.
#
# A Cluster is immutable once compiled except for its balancer's cursor and counts that only the engine thread
# touches.  A Host outlives snapshots: the same address in the same cluster is the same Host, so that pools and
# counts survive a reload.

from libc.stdint cimport uint32_t

from mosn._fastpath.proxy.types cimport Cluster, Host, PickContext


# The host for the next attempt, or NULL when there is none.  Hosts in `tried` are avoided for `attempts` draws.
# (ORIGINAL_DST clusters are answered by the pool, not here.)
cdef Host *cluster_pick(Cluster *cluster, PickContext *context) noexcept nogil


cdef class HostObject:
    # Owns one Host.  `release` is called with the object when the last snapshot lets go; the engine closes the
    # host's idle connections and then frees it.
    cdef Host *host
    cdef object _keep


cdef class ClusterObject:
    # ClusterObject(spec: mosn.model.Cluster, hosts: list[HostObject])
    cdef Cluster *cluster
    cdef readonly str name
    cdef readonly list hosts
    cdef object _keep
