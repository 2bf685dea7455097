# Errors of RPC services as JSON: {"error": what it is, "message": what it says} (docs/bridging.md).

from libc.stdint cimport uint16_t

from mosn._fastpath.codec.hessian_tables cimport HessianIn
from mosn._fastpath.codec.json_write cimport JsonOut
from mosn._fastpath.memory cimport Slice


# All return the status of the HTTP response, or -1: unreadable.
# An answer that is no value: `status` is the protocol's, `code` what it is in HTTP's words.
cdef int error_text(JsonOut *json, const char *protocol, uint16_t status, uint16_t code, Slice message) noexcept nogil
# The exception (a java.lang.Throwable) that comes next.
cdef int error_of_object(HessianIn *h) noexcept nogil
# Class and message of the exception that comes next; 0, -1.  Nothing is written.
cdef int error_read(HessianIn *h, Slice *name, Slice *message) noexcept nogil
cdef int error_write(JsonOut *json, Slice name, Slice message) noexcept nogil
