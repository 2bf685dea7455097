"""Upstream connections of multiplexed RPC protocols (see rpc_pool.pxd).

A host has `connections` slots per protocol and worker, a client connection always uses the same one, chosen by its
number.  A slot connects when its first stream comes; streams that come meanwhile wait in their order.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free

from mosn._fastpath.codec.frame cimport FrameCodec
from mosn._fastpath.engine.conn cimport conn_init, conn_timer
from mosn._fastpath.engine.system cimport close, errno
from mosn._fastpath.engine.types cimport C_LATE
from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.pool cimport (
    breaker_of, pool_refuse, pool_take_request, pool_wait, pool_wait_over, pool_waited,
)
from mosn._fastpath.proxy.proxy_protocol cimport proxy_protocol_write
from mosn._fastpath.proxy.rpc_client cimport (
    rpc_client_close, rpc_client_conn_ops, rpc_client_init, rpc_client_opened, rpc_client_retire, rpc_client_serve,
)
from mosn._fastpath.proxy.rpc_own cimport rpc_own_join, rpc_own_leave, rpc_own_slot
from mosn._fastpath.proxy.rpc_types cimport MOST_SLOTS, RPC_OPEN, RpcClient, RpcExchange, RpcOwner, RpcPool, RpcSlot
from mosn._fastpath.proxy.runtime cimport (
    RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT, HostPool, PoolOps, Proxy, RpcManager, Stream,
)
from mosn._fastpath.proxy.tls_handshake cimport tls_connect, tls_failure
from mosn._fastpath.proxy.types cimport Breaker, Cluster, Host
from mosn._fastpath.proxy.upstream_host cimport host_pool, host_stat, upstream_socket
from mosn._fastpath.shm.segment cimport (
    LIMIT_CONNECTIONS, LIMIT_PENDING, count, gauge, histogram_record, limit_give, limit_take,
)
from mosn._fastpath.shm.stats cimport (
    CL_CX_CONNECT_FAIL, CL_CX_CONNECT_TIMEOUT, CL_CX_DESTROY, CL_CX_OVERFLOW, CL_CX_TOTAL, CL_RQ_PENDING_FAILURE_EJECT,
    CL_RQ_PENDING_OVERFLOW, CLG_CX_ACTIVE, CLH_CX_CONNECT_MS, CLH_CX_LENGTH_MS, HS_CX_CONNECT_FAIL, HS_CX_TOTAL,
    HSG_CX_ACTIVE,
)


cdef extern from "<string.h>" nogil:
    char *strerror_r(int error, char *text, size_t n)

cdef enum:
    LEAST_HIGH_WATER = 262144   # of requests in the queue: many clients share it


cdef RpcPool *find_pool(HostPool *host, const FrameCodec *codec) noexcept nogil:
    cdef RpcPool *pool = <RpcPool *>host.rpc
    while pool != NULL and pool.codec != codec:
        pool = pool.next
    if pool != NULL:
        return pool
    pool = <RpcPool *>calloc(1, sizeof(RpcPool))
    if pool != NULL:
        pool.host = host
        pool.codec = codec
        pool.next = <RpcPool *>host.rpc
        host.rpc = pool
    return pool


cdef inline const RpcManager *manager_of(const Stream *stream) noexcept nogil:
    return (<const RpcExchange *>stream.rpc).manager


cdef inline uint32_t slot_count(const Stream *stream) noexcept nogil:
    return min(max(manager_of(stream).connections, <uint32_t>1), <uint32_t>MOST_SLOTS)


# -- waiting streams

cdef void enqueue(RpcSlot *slot, Stream *stream) noexcept nogil:
    (<RpcExchange *>stream.rpc).slot = slot
    pool_wait(&slot.waiting, &slot.waiting_last, stream)


cdef void forget(Stream *stream) noexcept nogil:
    cdef RpcSlot *slot = (<RpcExchange *>stream.rpc).slot
    pool_wait_over(&slot.waiting, &slot.waiting_last, stream)


# -- lending

cdef void lend(RpcClient *client, Stream *stream) noexcept nogil:
    if not pool_take_request(stream):
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    rpc_client_serve(client, stream)


cdef RpcSlot *slot_of(Stream *stream, RpcPool *pool) noexcept nogil:
    cdef RpcExchange *exchange = <RpcExchange *>stream.rpc
    if exchange.own != NULL:
        return rpc_own_slot(exchange.own, pool)
    return &pool.slots[exchange.client_id % slot_count(stream)]


cdef void acquire(Stream *stream) noexcept nogil:
    cdef HostPool *host = host_pool(stream.host)
    cdef RpcPool *pool = find_pool(host, manager_of(stream).codec) if host != NULL else NULL
    cdef Breaker *breaker = breaker_of(stream)
    cdef RpcSlot *slot
    if pool == NULL:
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    slot = slot_of(stream, pool)
    if slot == NULL:
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    if slot.client != NULL and slot.client.state == RPC_OPEN:
        lend(slot.client, stream)
        return
    if not limit_take(stream.proxy.region, &stream.proxy.limits, breaker.index, LIMIT_PENDING, breaker.max_pending):
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    if slot.client == NULL:
        open_slot(stream, pool, slot, breaker)
    else:
        enqueue(slot, stream)


cdef RpcClient *any_open(RpcPool *pool) noexcept nogil:
    cdef uint32_t i
    for i in range(MOST_SLOTS):
        if pool.slots[i].client != NULL and pool.slots[i].client.state == RPC_OPEN:
            return pool.slots[i].client
    return NULL


cdef void open_slot(Stream *stream, RpcPool *pool, RpcSlot *slot, Breaker *breaker) noexcept nogil:
    # Within the limit of connections; beyond it another slot's connection serves, and a host has one in any case.
    # Who needs a connection of its own is refused.
    cdef Proxy *proxy = stream.proxy
    cdef RpcClient *other
    cdef bint taken = limit_take(proxy.region, &proxy.limits, breaker.index, LIMIT_CONNECTIONS,
                                 breaker.max_connections)
    if not taken:
        count(proxy.region, stream.cluster.stats + CL_CX_OVERFLOW, 1)
        if (<RpcExchange *>stream.rpc).own != NULL:
            limit_give(proxy.region, breaker.index, LIMIT_PENDING)
            pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
            return
        other = any_open(pool)
        if other != NULL:
            limit_give(proxy.region, breaker.index, LIMIT_PENDING)
            lend(other, stream)
            return
    enqueue(slot, stream)
    connect_slot(stream, pool, slot, breaker.index, taken)


# -- connecting

cdef void connect_slot(Stream *stream, RpcPool *pool, RpcSlot *slot, uint32_t row, bint taken) noexcept nogil:
    cdef Proxy *proxy = stream.proxy
    cdef Cluster *cluster = stream.cluster
    cdef bint connecting = False
    cdef int error
    cdef int fd = upstream_socket(cluster, pool.host.host, &connecting)
    cdef RpcClient *client = <RpcClient *>calloc(1, sizeof(RpcClient)) if fd >= 0 else NULL
    if client == NULL or rpc_client_init(client) < 0 or conn_init(
            &client.conn, proxy.engine, rpc_client_conn_ops(), fd, connecting) < 0 or tls_connect(
            proxy, &client.conn, cluster, pool.host.host, stream.snapshot) < 0:
        error = errno
        if taken:
            limit_give(proxy.region, row, LIMIT_CONNECTIONS)
        if fd >= 0:
            close(fd)
        if client != NULL:
            free(client.pending)
        free(client)
        tell_failed(proxy, pool.host.host, cluster.stats, cut(slot), RESET_CONNECT_FAILED, error, slice_of(NULL, 0))
        return
    describe(client, stream, pool, slot)
    client.limit_row = row
    client.counted = taken
    if cluster.proxy_protocol:
        proxy_protocol_write(&client.conn, cluster.proxy_protocol, &stream.info)
    if connecting:
        conn_timer(&client.conn, cluster.connect_timeout_ms)
    else:
        connected(client)


cdef void describe(RpcClient *client, Stream *stream, RpcPool *pool, RpcSlot *slot) noexcept nogil:
    cdef Proxy *proxy = stream.proxy
    cdef Cluster *cluster = stream.cluster
    cdef const RpcManager *manager = manager_of(stream)
    cdef Host *host = pool.host.host
    client.conn.flags |= C_LATE
    client.conn.high_water = max(cluster.buffer_limit, <uint32_t>LEAST_HIGH_WATER)
    client.proxy = proxy
    client.host = host
    client.pool = pool
    client.owner = &OWNER
    client.codec = pool.codec
    client.slot = slot
    slot.client = client
    client.next = pool.clients
    if pool.clients != NULL:
        pool.clients.previous = client
    pool.clients = client
    client.like = (<RpcExchange *>stream.rpc).frame
    client.limits = manager.limits
    client.opened_us = proxy.engine.now_us
    client.max_requests = cluster.max_requests_per_connection
    client.idle_ms = cluster.idle_timeout_ms
    client.heartbeat_ms = manager.heartbeat_ms
    client.heartbeat_timeout_ms = manager.heartbeat_timeout_ms
    client.heartbeat_failures = manager.heartbeat_failures
    client.stats = cluster.stats
    client.gauges = cluster.gauges
    client.histograms = cluster.histograms
    if (<RpcExchange *>stream.rpc).own != NULL:
        rpc_own_join((<RpcExchange *>stream.rpc).own, client)
    pool.host.connections += 1
    host.active_connections += 1
    count(proxy.region, cluster.stats + CL_CX_TOTAL, 1)
    gauge(proxy.region, cluster.gauges + CLG_CX_ACTIVE, 1)
    if host.stats:
        count(proxy.region, host.stats + HS_CX_TOTAL, 1)
        gauge(proxy.region, host.gauges + HSG_CX_ACTIVE, 1)


cdef Stream *cut(RpcSlot *slot) noexcept nogil:
    cdef Stream *first = slot.waiting
    slot.waiting = NULL
    slot.waiting_last = NULL
    return first


cdef void connected(RpcClient *client) noexcept nogil:
    cdef RpcSlot *slot = client.slot
    cdef Stream *stream
    histogram_record(client.proxy.region, client.histograms + CLH_CX_CONNECT_MS,
                     client.proxy.engine.now_us - client.opened_us)
    rpc_client_opened(client)
    while client.state == RPC_OPEN and client.slot == slot and slot.waiting != NULL:
        stream = slot.waiting
        forget(stream)
        lend(client, stream)
    if client.host.retired:
        rpc_client_retire(client)
    elif slot.waiting != NULL and slot.client == NULL:
        # It took as many requests as it may: the rest goes to another.
        stream = slot.waiting
        forget(stream)
        acquire(stream)


cdef void failed(RpcClient *client, int timeout, int error) noexcept nogil:
    # The connection never was: tell the streams that wait for it.
    cdef Proxy *proxy = client.proxy
    cdef Host *host = client.host
    cdef HostPool *pool = client.pool.host
    cdef uint32_t stats = client.stats
    cdef Stream *waiting = cut(client.slot)
    cdef char words[128]
    cdef Slice detail = tls_failure(&client.conn, words, sizeof(words))
    if timeout:
        count(proxy.region, stats + CL_CX_CONNECT_TIMEOUT, 1)
    # Those that are told may start new attempts on this host: this connection must be gone from the counts first.
    host.references += 1
    rpc_client_close(client, RESET_CONNECT_FAILED)
    tell_failed(proxy, host, stats, waiting, RESET_CONNECT_TIMEOUT if timeout else RESET_CONNECT_FAILED, error, detail)
    host.references -= 1
    proxy.host_unused(proxy, pool)


cdef void tell_failed(Proxy *proxy, Host *host, uint32_t stats, Stream *first, int reason, int error,
                      Slice detail) noexcept nogil:
    # `first` heads a queue that was cut off: a retry may queue up anew while we go through it.
    cdef Stream *stream
    cdef char words[96]
    cdef const char *said
    count(proxy.region, stats + CL_CX_CONNECT_FAIL, 1)
    host_stat(proxy, host, HS_CX_CONNECT_FAIL)
    if error and detail.n == 0:
        said = strerror_r(error, words, sizeof(words))
        while said[detail.n]:
            detail.n += 1
        detail.p = said
    while first != NULL:
        stream = first
        first = stream.next
        if first != NULL:
            first.previous = NULL
        pool_waited(stream)
        count(proxy.region, stats + CL_RQ_PENDING_FAILURE_EJECT, 1)
        stream.events.reset(stream, reason, detail)


cdef void gone(RpcClient *client) noexcept nogil:
    cdef Proxy *proxy = client.proxy
    cdef RpcPool *pool = client.pool
    if client.previous != NULL:
        client.previous.next = client.next
    else:
        pool.clients = client.next
    if client.next != NULL:
        client.next.previous = client.previous
    rpc_own_leave(client)
    pool.host.connections -= 1
    client.host.active_connections -= 1
    if client.counted:
        limit_give(proxy.region, client.limit_row, LIMIT_CONNECTIONS)
    count(proxy.region, client.stats + CL_CX_DESTROY, 1)
    gauge(proxy.region, client.gauges + CLG_CX_ACTIVE, -1)
    histogram_record(proxy.region, client.histograms + CLH_CX_LENGTH_MS, proxy.engine.now_us - client.opened_us)
    if client.host.stats:
        gauge(proxy.region, client.host.gauges + HSG_CX_ACTIVE, -1)
    proxy.host_unused(proxy, pool.host)


# -- hosts that go

cdef void retire(HostPool *host) noexcept nogil:
    cdef RpcPool *pool = <RpcPool *>host.rpc
    cdef RpcClient *client
    cdef RpcClient *following
    while pool != NULL:
        client = pool.clients
        while client != NULL:
            following = client.next
            if client.state == RPC_OPEN:
                rpc_client_retire(client)
            client = following
        pool = pool.next


cdef void release(HostPool *host) noexcept nogil:
    cdef RpcPool *pool = <RpcPool *>host.rpc
    cdef RpcPool *following
    while pool != NULL:
        following = pool.next
        free(pool)
        pool = following


cdef RpcOwner OWNER
OWNER.connected = connected
OWNER.failed = failed
OWNER.gone = gone

cdef PoolOps OPS
OPS.acquire = acquire
OPS.forget = forget


cdef const PoolOps *rpc_pool_ops() noexcept nogil:
    return &OPS


cdef void rpc_pool_init(Proxy *proxy) noexcept nogil:
    proxy.rpc_retire = retire
    proxy.rpc_free = release
