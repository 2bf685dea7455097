"""TLS handshakes of clients (see tls_accepting.pxd)."""

from libc.stdlib cimport calloc, free, malloc

from mosn._fastpath.codec.client_hello cimport ClientHello
from mosn._fastpath.engine.conn cimport conn_init, conn_move, conn_pause, conn_ready_again, conn_timer
from mosn._fastpath.engine.system cimport AF_UNIX
from mosn._fastpath.engine.tls cimport tls_handshake
from mosn._fastpath.engine.types cimport C_READABLE, Conn, ConnOps
from mosn._fastpath.proxy.chain cimport chain_find
from mosn._fastpath.proxy.opening cimport open_protocol, turn_away
from mosn._fastpath.proxy.runtime cimport Accepted, FilterChain, Proxy
from mosn._fastpath.proxy.tls_handshake cimport tls_accept
from mosn._fastpath.shm.segment cimport count
from mosn._fastpath.shm.stats cimport LS_NO_FILTER_CHAIN_MATCH, TL_HANDSHAKE_OVERFLOW, TL_HANDSHAKE_TIMEOUT


cdef enum:
    MOST_HANDSHAKES = 4096      # at once, in one worker: each holds up to some 50 KiB


cdef struct Handshake:
    Conn conn                   # first
    Proxy *proxy
    Handshake *next             # all of the worker
    Handshake *previous
    Accepted accepted
    unsigned int stats          # of the context, which may be gone when a timer fires


cdef int take_socket(Handshake *handshake, Accepted *facts) noexcept nogil:
    if facts.conn != NULL:
        return conn_move(&handshake.conn, facts.conn, &OPS)
    return conn_init(&handshake.conn, handshake.proxy.engine, &OPS, facts.fd, False)


cdef void tls_begin(Proxy *proxy, Accepted *facts, FilterChain *chain) noexcept nogil:
    cdef Handshake *handshake = NULL
    if proxy.handshakes >= MOST_HANDSHAKES:
        count(proxy.region, chain.tls.stats + TL_HANDSHAKE_OVERFLOW, 1)
        turn_away(proxy, facts)
        return
    handshake = <Handshake *>calloc(1, sizeof(Handshake))
    if handshake != NULL:
        handshake.proxy = proxy
    if handshake == NULL or take_socket(handshake, facts) < 0:
        free(handshake)
        turn_away(proxy, facts)
        return
    handshake.accepted = facts[0]
    handshake.accepted.conn = &handshake.conn
    handshake.stats = chain.tls.stats
    if tls_accept(proxy, &handshake.conn, chain.tls, proxy.snapshot) < 0:
        turn_away(proxy, &handshake.accepted)
        return
    handshake.accepted.hello = keep_hello(&handshake.conn, facts.hello)
    enter(handshake)
    conn_timer(&handshake.conn, chain.tls.handshake_ms)
    # The ClientHello is often here already: look before the next epoll_wait.
    handshake.conn.flags |= C_READABLE
    conn_pause(&handshake.conn)         # nobody reads plain bytes before there are any
    conn_ready_again(&handshake.conn)


cdef const ClientHello *keep_hello(Conn *conn, const ClientHello *hello) noexcept nogil:
    # As long as the connection: every reload looks for its filter chain anew.
    cdef ClientHello *copy
    if hello == NULL:
        return NULL
    copy = <ClientHello *>malloc(sizeof(ClientHello))
    if copy != NULL:
        copy[0] = hello[0]
    conn.tls.hello = copy
    return copy


cdef void enter(Handshake *handshake) noexcept nogil:
    cdef Proxy *proxy = handshake.proxy
    handshake.next = <Handshake *>proxy.shaking
    if handshake.next != NULL:
        handshake.next.previous = handshake
    proxy.shaking = handshake
    proxy.handshakes += 1


cdef void leave(Handshake *handshake) noexcept nogil:
    if handshake.previous != NULL:
        handshake.previous.next = handshake.next
    else:
        handshake.proxy.shaking = handshake.next
    if handshake.next != NULL:
        handshake.next.previous = handshake.previous
    handshake.proxy.handshakes -= 1


cdef Accepted *refreshed(Handshake *handshake) noexcept nogil:
    # The snapshot that was live when the connection came may be gone: its listener's runtime has the newest.
    cdef Accepted *facts = &handshake.accepted
    facts.config = facts.listener.config
    if facts.local.family == AF_UNIX:
        facts.local.unix_path = facts.config.address.p
    return facts


cdef void give_up(Handshake *handshake) noexcept nogil:
    leave(handshake)
    turn_away(handshake.proxy, refreshed(handshake))


cdef void done(Handshake *handshake) noexcept nogil:
    # The chain of now, which a reload may have changed; one that is not for TLS any more gets no plain bytes.
    cdef Accepted *facts = refreshed(handshake)
    cdef FilterChain *chain = chain_find(facts.config, facts)
    leave(handshake)
    if chain == NULL or chain.tls == NULL:
        count(handshake.proxy.region, facts.config.stats + LS_NO_FILTER_CHAIN_MATCH, 1)
        turn_away(handshake.proxy, facts)
    else:
        open_protocol(handshake.proxy, facts, chain)


cdef void on_handshake(Conn *conn) noexcept nogil:
    cdef int said = tls_handshake(conn)
    if said > 0:
        done(<Handshake *>conn)
    elif said < 0:
        give_up(<Handshake *>conn)


cdef void on_timeout(Conn *conn) noexcept nogil:
    cdef Handshake *handshake = <Handshake *>conn
    count(handshake.proxy.region, handshake.stats + TL_HANDSHAKE_TIMEOUT, 1)
    give_up(handshake)


cdef void on_error(Conn *conn, int error) noexcept nogil:
    give_up(<Handshake *>conn)


cdef void destroy(Conn *conn) noexcept nogil:
    free(conn)


cdef void tls_kill_all(Proxy *proxy) noexcept nogil:
    while proxy.shaking != NULL:
        give_up(<Handshake *>proxy.shaking)


cdef ConnOps OPS
OPS.on_readable = on_handshake
OPS.on_error = on_error
OPS.on_timer = on_timeout
OPS.destroy = destroy
