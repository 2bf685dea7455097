"""The last step of accepting (see opening.pxd)."""

from mosn._fastpath.engine.conn cimport conn_close, conn_ready_again
from mosn._fastpath.engine.system cimport close
from mosn._fastpath.engine.types cimport C_READABLE, C_REDELIVER, Conn
from mosn._fastpath.proxy.holding cimport give_limits
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy
from mosn._fastpath.shm.segment cimport count, gauge
from mosn._fastpath.shm.stats cimport LSG_CX_ACTIVE, LS_CX_DESTROY, SVG_CONNECTIONS


ctypedef void *(*OpenFn)(Proxy *proxy, const Accepted *accepted, FilterChain *chain) noexcept nogil

cdef OpenFn open_http = NULL
cdef OpenFn open_tcp = NULL
cdef OpenFn open_rpc = NULL


cdef void opening_set_protocols(void *http, void *tcp, void *rpc) noexcept nogil:
    global open_http, open_tcp, open_rpc
    open_http = <OpenFn>http
    open_tcp = <OpenFn>tcp
    open_rpc = <OpenFn>rpc


cdef inline OpenFn opener(const FilterChain *chain) noexcept nogil:
    if chain.http != NULL:
        return open_http
    return open_rpc if chain.rpc != NULL else open_tcp


cdef void open_protocol(Proxy *proxy, Accepted *facts, FilterChain *chain) noexcept nogil:
    cdef Conn *opened = <Conn *>opener(chain)(proxy, facts, chain)
    if opened == NULL:
        turn_away(proxy, facts)
        return
    # The request is often here already: look before the next epoll_wait.
    opened.flags |= C_READABLE
    if opened.inbuf.data != NULL:
        opened.flags |= C_REDELIVER
    conn_ready_again(opened)


cdef void turn_away(Proxy *proxy, Accepted *facts) noexcept nogil:
    if facts.conn != NULL:
        conn_close(facts.conn)
    else:
        close(facts.fd)
    count(proxy.region, facts.config.stats + LS_CX_DESTROY, 1)
    gauge(proxy.region, facts.config.gauges + LSG_CX_ACTIVE, -1)
    gauge(proxy.region, proxy.server_gauges + SVG_CONNECTIONS, -1)
    proxy.connections -= 1
    give_limits(proxy, facts.limit_row, facts.box_limit_row)
