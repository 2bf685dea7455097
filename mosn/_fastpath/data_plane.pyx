"""The worker's face of the fast path (see data_plane.pyi).

Two threads meet here: the main thread compiles snapshots and sends commands, the engine's thread serves clients.  They
share two queues; a snapshot belongs to the main thread, which frees it when the engine has said that its last user is
gone.
"""

import os
import time

from libc.stdint cimport uint32_t, uint64_t
from libc.stdlib cimport calloc

from mosn._fastpath.engine.loop cimport engine_init, engine_run, engine_wake, queue_get, queue_put
from mosn._fastpath.engine.system cimport read
from mosn._fastpath.engine.types cimport Engine, QueueItem
from mosn._fastpath.proxy.accepting cimport accepting_kill_all, accepting_set_protocols
from mosn._fastpath.proxy.cluster cimport cluster_activate, host_free, set_host_release
from mosn._fastpath.proxy.finish cimport snapshot_unref, streams_empty_trash
from mosn._fastpath.proxy.h1_server cimport h1_server_drain, h1_server_kill, h1_server_open
from mosn._fastpath.proxy.h2_pool cimport h2_pool_init
from mosn._fastpath.proxy.h2_server cimport h2_drain_all, h2_kill_all, h2_server_open
from mosn._fastpath.proxy.holding cimport listener_runtime
from mosn._fastpath.proxy.listener cimport listener_add_socket, listener_drain, listener_remove_sockets
from mosn._fastpath.proxy.pool cimport pool_init_proxy
from mosn._fastpath.proxy.rpc_pool cimport rpc_pool_init
from mosn._fastpath.proxy.rpc_server cimport rpc_drain_all, rpc_kill_all, rpc_server_open
from mosn._fastpath.proxy.runtime cimport H1Server, Listener, ListenerRuntime, Proxy, Snapshot
from mosn._fastpath.proxy.snapshot cimport SnapshotObject
from mosn._fastpath.proxy.tcp cimport tcp_kill_all, tcp_open
from mosn._fastpath.proxy.types cimport Host
from mosn._fastpath.proxy.upstream_host cimport host_retire
from mosn._fastpath.shm.segment cimport WORKER_DRAINING, WORKER_SERVING, WORKER_STARTING, Segment, WorkerStatus
from mosn._fastpath.shm.stats cimport SV_SNAPSHOTS


from mosn._fastpath.proxy.cluster import HostRegistry

cdef extern from * nogil:
    """
    #define mosn_push_host(head, host) do { \\
        (host)->next = __atomic_load_n((head), __ATOMIC_RELAXED); \\
    } while (!__atomic_compare_exchange_n((head), &(host)->next, (host), 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED))
    #define mosn_take_hosts(head) __atomic_exchange_n((head), NULL, __ATOMIC_ACQUIRE)
    """
    void mosn_push_host(Host **head, Host *host)
    Host *mosn_take_hosts(Host **head)

cdef enum Command:
    DO_INSTALL = 1
    DO_ADD_SOCKET
    DO_REMOVE_SOCKETS
    DO_DRAIN
    DO_STOP
    DO_RETIRE

cdef enum Event:
    INSTALLED = 1
    SNAPSHOT_FREE
    DRAINED
    STOPPED
    SOCKETS_REMOVED

# One engine per process: hosts that are dropped with a snapshot find their way to it.
cdef Proxy *the_proxy = NULL


cdef void retire_host(Host *host) noexcept nogil:
    if the_proxy == NULL or not the_proxy.engine.running:
        host_free(host)
        return
    mosn_push_host(&the_proxy.retired, host)
    engine_wake(the_proxy.engine.wake_fd)


cdef void retire_hosts(Proxy *proxy) noexcept nogil:
    cdef Host *host = mosn_take_hosts(&proxy.retired)
    cdef Host *following
    while host != NULL:
        following = host.next
        host_retire(proxy, host)
        host = following


# -- commands, on the engine's thread

cdef void tell(Proxy *proxy, uint32_t kind, void *pointer) noexcept nogil:
    queue_put(&proxy.engine.events, kind, 0, pointer, 0)
    engine_wake(proxy.engine.event_fd)


cdef void bind_listener(Proxy *proxy, Listener *config) noexcept nogil:
    cdef ListenerRuntime *runtime = listener_runtime(proxy, config.name.p, config.name.n)
    cdef Snapshot *before
    if runtime == NULL:
        return
    before = runtime.config_snapshot
    runtime.config = config
    runtime.config_snapshot = proxy.snapshot
    runtime.removed = False
    proxy.snapshot.references += 1
    if before != NULL:
        snapshot_unref(proxy, before)


cdef void install(Proxy *proxy, Snapshot *fresh) noexcept nogil:
    cdef Snapshot *before = proxy.snapshot
    cdef ListenerRuntime *runtime
    cdef uint32_t i
    for i in range(fresh.cluster_count):
        cluster_activate(fresh.clusters[i])
    proxy.snapshot = fresh
    fresh.references += 1
    for i in range(fresh.listener_count):
        bind_listener(proxy, &fresh.listeners[i])
    runtime = proxy.listeners
    while runtime != NULL:
        if runtime.config != NULL and runtime.config_snapshot != fresh:
            runtime.removed = True      # it goes on with what it had, saying goodbye
        runtime = runtime.next
    if before != NULL:
        snapshot_unref(proxy, before)
    proxy.region.counters[proxy.server_stats + SV_SNAPSHOTS] += 1
    tell(proxy, INSTALLED, fresh.owner)


cdef void drain(Proxy *proxy, double seconds) noexcept nogil:
    cdef ListenerRuntime *runtime = proxy.listeners
    cdef H1Server *server
    proxy.draining = True
    proxy.drain_deadline_ms = proxy.engine.now_ms + <uint64_t>(seconds * 1000)
    proxy.region.status.state = WORKER_DRAINING
    while runtime != NULL:
        listener_drain(runtime)
        runtime = runtime.next
    server = proxy.servers
    while server != NULL:
        h1_server_drain(server)
        server = server.next
    rpc_drain_all(proxy)
    h2_drain_all(proxy)


cdef void check_drain(Proxy *proxy) noexcept nogil:
    cdef H1Server *server
    if proxy.engine.now_ms >= proxy.drain_deadline_ms:
        server = proxy.servers
        while server != NULL:
            h1_server_kill(server)
            server = server.next
        accepting_kill_all(proxy)
        tcp_kill_all(proxy)
        rpc_kill_all(proxy)
        h2_kill_all(proxy)
    if proxy.connections == 0:
        proxy.engine.running = False
        tell(proxy, DRAINED, NULL)


cdef void on_command(Engine *engine, QueueItem *item) noexcept nogil:
    cdef Proxy *proxy = <Proxy *>engine.app
    if item.kind == DO_INSTALL:
        install(proxy, <Snapshot *>item.pointer)
    elif item.kind == DO_ADD_SOCKET:
        listener_add_socket(<ListenerRuntime *>item.pointer, <int>item.value)
    elif item.kind == DO_REMOVE_SOCKETS:
        listener_remove_sockets(<ListenerRuntime *>item.pointer)
        tell(proxy, SOCKETS_REMOVED, item.pointer)
    elif item.kind == DO_DRAIN:
        drain(proxy, item.number)
    elif item.kind == DO_STOP:
        engine.running = False


cdef void on_batch(Engine *engine) noexcept nogil:
    cdef Proxy *proxy = <Proxy *>engine.app
    cdef WorkerStatus *status = proxy.region.status
    status.heartbeat_us = engine.now_us
    status.connections = proxy.connections
    if proxy.retired != NULL:
        retire_hosts(proxy)
    if proxy.draining:
        check_drain(proxy)


# -- the main thread's side

cdef class DataPlane:
    cdef Engine *engine
    cdef Proxy *proxy
    cdef Segment segment
    cdef object registry
    cdef dict live              # snapshots the engine may use, by address
    cdef SnapshotObject newest
    cdef uint32_t generation
    cdef dict runtimes          # listener name -> address of its runtime
    cdef bint ran

    def __cinit__(self, int worker, Segment segment not None):
        global the_proxy
        self.engine = <Engine *>calloc(1, sizeof(Engine))
        self.proxy = <Proxy *>calloc(1, sizeof(Proxy))
        if self.engine == NULL or self.proxy == NULL:
            raise MemoryError
        engine_init(self.engine)
        self.segment = segment
        self.registry = HostRegistry()
        self.live = {}
        self.runtimes = {}
        self.proxy.region = segment.region(worker)
        if self.proxy.region == NULL:
            raise ValueError(f"worker {worker} is out of range")
        self.proxy.limits = segment.limits()
        self.proxy.worker = worker
        self.proxy.engine = self.engine
        # Unique over the box, not only in this worker.
        self.proxy.next_connection_id = <uint64_t>worker << 48
        self.engine.app = self.proxy
        self.engine.on_command = on_command
        self.engine.on_batch = on_batch
        self.engine.empty_trash = streams_empty_trash
        self.engine.running = True
        pool_init_proxy(self.proxy)
        rpc_pool_init(self.proxy)
        h2_pool_init(self.proxy)
        accepting_set_protocols(<void *>h1_server_open, <void *>tcp_open, <void *>rpc_server_open,
                                <void *>h2_server_open)
        the_proxy = self.proxy
        set_host_release(retire_host)
        self.sign_in()

    cdef void sign_in(self):
        cdef WorkerStatus *status = self.proxy.region.status
        status.pid = os.getpid()
        status.started_us = <uint64_t>(time.time() * 1e6)
        status.state = WORKER_STARTING

    cdef int command(self, uint32_t kind, uint32_t value, void *pointer, double number) except -1:
        if queue_put(&self.engine.commands, kind, value, pointer, number) < 0:
            raise BlockingIOError("the engine's command queue is full")
        engine_wake(self.engine.wake_fd)
        return 0

    cdef void *runtime(self, str listener) except NULL:
        # Made before the engine runs or handed over through a command: the list is only walked by the engine.
        cdef bytes name = listener.encode("utf-8", "surrogateescape")
        cdef ListenerRuntime *made
        if listener not in self.runtimes:
            made = listener_runtime(self.proxy, name, len(name))
            if made == NULL:
                raise MemoryError
            self.runtimes[listener] = <size_t>made
        return <void *><size_t>self.runtimes[listener]

    def install(self, dict snapshot not None):
        cdef SnapshotObject made = SnapshotObject(snapshot, self.newest, self.registry)
        self.generation += 1
        made.snapshot.generation = self.generation
        server = snapshot["stats_scopes"].get("server")
        if server is not None:
            # The same in every snapshot of a run: the engine may look at them meanwhile.
            self.proxy.server_stats = server["counters"]
            self.proxy.server_gauges = server["gauges"]
            self.proxy.h2_stats = snapshot["stats_scopes"]["http2"]["counters"]
            self.proxy.h2_gauges = snapshot["stats_scopes"]["http2"]["gauges"]
        for listener in snapshot["listeners"]:
            self.runtime(listener["name"])
        self.live[<size_t><void *>made] = made
        self.newest = made
        self.command(DO_INSTALL, 0, &made.snapshot, 0)

    def add_socket(self, str listener not None, int fd):
        self.command(DO_ADD_SOCKET, fd, self.runtime(listener), 0)

    def remove_sockets(self, str listener not None):
        self.command(DO_REMOVE_SOCKETS, 0, self.runtime(listener), 0)

    def drain(self, double seconds):
        self.command(DO_DRAIN, 0, NULL, seconds)

    def run(self):
        self.ran = True
        self.proxy.region.status.state = WORKER_SERVING
        with nogil:
            engine_run(self.engine)
        tell(self.proxy, STOPPED, NULL)

    def stop(self):
        self.command(DO_STOP, 0, NULL, 0)

    @property
    def event_fd(self):
        return self.engine.event_fd

    def take_events(self):
        cdef QueueItem item
        cdef uint64_t n
        cdef list out = []
        read(self.engine.event_fd, &n, sizeof(n))
        while queue_get(&self.engine.events, &item):
            if item.kind == INSTALLED:
                snapshot = self.live.get(<size_t>item.pointer)
                out.append(("installed", snapshot.version if snapshot is not None else ""))
            elif item.kind == SNAPSHOT_FREE:
                self.live.pop(<size_t>item.pointer, None)
            elif item.kind == DRAINED:
                out.append(("drained", None))
            elif item.kind == STOPPED:
                out.append(("stopped", None))
        return out

    def connections(self):
        return self.proxy.connections
