"""Upstream HTTP/1.1 connections of one worker (see pool.pxd).

Per host: a last-in-first-out list of idle connections, a queue of streams that wait for one.  Whoever becomes free
first, a new connection or a returned one, serves the oldest waiter.  Limits are counted per box in shared memory.
"""

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc, free
from libc.string cimport memcpy, strlen, strncpy

from mosn._fastpath.engine.conn cimport conn_init, conn_timer
from mosn._fastpath.engine.system cimport EMFILE, ENFILE, close, errno
from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.h1_client cimport h1_client_attach, h1_client_conn_ops
from mosn._fastpath.proxy.h1_client_end cimport h1_client_close, h1_client_idle_left, h1_client_silent
from mosn._fastpath.proxy.proxy_protocol cimport proxy_protocol_write
from mosn._fastpath.proxy.runtime cimport (
    CLIENT_BUSY, CLIENT_CONNECTING, CLIENT_IDLE, RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT, RESET_OVERFLOW,
    S_PENDING_TAKEN, S_REQUEST_TAKEN, S_WAITING, H1Client, HostPool, PoolOps, Proxy, Stream,
)
from mosn._fastpath.proxy.tls_handshake cimport tls_connect, tls_failure
from mosn._fastpath.proxy.types cimport Breaker, Cluster, Host
from mosn._fastpath.proxy.upstream_host cimport host_free_if_unused, host_pool, host_stat, upstream_socket
from mosn._fastpath.shm.segment cimport (
    LIMIT_CONNECTIONS, LIMIT_PENDING, LIMIT_REQUESTS, count, gauge, histogram_record, limit_give, limit_take,
)
from mosn._fastpath.shm.stats cimport (
    CLG_CX_ACTIVE, CLG_CX_HTTP1_ACTIVE, CLG_RQ_ACTIVE, CLG_RQ_PENDING_ACTIVE, CLH_CX_CONNECT_MS, CLH_CX_LENGTH_MS,
    CL_CX_CONNECT_FAIL, CL_CX_CONNECT_TIMEOUT, CL_CX_DESTROY, CL_CX_DESTROY_LOCAL, CL_CX_DESTROY_REMOTE,
    CL_CX_HTTP1_TOTAL, CL_CX_MAX_DURATION_REACHED, CL_CX_MAX_REQUESTS, CL_CX_OVERFLOW, CL_CX_TOTAL,
    CL_RQ_PENDING_FAILURE_EJECT, CL_RQ_PENDING_OVERFLOW, CL_RQ_PENDING_TOTAL, HSG_CX_ACTIVE, HSG_RQ_ACTIVE,
    HS_CX_CONNECT_FAIL, HS_CX_TOTAL, HS_RQ_TOTAL,
)


cdef extern from "<string.h>" nogil:
    char *strerror_r(int error, char *text, size_t n)


cdef enum:
    DELAYED = 23                # of "delayed connect error: "


cdef void pool_wait(Stream **first, Stream **last, Stream *stream) noexcept nogil:
    stream.flags |= S_WAITING | S_PENDING_TAKEN
    stream.next = NULL
    stream.previous = last[0]
    if last[0] != NULL:
        last[0].next = stream
    else:
        first[0] = stream
    last[0] = stream
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_PENDING_TOTAL, 1)
    gauge(stream.proxy.region, stream.cluster.gauges + CLG_RQ_PENDING_ACTIVE, 1)


cdef void pool_wait_over(Stream **first, Stream **last, Stream *stream) noexcept nogil:
    if stream.previous != NULL:
        stream.previous.next = stream.next
    else:
        first[0] = stream.next
    if stream.next != NULL:
        stream.next.previous = stream.previous
    else:
        last[0] = stream.previous
    pool_waited(stream)


cdef void pool_waited(Stream *stream) noexcept nogil:
    stream.next = NULL
    stream.previous = NULL
    stream.flags &= ~<uint32_t>(S_WAITING | S_PENDING_TAKEN)
    limit_give(stream.proxy.region, breaker_of(stream).index, LIMIT_PENDING)
    gauge(stream.proxy.region, stream.cluster.gauges + CLG_RQ_PENDING_ACTIVE, -1)


cdef void enqueue(HostPool *pool, Stream *stream) noexcept nogil:
    pool_wait(&pool.waiting, &pool.waiting_last, stream)
    pool.waiting_count += 1


cdef void dequeue(HostPool *pool, Stream *stream) noexcept nogil:
    pool_wait_over(&pool.waiting, &pool.waiting_last, stream)
    pool.waiting_count -= 1


cdef void pool_forget(Stream *stream) noexcept nogil:
    dequeue(host_pool(stream.host), stream)


cdef void pool_refuse(Stream *stream, uint32_t stat) noexcept nogil:
    count(stream.proxy.region, stream.cluster.stats + stat, 1)
    stream.events.reset(stream, RESET_OVERFLOW, slice_of(NULL, 0))


cdef bint pool_take_request(Stream *stream) noexcept nogil:
    cdef Breaker *breaker = breaker_of(stream)
    cdef Proxy *proxy = stream.proxy
    cdef Host *host = stream.host
    if not limit_take(proxy.region, &proxy.limits, breaker.index, LIMIT_REQUESTS, breaker.max_requests):
        return False
    stream.flags |= S_REQUEST_TAKEN
    host.active_requests += 1
    gauge(proxy.region, stream.cluster.gauges + CLG_RQ_ACTIVE, 1)
    if host.stats:
        count(proxy.region, host.stats + HS_RQ_TOTAL, 1)
        gauge(proxy.region, host.gauges + HSG_RQ_ACTIVE, 1)
    return True


cdef bint lend(H1Client *client, Stream *stream) noexcept nogil:
    # False: the stream was refused and the client is still free.
    if not pool_take_request(stream):
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return False
    h1_client_attach(client, stream)
    stream.events.ready(stream)
    return True


cdef void keep(H1Client *client) noexcept nogil:
    cdef HostPool *pool = host_pool(client.host)
    client.state = CLIENT_IDLE
    client.previous = NULL
    client.next = pool.idle
    if pool.idle != NULL:
        pool.idle.previous = client
    pool.idle = client
    client.host.idle = client
    client.host.idle_count += 1
    arm_idle(client)


cdef void arm_idle(H1Client *client) noexcept nogil:
    # A timer that is armed already fires early enough and looks again (h1_client's on_timer).
    cdef long long left
    client.idle_since_ms = client.proxy.engine.now_ms
    if client.conn.timer.prev != NULL:
        return
    left = h1_client_idle_left(client)
    if left >= 0:
        conn_timer(&client.conn, <uint32_t>left if left else 1)


cdef void unkeep(HostPool *pool, H1Client *client) noexcept nogil:
    if client.previous != NULL:
        client.previous.next = client.next
    else:
        pool.idle = client.next
    if client.next != NULL:
        client.next.previous = client.previous
    client.next = NULL
    client.previous = NULL
    client.host.idle = pool.idle
    client.host.idle_count -= 1


cdef void pool_acquire(Stream *stream) noexcept nogil:
    cdef HostPool *pool = host_pool(stream.host)
    cdef Breaker *breaker = breaker_of(stream)
    cdef Proxy *proxy = stream.proxy
    cdef H1Client *client
    if pool == NULL:
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    while pool.idle != NULL:
        client = pool.idle
        unkeep(pool, client)
        if not h1_client_silent(client):
            h1_client_close(client)
            continue
        if not lend(client, stream):
            keep(client)
        return
    if not limit_take(proxy.region, &proxy.limits, breaker.index, LIMIT_PENDING, breaker.max_pending):
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    enqueue(pool, stream)
    if pool.connecting < pool.waiting_count:
        grow(stream, pool, breaker)


cdef void grow(Stream *stream, HostPool *pool, Breaker *breaker) noexcept nogil:
    # One more connection, within the limit; a host without any gets one in any case, or its queue would never move.
    cdef Proxy *proxy = stream.proxy
    cdef bint taken = limit_take(proxy.region, &proxy.limits, breaker.index, LIMIT_CONNECTIONS,
                                 breaker.max_connections)
    if not taken:
        count(proxy.region, stream.cluster.stats + CL_CX_OVERFLOW, 1)
        if pool.connections:
            return
    open_connection(proxy, pool, stream.cluster, stream, breaker.index, taken)


cdef void open_connection(Proxy *proxy, HostPool *pool, Cluster *cluster, Stream *stream, uint32_t row,
                          bint taken) noexcept nogil:
    cdef bint connecting = False
    cdef int error
    cdef int fd = upstream_socket(cluster, pool.host, &connecting)
    cdef H1Client *client = <H1Client *>calloc(1, sizeof(H1Client)) if fd >= 0 else NULL
    if fd < 0 and errno in (EMFILE, ENFILE) and pool.connections:
        # As at the limit of connections: who waits gets one that others give back.
        if taken:
            limit_give(proxy.region, row, LIMIT_CONNECTIONS)
        return
    if client == NULL or conn_init(&client.conn, proxy.engine, h1_client_conn_ops(), fd, connecting) < 0 or tls_connect(
            proxy, &client.conn, cluster, pool.host, stream.snapshot) < 0:
        if taken:
            limit_give(proxy.region, row, LIMIT_CONNECTIONS)
        error = errno
        if fd >= 0:
            close(fd)
        free(client)
        connect_failed(proxy, pool, cluster, cut_queue(pool), RESET_CONNECT_FAILED, error)
        return
    describe(client, proxy, pool, cluster)
    client.limit_row = row
    client.counted = taken
    client.state = CLIENT_CONNECTING
    pool.connecting += 1
    if cluster.proxy_protocol:
        proxy_protocol_write(&client.conn, cluster.proxy_protocol, &stream.info)
    if connecting:
        conn_timer(&client.conn, cluster.connect_timeout_ms)
    else:
        on_upstream_connected(client)


cdef void describe(H1Client *client, Proxy *proxy, HostPool *pool, Cluster *cluster) noexcept nogil:
    client.proxy = proxy
    client.host = pool.host
    client.conn.high_water = cluster.buffer_limit
    client.opened_us = proxy.engine.now_us
    client.max_requests = cluster.max_requests_per_connection
    client.idle_ms = cluster.idle_timeout_ms
    client.max_ms = cluster.max_connection_duration_ms
    client.stats = cluster.stats
    client.gauges = cluster.gauges
    client.histograms = cluster.histograms
    client.proper_case = cluster.proper_case
    pool.connections += 1
    pool.host.active_connections += 1
    count(proxy.region, cluster.stats + CL_CX_TOTAL, 1)
    count(proxy.region, cluster.stats + CL_CX_HTTP1_TOTAL, 1)
    gauge(proxy.region, cluster.gauges + CLG_CX_ACTIVE, 1)
    gauge(proxy.region, cluster.gauges + CLG_CX_HTTP1_ACTIVE, 1)
    if pool.host.stats:
        count(proxy.region, pool.host.stats + HS_CX_TOTAL, 1)
        gauge(proxy.region, pool.host.gauges + HSG_CX_ACTIVE, 1)


cdef void on_upstream_connected(H1Client *client) noexcept nogil:
    cdef HostPool *pool = host_pool(client.host)
    pool.connecting -= 1
    histogram_record(client.proxy.region, client.histograms + CLH_CX_CONNECT_MS,
                     client.proxy.engine.now_us - client.opened_us)
    client.state = CLIENT_BUSY
    serve_or_keep(client, pool)


cdef void serve_or_keep(H1Client *client, HostPool *pool) noexcept nogil:
    cdef Stream *stream = pool.waiting
    if client.host.retired:
        h1_client_close(client)
        return
    while stream != NULL:
        dequeue(pool, stream)
        if lend(client, stream):
            return
        stream = pool.waiting
    keep(client)


cdef void on_upstream_failed(H1Client *client, int timeout, int error) noexcept nogil:
    # The connection never was: tell the streams that wait for this host (Envoy ejects all of them).
    cdef HostPool *pool = host_pool(client.host)
    cdef Proxy *proxy = client.proxy
    cdef Cluster fake
    cdef Stream *waiting
    cdef Slice detail
    cdef char words[128]
    pool.connecting -= 1
    client.state = CLIENT_BUSY
    fake.stats = client.stats
    if timeout:
        count(proxy.region, client.stats + CL_CX_CONNECT_TIMEOUT, 1)
    # Those that are told may start new attempts on this host: this connection must be gone from the counts first.
    pool.host.references += 1
    waiting = cut_queue(pool)
    detail = tls_failure(&client.conn, words, sizeof(words))
    h1_client_close(client)
    tell(proxy, pool, &fake, waiting, RESET_CONNECT_TIMEOUT if timeout else RESET_CONNECT_FAILED, error, detail)
    pool.host.references -= 1
    host_free_if_unused(proxy, pool)


cdef Stream *cut_queue(HostPool *pool) noexcept nogil:
    cdef Stream *first = pool.waiting
    pool.waiting = NULL
    pool.waiting_last = NULL
    return first


cdef void connect_failed(Proxy *proxy, HostPool *pool, Cluster *cluster, Stream *stream, int reason,
                         int error) noexcept nogil:
    tell(proxy, pool, cluster, stream, reason, error, slice_of(NULL, 0))


cdef void tell(Proxy *proxy, HostPool *pool, Cluster *cluster, Stream *stream, int reason, int error,
               Slice detail) noexcept nogil:
    # `stream` is the first of a queue that was cut off: a retry may queue up anew while we go through it.
    cdef Stream *following
    cdef char text[128]
    cdef const char *said
    count(proxy.region, cluster.stats + CL_CX_CONNECT_FAIL, 1)
    host_stat(proxy, pool.host, HS_CX_CONNECT_FAIL)
    if error and detail.n == 0:
        # Envoy's words: the error came when the loop looked at the socket, not from connect() itself.
        said = strerror_r(error, text + DELAYED, sizeof(text) - DELAYED)
        if said != text + DELAYED:
            strncpy(text + DELAYED, said, sizeof(text) - DELAYED - 1)
            text[sizeof(text) - 1] = 0
        memcpy(text, "delayed connect error: ", DELAYED)
        detail = slice_of(text, strlen(text))
    while stream != NULL:
        following = stream.next
        eject(pool, stream)
        stream.events.reset(stream, reason, detail)
        stream = following


cdef void eject(HostPool *pool, Stream *stream) noexcept nogil:
    # As dequeue, for a stream of a queue that was already cut off.
    pool_waited(stream)
    pool.waiting_count -= 1
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_PENDING_FAILURE_EJECT, 1)


cdef void on_upstream_free(H1Client *client) noexcept nogil:
    cdef HostPool *pool = host_pool(client.host)
    if client.max_requests and client.requests >= client.max_requests:
        count(client.proxy.region, client.stats + CL_CX_MAX_REQUESTS, 1)
        h1_client_close(client)
        return
    if client.max_ms and client.proxy.engine.now_us - client.opened_us >= <uint64_t>client.max_ms * 1000:
        count(client.proxy.region, client.stats + CL_CX_MAX_DURATION_REACHED, 1)
        h1_client_close(client)
        return
    serve_or_keep(client, pool)


cdef void on_upstream_gone(H1Client *client) noexcept nogil:
    # Called once per connection, before its socket is closed.
    cdef HostPool *pool = host_pool(client.host)
    cdef Proxy *proxy = client.proxy
    if client.stream == NULL and (client.previous != NULL or pool.idle == client):
        unkeep(pool, client)
    pool.connections -= 1
    client.host.active_connections -= 1
    if client.counted:
        limit_give(proxy.region, client.limit_row, LIMIT_CONNECTIONS)
    count(proxy.region, client.stats + CL_CX_DESTROY, 1)
    count(proxy.region, client.stats + (CL_CX_DESTROY_REMOTE if client.remote_closed else CL_CX_DESTROY_LOCAL), 1)
    gauge(proxy.region, client.gauges + CLG_CX_ACTIVE, -1)
    gauge(proxy.region, client.gauges + CLG_CX_HTTP1_ACTIVE, -1)
    histogram_record(proxy.region, client.histograms + CLH_CX_LENGTH_MS, proxy.engine.now_us - client.opened_us)
    if client.host.stats:
        gauge(proxy.region, client.host.gauges + HSG_CX_ACTIVE, -1)
    refill(pool)
    host_free_if_unused(proxy, pool)


cdef void refill(HostPool *pool) noexcept nogil:
    # More streams wait than connections are coming: another one in place of the one that went.
    cdef Stream *stream = pool.waiting
    if stream != NULL and pool.connecting < pool.waiting_count and pool.idle == NULL:
        grow(stream, pool, breaker_of(stream))


cdef PoolOps OPS
OPS.acquire = pool_acquire
OPS.forget = pool_forget


cdef const PoolOps *h1_pool_ops() noexcept nogil:
    return &OPS


cdef void pool_init_proxy(Proxy *proxy) noexcept nogil:
    proxy.host_unused = host_free_if_unused
    proxy.upstream_free = on_upstream_free
    proxy.upstream_gone = on_upstream_gone
    proxy.upstream_connected = on_upstream_connected
    proxy.upstream_failed = on_upstream_failed
