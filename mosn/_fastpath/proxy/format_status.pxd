# gRPC status codes as Envoy prints them.

from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport BlockPool, Buf
from mosn._fastpath.proxy.types cimport RequestInfo


# content-type "application/grpc" or "application/grpc+...".
cdef bint is_grpc(const Head *head) noexcept nogil
# The value of grpc-status, or -1.
cdef int grpc_status_of(const Head *head) noexcept nogil
# %GRPC_STATUS%: form is a GrpcStatusForm.  0; 1 absent; -1 out of memory.
cdef int append_grpc_status(const RequestInfo *info, int form, BlockPool *pool, Buf *out) noexcept nogil
