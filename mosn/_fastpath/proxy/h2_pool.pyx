"""Upstream HTTP/2 connections (see h2_pool.pxd).

A stream goes to the first connection that has room; when none has, it waits, and a connection is opened unless one is
coming for it already.  Whoever gets room serves the oldest waiter.
"""

from libc.stdint cimport uint32_t
from libc.stdlib cimport calloc, free
from libc.string cimport strlen

from mosn._fastpath.codec.h2 cimport h2_default_config, h2_init
from mosn._fastpath.codec.h2_types cimport H2Config
from mosn._fastpath.engine.conn cimport conn_init, conn_timer
from mosn._fastpath.engine.system cimport close, errno
from mosn._fastpath.engine.types cimport C_LATE
from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.h2_client cimport (
    h2_client_close, h2_client_conn_ops, h2_client_has_room, h2_client_opened, h2_client_retire,
    h2_client_serve,
)
from mosn._fastpath.proxy.h2_client_stream cimport h2_client_events
from mosn._fastpath.proxy.h2_client_types cimport H2C_CONNECTING, H2C_OPEN, H2Client, H2Owner, H2Pool
from mosn._fastpath.proxy.pool cimport breaker_of, pool_refuse, pool_take_request
from mosn._fastpath.proxy.proxy_protocol cimport proxy_protocol_write
from mosn._fastpath.proxy.runtime cimport (
    RESET_CONNECT_FAILED, RESET_CONNECT_TIMEOUT, S_PENDING_TAKEN, S_WAITING, HostPool, Stream,
)
from mosn._fastpath.proxy.types cimport Breaker, Cluster, Host
from mosn._fastpath.proxy.upstream_host cimport host_pool, host_stat, upstream_socket
from mosn._fastpath.shm.segment cimport (
    LIMIT_CONNECTIONS, LIMIT_PENDING, count, gauge, histogram_record, limit_give, limit_take,
)
from mosn._fastpath.shm.stats cimport (
    CLG_CX_ACTIVE, CLG_CX_HTTP2_ACTIVE, CLG_RQ_PENDING_ACTIVE, CLH_CX_CONNECT_MS, CLH_CX_LENGTH_MS,
    CL_CX_CONNECT_FAIL, CL_CX_CONNECT_TIMEOUT, CL_CX_DESTROY, CL_CX_DESTROY_LOCAL, CL_CX_DESTROY_REMOTE,
    CL_CX_HTTP2_TOTAL, CL_CX_OVERFLOW, CL_CX_TOTAL, CL_RQ_PENDING_FAILURE_EJECT, CL_RQ_PENDING_OVERFLOW,
    CL_RQ_PENDING_TOTAL, HSG_CX_ACTIVE, HS_CX_CONNECT_FAIL, HS_CX_TOTAL,
)


cdef extern from "<string.h>" nogil:
    char *strerror_r(int error, char *text, size_t n)

cdef enum:
    LEAST_HIGH_WATER = 262144   # of requests in the queue: many clients share it


cdef H2Pool *find_pool(HostPool *host) noexcept nogil:
    cdef H2Pool *pool = <H2Pool *>host.h2
    if pool == NULL:
        pool = <H2Pool *>calloc(1, sizeof(H2Pool))
        if pool != NULL:
            pool.host = host
            host.h2 = pool
    return pool


# -- waiting streams

cdef void enqueue(H2Pool *pool, Stream *stream) noexcept nogil:
    stream.flags |= S_WAITING | S_PENDING_TAKEN
    stream.next = NULL
    stream.previous = pool.waiting_last
    if pool.waiting_last != NULL:
        pool.waiting_last.next = stream
    else:
        pool.waiting = stream
    pool.waiting_last = stream
    pool.waiting_count += 1
    count(stream.proxy.region, stream.cluster.stats + CL_RQ_PENDING_TOTAL, 1)
    gauge(stream.proxy.region, stream.cluster.gauges + CLG_RQ_PENDING_ACTIVE, 1)


cdef void no_longer(Stream *stream) noexcept nogil:
    stream.next = NULL
    stream.previous = NULL
    stream.flags &= ~<uint32_t>(S_WAITING | S_PENDING_TAKEN)
    limit_give(stream.proxy.region, breaker_of(stream).index, LIMIT_PENDING)
    gauge(stream.proxy.region, stream.cluster.gauges + CLG_RQ_PENDING_ACTIVE, -1)


cdef void dequeue(H2Pool *pool, Stream *stream) noexcept nogil:
    if stream.previous != NULL:
        stream.previous.next = stream.next
    else:
        pool.waiting = stream.next
    if stream.next != NULL:
        stream.next.previous = stream.previous
    else:
        pool.waiting_last = stream.previous
    pool.waiting_count -= 1
    no_longer(stream)


cdef void forget(Stream *stream) noexcept nogil:
    dequeue(<H2Pool *>host_pool(stream.host).h2, stream)


# -- lending

cdef void lend(H2Client *client, Stream *stream) noexcept nogil:
    if not pool_take_request(stream):
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    h2_client_serve(client, stream)


cdef void acquire(Stream *stream) noexcept nogil:
    cdef HostPool *host = host_pool(stream.host)
    cdef H2Pool *pool = find_pool(host) if host != NULL else NULL
    cdef Breaker *breaker = breaker_of(stream)
    cdef H2Client *client
    if pool == NULL:
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    client = pool.clients
    while client != NULL and not h2_client_has_room(client):
        client = client.next
    if client != NULL and pool.waiting == NULL:
        lend(client, stream)
        return
    if not limit_take(stream.proxy.region, &stream.proxy.limits, breaker.index, LIMIT_PENDING, breaker.max_pending):
        pool_refuse(stream, CL_RQ_PENDING_OVERFLOW)
        return
    enqueue(pool, stream)
    if pool.waiting_count > pool.connecting * max(stream.cluster.h2_max_streams, <uint32_t>1):
        grow(stream, pool, breaker)


cdef void grow(Stream *stream, H2Pool *pool, Breaker *breaker) noexcept nogil:
    # One more connection, within the limit; a host without any gets one in any case, or its queue would never move.
    cdef bint taken = limit_take(stream.proxy.region, &stream.proxy.limits, breaker.index, LIMIT_CONNECTIONS,
                                 breaker.max_connections)
    if not taken:
        count(stream.proxy.region, stream.cluster.stats + CL_CX_OVERFLOW, 1)
        if pool.clients != NULL:
            return
    connect(stream, pool, breaker.index, taken)


cdef void room(H2Client *client) noexcept nogil:
    cdef H2Pool *pool = client.pool
    cdef Stream *stream
    while pool.waiting != NULL and h2_client_has_room(client):
        stream = pool.waiting
        dequeue(pool, stream)
        lend(client, stream)


# -- connecting

cdef void connect(Stream *stream, H2Pool *pool, uint32_t row, bint taken) noexcept nogil:
    cdef Cluster *cluster = stream.cluster
    cdef bint connecting = False
    cdef int error
    cdef int fd = upstream_socket(cluster, pool.host.host, &connecting)
    cdef H2Client *client = <H2Client *>calloc(1, sizeof(H2Client)) if fd >= 0 else NULL
    if client == NULL or conn_init(&client.conn, stream.proxy.engine, h2_client_conn_ops(), fd, connecting) < 0:
        error = errno
        if taken:
            limit_give(stream.proxy.region, row, LIMIT_CONNECTIONS)
        if fd >= 0:
            close(fd)
        free(client)
        tell_failed(pool, cluster.stats, cut(pool), RESET_CONNECT_FAILED, error)
        return
    describe(client, stream, pool)
    client.limit_row = row
    client.counted = taken
    pool.connecting += 1
    if cluster.proxy_protocol:
        proxy_protocol_write(&client.conn, cluster.proxy_protocol, &stream.info)
    speak(client, cluster)
    if connecting:
        conn_timer(&client.conn, cluster.connect_timeout_ms)
    else:
        connected(client)


cdef void speak(H2Client *client, const Cluster *cluster) noexcept nogil:
    # Our preface goes out with the first bytes of the connection.
    cdef H2Config config
    h2_default_config(&config)
    config.stream_window = cluster.h2_stream_window
    config.connection_window = cluster.h2_connection_window
    config.table_size = cluster.h2_table_size
    config.max_streams = 0
    config.out_limit = client.conn.high_water
    client.h2.pool = &client.conn.engine.pool
    client.h2.out = &client.conn.outbuf
    client.h2.owner = client
    client.h2.now_ms = client.proxy.engine.now_ms
    h2_init(&client.h2, &config, h2_client_events(), True)


cdef void describe(H2Client *client, Stream *stream, H2Pool *pool) noexcept nogil:
    cdef Cluster *cluster = stream.cluster
    client.conn.flags |= C_LATE
    client.conn.high_water = max(cluster.buffer_limit, <uint32_t>LEAST_HIGH_WATER)
    client.proxy = stream.proxy
    client.host = pool.host.host
    client.pool = pool
    client.owner = &OWNER
    client.next = pool.clients
    if pool.clients != NULL:
        pool.clients.previous = client
    pool.clients = client
    client.opened_us = stream.proxy.engine.now_us
    client.max_requests = cluster.max_requests_per_connection
    client.max_streams = max(cluster.h2_max_streams, <uint32_t>1)
    client.idle_ms = cluster.idle_timeout_ms
    client.max_ms = cluster.max_connection_duration_ms
    client.stats = cluster.stats
    client.gauges = cluster.gauges
    client.histograms = cluster.histograms
    counted_in(client)


cdef void counted_in(H2Client *client) noexcept nogil:
    client.pool.host.connections += 1
    client.host.active_connections += 1
    count(client.proxy.region, client.stats + CL_CX_TOTAL, 1)
    count(client.proxy.region, client.stats + CL_CX_HTTP2_TOTAL, 1)
    gauge(client.proxy.region, client.gauges + CLG_CX_ACTIVE, 1)
    gauge(client.proxy.region, client.gauges + CLG_CX_HTTP2_ACTIVE, 1)
    if client.host.stats:
        count(client.proxy.region, client.host.stats + HS_CX_TOTAL, 1)
        gauge(client.proxy.region, client.host.gauges + HSG_CX_ACTIVE, 1)


cdef Stream *cut(H2Pool *pool) noexcept nogil:
    cdef Stream *first = pool.waiting
    pool.waiting = NULL
    pool.waiting_last = NULL
    pool.waiting_count = 0
    return first


cdef void connected(H2Client *client) noexcept nogil:
    client.pool.connecting -= 1
    histogram_record(client.proxy.region, client.histograms + CLH_CX_CONNECT_MS,
                     client.proxy.engine.now_us - client.opened_us)
    h2_client_opened(client)
    room(client)
    if client.host.retired:
        h2_client_retire(client)


cdef void failed(H2Client *client, int timeout, int error) noexcept nogil:
    # The connection never was: tell the streams that wait for it.
    cdef H2Pool *pool = client.pool
    cdef Host *host = client.host
    cdef uint32_t stats = client.stats
    cdef Stream *waiting = cut(pool)
    if timeout:
        count(client.proxy.region, stats + CL_CX_CONNECT_TIMEOUT, 1)
    # Those that are told may start new attempts on this host: this connection must be gone from the counts first.
    host.references += 1
    h2_client_close(client, RESET_CONNECT_FAILED)
    tell_failed(pool, stats, waiting, RESET_CONNECT_TIMEOUT if timeout else RESET_CONNECT_FAILED, error)
    host.references -= 1
    client.proxy.host_unused(client.proxy, pool.host)


cdef void tell_failed(H2Pool *pool, uint32_t stats, Stream *first, int reason, int error) noexcept nogil:
    # `first` heads a queue that was cut off: a retry may queue up anew while we go through it.
    cdef Stream *stream
    cdef char words[96]
    cdef const char *said
    cdef Slice detail = slice_of(NULL, 0)
    if first != NULL:
        count(first.proxy.region, stats + CL_CX_CONNECT_FAIL, 1)
        host_stat(first.proxy, pool.host.host, HS_CX_CONNECT_FAIL)
    if error:
        said = strerror_r(error, words, sizeof(words))
        detail = slice_of(said, strlen(said))
    while first != NULL:
        stream = first
        first = stream.next
        if first != NULL:
            first.previous = NULL
        no_longer(stream)
        count(stream.proxy.region, stats + CL_RQ_PENDING_FAILURE_EJECT, 1)
        stream.events.reset(stream, reason, detail)


cdef void gone(H2Client *client) noexcept nogil:
    # Once per connection, before its socket is closed.
    cdef H2Pool *pool = client.pool
    if client.state_before == H2C_CONNECTING:
        pool.connecting -= 1
    if client.previous != NULL:
        client.previous.next = client.next
    else:
        pool.clients = client.next
    if client.next != NULL:
        client.next.previous = client.previous
    pool.host.connections -= 1
    client.host.active_connections -= 1
    if client.counted:
        limit_give(client.proxy.region, client.limit_row, LIMIT_CONNECTIONS)
    count(client.proxy.region, client.stats + CL_CX_DESTROY, 1)
    count(client.proxy.region,
          client.stats + (CL_CX_DESTROY_REMOTE if client.remote_closed else CL_CX_DESTROY_LOCAL), 1)
    gauge(client.proxy.region, client.gauges + CLG_CX_ACTIVE, -1)
    gauge(client.proxy.region, client.gauges + CLG_CX_HTTP2_ACTIVE, -1)
    histogram_record(client.proxy.region, client.histograms + CLH_CX_LENGTH_MS,
                     client.proxy.engine.now_us - client.opened_us)
    if client.host.stats:
        gauge(client.proxy.region, client.host.gauges + HSG_CX_ACTIVE, -1)


cdef void refill(H2Client *client) noexcept nogil:
    # More streams wait than connections are coming: another one in place of the one that went or drains.
    cdef H2Pool *pool = client.pool
    if pool.waiting != NULL and pool.connecting == 0:
        grow(pool.waiting, pool, breaker_of(pool.waiting))


# -- hosts that go

cdef void retire(HostPool *host) noexcept nogil:
    cdef H2Client *client = (<H2Pool *>host.h2).clients
    cdef H2Client *following
    while client != NULL:
        following = client.next
        if client.state == H2C_OPEN:
            h2_client_retire(client)
        client = following


cdef void release(HostPool *host) noexcept nogil:
    free(host.h2)
    host.h2 = NULL


cdef H2Owner OWNER
OWNER.connected = connected
OWNER.failed = failed
OWNER.gone = gone
OWNER.room = room
OWNER.refill = refill


cdef void h2_pool_init(Proxy *proxy) noexcept nogil:
    proxy.h2_acquire = acquire
    proxy.h2_forget = forget
    proxy.h2_retire = retire
    proxy.h2_free = release
