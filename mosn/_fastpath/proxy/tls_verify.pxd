# What OpenSSL asks during a handshake: which certificate, which protocol, which ticket key, is this peer let in.

from mosn._fastpath.engine.openssl cimport GENERAL_NAME
from mosn._fastpath.proxy.tls_types cimport NamedContext, TlsContext


# The callbacks find the TlsContext through Tls.context.
cdef void tls_set_callbacks(TlsContext *context, NamedContext *named) noexcept nogil
# A subject alternative name as text (addresses are written into `room`, 64 bytes), or NULL for kinds that have none.
cdef const char *general_name(const GENERAL_NAME *name, int *type, char *room, size_t *n) noexcept nogil
