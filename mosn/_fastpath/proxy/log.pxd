# Access logs of a listener or HTTP manager: filters and formatted lines into the record ring.

from mosn._fastpath.memory cimport BlockPool
from mosn._fastpath.proxy.types cimport RequestInfo
from mosn._fastpath.shm.ring cimport Ring


cdef struct AccessLogs:
    void *hidden
    unsigned int count


# Format and enqueue one line per log whose filter lets it through.  A full ring drops and counts.
cdef void access_logs_write(const AccessLogs *logs, const RequestInfo *info, BlockPool *pool, Ring *ring) noexcept nogil


cdef class AccessLogsObject:
    # AccessLogsObject(specs: list[mosn.model.AccessLog])
    cdef AccessLogs logs
    cdef object _keep
