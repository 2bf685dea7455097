# Whose request it is: x-forwarded-for (Envoy: use_remote_address, xff_num_trusted_hops, skip_xff_append).

from mosn._fastpath.proxy.runtime cimport Stream


# Reads or appends to x-forwarded-for and makes stream.info.remote the client's address.
cdef void client_address(Stream *stream) noexcept nogil
