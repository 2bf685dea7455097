import os
from weakref import WeakValueDictionary

from libc.stdint cimport uint8_t, uint32_t
from libc.stdlib cimport calloc, free, malloc
from libc.string cimport memcmp, memcpy, memset

from mosn._fastpath.memory cimport Slice, slice_of
from mosn._fastpath.proxy.balance cimport Balancer, balancer_free, balancer_new
from mosn._fastpath.proxy.types cimport Breaker, Cluster, Host

cdef extern from "<sys/socket.h>" nogil:
    ctypedef unsigned short sa_family_t
    const int AF_INET
    const int AF_INET6
    const int AF_UNIX

cdef extern from "<netinet/in.h>" nogil:
    struct in_addr:
        pass
    struct in6_addr:
        pass
    struct sockaddr_in:
        sa_family_t sin_family
        unsigned short sin_port
        in_addr sin_addr
    struct sockaddr_in6:
        sa_family_t sin6_family
        unsigned short sin6_port
        in6_addr sin6_addr
    unsigned short htons(unsigned short value)

cdef extern from "<sys/un.h>" nogil:
    struct sockaddr_un:
        sa_family_t sun_family
        char sun_path[108]

cdef extern from "<arpa/inet.h>" nogil:
    int inet_pton(int family, const char *text, void *out)

HEALTH = {"healthy": 0, "degraded": 1, "unhealthy": 2, "draining": 3}
CLUSTER_TYPES = {"static": 0, "strict_dns": 1, "logical_dns": 2, "original_dst": 3, "eds": 4}
PROTOCOLS = {"tcp": 0, "http1": 1, "http2": 2}
PROXY_PROTOCOLS = {"": 0, "v1": 1, "v2": 2}


# -- addresses

cdef int parse_socket_address(str text, uint8_t *out) except -1:
    memset(out, 0, 128)
    if text.startswith("unix:"):
        return parse_unix(text, text[5:].encode("utf-8", "surrogateescape"), out)
    ip, colon, port = text.rpartition(":")
    if not colon or not port.isascii() or not port.isdigit() or int(port) > 65535:
        raise ValueError(f"{text!r} is no socket address: expected IP:PORT, [IPV6]:PORT or unix:PATH")
    if ip.startswith("[") and ip.endswith("]"):
        return parse_ipv6(text, ip.removeprefix("[").removesuffix("]").encode(), int(port), out)
    return parse_ipv4(text, ip.encode(), int(port), out)


cdef int parse_unix(str text, bytes path, uint8_t *out) except -1:
    cdef sockaddr_un *address = <sockaddr_un *>out
    cdef int n = len(path)
    if not 0 < n < 108:
        raise ValueError(f"{text!r}: the path of a unix socket has 1 to 107 bytes, this one {n}")
    address.sun_family = AF_UNIX
    memcpy(address.sun_path, <char *>path, n)
    if path[0] == ord("@"):
        # An abstract name starts with NUL and its length says where it ends.
        address.sun_path[0] = 0
        return sizeof(sa_family_t) + n
    return sizeof(sa_family_t) + n + 1


cdef int parse_ipv4(str text, bytes ip, int port, uint8_t *out) except -1:
    cdef sockaddr_in *address = <sockaddr_in *>out
    address.sin_family = AF_INET
    address.sin_port = htons(port)
    if inet_pton(AF_INET, ip, &address.sin_addr) != 1:
        raise ValueError(f"{text!r} does not start with an IPv4 address")
    return sizeof(sockaddr_in)


cdef int parse_ipv6(str text, bytes ip, int port, uint8_t *out) except -1:
    cdef sockaddr_in6 *address = <sockaddr_in6 *>out
    address.sin6_family = AF_INET6
    address.sin6_port = htons(port)
    if inet_pton(AF_INET6, ip, &address.sin6_addr) != 1:
        raise ValueError(f"{text!r} does not start with an IPv6 address in brackets")
    return sizeof(sockaddr_in6)


def socket_address(str text not None):
    """The struct sockaddr of an address text, as bytes.  Raises ValueError."""
    cdef uint8_t[128] out
    cdef int n = parse_socket_address(text, out)
    return (<char *>out)[:n]


# -- hosts

cdef struct Text:
    Text *older
    uint32_t n


cdef struct OwnedHost:
    Host host                   # first: a Host * is an OwnedHost *
    Text *texts                 # everything that address and hostname ever pointed at


cdef HostRelease host_release = host_free


cdef void set_host_release(HostRelease release) noexcept nogil:
    global host_release
    host_release = release


cdef Text *text_new(Slice text) noexcept nogil:
    cdef Text *made = <Text *>malloc(sizeof(Text) + text.n)
    if made != NULL:
        made.older = NULL
        made.n = text.n
        if text.n:
            memcpy(made + 1, text.p, text.n)
    return made


cdef Slice text_reuse(Host *host, Text *text) noexcept nogil:
    # As text_keep, but a text that the host had at some time is not kept twice.
    cdef Text *known = (<OwnedHost *>host).texts
    while known != NULL:
        if known.n == text.n and memcmp(known + 1, text + 1, text.n) == 0:
            free(text)
            return slice_of(<char *>(known + 1), known.n)
        known = known.older
    return text_keep(host, text)


cdef Slice text_keep(Host *host, Text *text) noexcept nogil:
    # The host owns the text from now on.  Requests may still read an older one, so none is freed before the host.
    text.older = (<OwnedHost *>host).texts
    (<OwnedHost *>host).texts = text
    return slice_of(<char *>(text + 1), text.n)


cdef Host *host_new(const void *socket_address, uint32_t length, Slice address, Slice hostname) noexcept nogil:
    cdef Host *host = <Host *>calloc(1, sizeof(OwnedHost))
    cdef Text *address_text = text_new(address)
    cdef Text *hostname_text = text_new(hostname)
    if host == NULL or address_text == NULL or hostname_text == NULL or length > sizeof(host.socket_address):
        free(host)
        free(address_text)
        free(hostname_text)
        return NULL
    memcpy(host.socket_address, socket_address, length)
    host.socket_address_len = length
    host.address = text_keep(host, address_text)
    host.hostname = text_keep(host, hostname_text)
    host.weight = 1
    return host


cdef void host_free(Host *host) noexcept nogil:
    cdef Text *text
    if host == NULL:
        return
    text = (<OwnedHost *>host).texts
    while text != NULL:
        (<OwnedHost *>host).texts = text.older
        free(text)
        text = (<OwnedHost *>host).texts
    free(host)


cdef Slice slice_from(bytes text) except *:
    # Borrows: the caller keeps `text` as long as the slice is used.
    return slice_of(<char *>text, len(text))


cdef class HostObject:
    def __cinit__(self, str cluster not None, dict spec not None):
        cdef uint8_t[128] address
        cdef int n = parse_socket_address(spec["address"], address)
        cdef bytes text = spec["address"].encode("utf-8", "surrogateescape")
        cdef bytes hostname = spec["hostname"].encode("utf-8", "surrogateescape")
        self.host = host_new(address, n, slice_from(text), slice_from(hostname))
        if self.host == NULL:
            raise MemoryError
        self.cluster = cluster
        self.host.weight = spec["weight"]
        self.host.priority = spec["priority"]
        self.host.health = HEALTH[spec["health"]]
        self.host.stats = spec["stats"]
        self.host.gauges = spec["gauges"]

    def __dealloc__(self):
        if self.host != NULL:
            self.host.retired = 1
            host_release(self.host)

    def __repr__(self):
        return f"<HostObject {self.address} of {self.cluster}>"

    @property
    def address(self):
        return self.host.address.p[:self.host.address.n].decode("utf-8", "surrogateescape")

    @property
    def hostname(self):
        return self.host.hostname.p[:self.host.hostname.n].decode("utf-8", "surrogateescape")

    @property
    def weight(self):
        return self.host.weight

    @property
    def priority(self):
        return self.host.priority

    @property
    def health(self):
        return list(HEALTH)[self.host.health]

    @property
    def active_requests(self):
        return self.host.active_requests


class HostRegistry:
    """Hands out the same HostObject for the same address in the same cluster as long as a snapshot holds it."""

    def __init__(self):
        self._hosts = WeakValueDictionary()

    def hosts(self, spec):
        """HostObjects of a mosn.model.Cluster, in its order.  Those that run already are not changed (see
        cluster_activate).  Raises ValueError naming the host whose address is none."""
        return [self._host(spec["name"], host) for host in spec["hosts"]]

    def _host(self, cluster, spec):
        key = cluster, spec["address"]
        found = self._hosts.get(key)
        if found is None:
            found = self._hosts[key] = HostObject(cluster, spec)
        return found

    def __len__(self):
        return len(self._hosts)


# -- clusters

cdef struct HostUpdate:
    Host *host
    Text *hostname              # NULL once handed over
    uint32_t weight
    uint32_t stats
    uint32_t gauges
    uint8_t priority
    uint8_t health


cdef struct OwnedCluster:
    Cluster cluster             # first: a Cluster * is an OwnedCluster *
    HostUpdate *updates         # one a host
    uint32_t update_count


cdef void cluster_activate(Cluster *cluster) noexcept nogil:
    cdef OwnedCluster *owned = <OwnedCluster *>cluster
    cdef HostUpdate *update
    cdef uint32_t i
    for i in range(owned.update_count):
        update = &owned.updates[i]
        update.host.weight = update.weight
        update.host.priority = update.priority
        update.host.health = update.health
        update.host.stats = update.stats
        update.host.gauges = update.gauges
        if update.hostname != NULL:
            update.host.hostname = text_reuse(update.host, update.hostname)
            update.hostname = NULL


cdef int make_update(HostUpdate *update, HostObject host, dict spec) except -1:
    update.host = host.host
    update.weight = spec["weight"]
    update.priority = spec["priority"]
    update.health = HEALTH[spec["health"]]
    update.stats = spec["stats"]
    update.gauges = spec["gauges"]
    cdef bytes hostname = spec["hostname"].encode("utf-8", "surrogateescape")
    update.hostname = text_new(slice_from(hostname))
    if update.hostname == NULL:
        raise MemoryError
    return 0


cdef int set_breaker(Breaker *breaker, dict spec) except -1:
    breaker.max_connections = spec["max_connections"]
    breaker.max_pending = spec["max_pending_requests"]
    breaker.max_requests = spec["max_requests"]
    breaker.max_retries = spec["max_retries"]
    breaker.retry_budget_percent = spec["retry_budget_percent"]
    breaker.min_retry_concurrency = spec["min_retry_concurrency"]
    breaker.index = spec["index"]
    return 0


cdef void release_dynamic_hosts(Host *host) noexcept nogil:
    cdef Host *following
    while host != NULL:
        following = host.next
        host.retired = 1
        host_release(host)
        host = following


cdef class ClusterObject:
    def __cinit__(self, dict spec not None, list hosts not None, seed=None):
        self.cluster = <Cluster *>calloc(1, sizeof(OwnedCluster))
        if self.cluster == NULL:
            raise MemoryError
        self._keep = []
        self.name = spec["name"]
        self.hosts = list(hosts)
        if seed is None:
            seed = int.from_bytes(os.urandom(8), "little")
        self.set_values(spec)
        self.set_hosts(spec)
        self.cluster.lb.state = balancer_new(self.cluster.hosts, spec["hosts"], spec["lb"], seed)
        self.cluster.lb.policy = self.cluster.lb.state != NULL

    def __dealloc__(self):
        cdef OwnedCluster *owned = <OwnedCluster *>self.cluster
        cdef uint32_t i
        if owned == NULL:
            return
        if owned.cluster.lb.policy:
            balancer_free(<Balancer *>owned.cluster.lb.state)
        else:
            release_dynamic_hosts(<Host *>owned.cluster.lb.state)
        for i in range(owned.update_count):
            free(owned.updates[i].hostname)
        free(owned.updates)
        free(owned.cluster.hosts)
        free(owned)

    cdef Slice keep(self, str text):
        encoded = text.encode("utf-8", "surrogateescape")
        self._keep.append(encoded)
        return slice_from(encoded)

    cdef int set_values(self, dict spec) except -1:
        cdef Cluster *cluster = self.cluster
        cluster.name = self.keep(spec["name"])
        cluster.stat_name = self.keep(spec["stat_name"])
        cluster.original_dst_header = self.keep(spec["lb"]["original_dst_header"])
        cluster.type = CLUSTER_TYPES[spec["type"]]
        cluster.protocol = PROTOCOLS[spec["protocol"]]
        cluster.h2_table_size = spec["http2"]["hpack_table_size"]
        cluster.h2_max_streams = spec["http2"]["max_concurrent_streams"]
        cluster.h2_stream_window = spec["http2"]["initial_stream_window_size"]
        cluster.h2_connection_window = spec["http2"]["initial_connection_window_size"]
        cluster.proxy_protocol = PROXY_PROTOCOLS[spec["proxy_protocol"]]
        cluster.proper_case = spec["header_casing"] == "proper"
        cluster.tcp_keepalive = spec["tcp_keepalive"]
        cluster.connect_timeout_ms = spec["connect_timeout_ms"]
        cluster.idle_timeout_ms = spec["idle_timeout_ms"]
        cluster.max_connection_duration_ms = spec["max_connection_duration_ms"]
        cluster.max_requests_per_connection = spec["max_requests_per_connection"]
        cluster.buffer_limit = spec["per_connection_buffer_limit_bytes"]
        cluster.panic_threshold = spec["lb"]["healthy_panic_threshold"]
        cluster.stats, cluster.gauges, cluster.histograms = spec["stats"], spec["gauges"], spec["histogram"]
        set_breaker(&cluster.breakers[0], spec["circuit_breakers"]["default"])
        set_breaker(&cluster.breakers[1], spec["circuit_breakers"]["high"])
        if spec["bind_address"]:
            cluster.bind_address_len = parse_socket_address(spec["bind_address"], cluster.bind_address)
        return 0

    cdef int set_hosts(self, dict spec) except -1:
        cdef OwnedCluster *owned = <OwnedCluster *>self.cluster
        cdef list specs = spec["hosts"]
        if len(specs) != len(self.hosts):
            raise ValueError(f"{len(self.hosts)} host objects for {len(specs)} hosts")
        owned.cluster.hosts = <Host **>calloc(len(specs) + 1, sizeof(Host *))
        owned.updates = <HostUpdate *>calloc(len(specs) + 1, sizeof(HostUpdate))
        if owned.cluster.hosts == NULL or owned.updates == NULL:
            raise MemoryError
        owned.cluster.host_count = owned.update_count = len(specs)
        for i, host in enumerate(self.hosts):
            owned.cluster.hosts[i] = (<HostObject?>host).host
            make_update(&owned.updates[i], host, specs[i])
        return 0

    def in_panic(self):
        return cluster_in_panic(self.cluster)
