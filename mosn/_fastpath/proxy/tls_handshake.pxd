# TLS of the proxy's connections: from the compiled context to a handshake, and what is counted of it.

from mosn._fastpath.engine.types cimport Conn
from mosn._fastpath.proxy.runtime cimport Proxy, Snapshot
from mosn._fastpath.memory cimport Slice
from mosn._fastpath.proxy.types cimport Cluster, Host
from mosn._fastpath.proxy.tls_types cimport TlsContext


# Put TLS under a client's connection.  `snapshot` owns the context and is held until the handshake has ended.
# 0, or -1: no memory.
# The same under a connection to `host`, which then counts as connecting until the handshake is done.  Nothing where
# the cluster speaks plain text.
cdef int tls_connect(Proxy *proxy, Conn *conn, const Cluster *cluster, Host *host, Snapshot *snapshot) noexcept nogil
# What went wrong in words ("TLS error: ..."), or n 0 when nothing of TLS did.
cdef Slice tls_failure(const Conn *conn, char *room, size_t n) noexcept nogil
cdef int tls_accept(Proxy *proxy, Conn *conn, TlsContext *context, Snapshot *snapshot) noexcept nogil
