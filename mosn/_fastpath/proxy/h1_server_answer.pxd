# Answers to an HTTP/1.1 client.

from mosn._fastpath.proxy.runtime cimport DownstreamOps


cdef const DownstreamOps *h1_server_answer_ops() noexcept nogil
