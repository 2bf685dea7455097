# What a SofaRequest in Hessian says about itself, for BOLT clients that send no method as a header.
#
# SOFARPC's Hessian is an early draft of version 2 (sofa-hessian 3.x): "O" defines a class, "o" is an object of it, maps
# and lists end with "z".  The fields of the class are in any order and differ by client.

from mosn._fastpath.memory cimport Arena, Slice


# The fields methodName and targetServiceUniqueName of the SofaRequest at p (content of a BOLT request with codec 1).
# Each is empty when it is null or not there.  0, or -1 when this is no SofaRequest or cannot be read up to them.
cdef int h2_sofa_request(const char *p, size_t n, Arena *arena, Slice *method, Slice *service) noexcept nogil
