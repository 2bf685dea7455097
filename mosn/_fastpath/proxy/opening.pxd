# The last step of accepting: a connection goes to its filter chain's protocol, or away.

from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy


# Set by the data plane: h1_server_open, tcp_open, rpc_server_open.
cdef void opening_set_protocols(void *open_http, void *open_tcp, void *open_rpc) noexcept nogil
cdef void open_protocol(Proxy *proxy, Accepted *facts, FilterChain *chain) noexcept nogil
# Close an admitted connection that no protocol took.
cdef void turn_away(Proxy *proxy, Accepted *facts) noexcept nogil
