# x-forwarded-client-cert: what the upstream is told of the client's certificate.

from mosn._fastpath.proxy.runtime cimport HttpManager, Stream


# By the manager's forward_client_cert_details.
cdef void request_client_cert(Stream *stream) noexcept nogil
# Compiles forward_client_cert and client_cert_details of a mosn.model.HttpManager.
cdef int client_cert_rules(HttpManager *out, dict spec) except -1
