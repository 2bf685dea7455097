# The Python face's classes, for what measures them.

from libc.stdint cimport int64_t

from mosn._fastpath.codec.http1 cimport H1BodyDecoder, H1HeadParser, H1Limits
from mosn._fastpath.head cimport Head
from mosn._fastpath.memory cimport Arena, BlockPool, Buf, Slice


cdef class Parser:
    cdef BlockPool pool
    cdef Arena arena
    cdef H1HeadParser head_parser
    cdef H1BodyDecoder body
    cdef H1Limits limits
    cdef Buf scratch
    cdef Head trailers
    cdef bytes pending
    cdef bint request
    cdef bint in_body
    cdef list methods
    cdef readonly str error

    cdef size_t _run(self, const char *p, size_t n, list events) except? 0
    cdef int64_t _head(self, const char *p, size_t n, list events) except? -1
    cdef int64_t _body(self, const char *p, size_t n, list events) except? -1
    cdef int _start_body(self, const Head *head) except -1
    cdef int _end(self, list events) except -1


cdef class Message:
    cdef BlockPool pool
    cdef Arena arena
    cdef Head head
    cdef Buf out

    cdef int _add(self, Slice name, Slice value) except -1
    cdef Slice _keep(self, bytes text)
    cdef bytes _taken(self, int result)
