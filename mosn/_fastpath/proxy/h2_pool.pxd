# Upstream HTTP/2 connections of one worker: shared, as many per host as its concurrency limit asks for.

from mosn._fastpath.proxy.runtime cimport Proxy


cdef void h2_pool_init(Proxy *proxy) noexcept nogil
