# Compiling TLS contexts (mosn.model.TlsContext).

from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.tls_types cimport NamedContext, TlsContext


cdef class TlsContextObject:
    # TlsContextObject(spec).  Raises ValueError that names what OpenSSL did not take; never shows key material.
    cdef TlsContext context
    cdef readonly dict spec
    cdef Store store
    # Private.
    cdef int set_rules(self, dict spec) except -1
    cdef int set_tickets(self, list keys) except -1
    cdef int make_named(self, dict spec) except -1
    cdef int fill(self, NamedContext *named, list certificates, dict spec) except -1


cdef class TlsContexts:
    # TlsContexts(previous): the contexts of one snapshot; those that the one before had too are taken over, because
    # parsing certificates takes a millisecond.
    cdef list made
    cdef list before
    cdef TlsContext *get(self, dict spec) except NULL
    # No more will be asked for.
    cdef int settle(self) except -1
