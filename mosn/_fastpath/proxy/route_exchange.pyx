"""A request and its answer as Python makes them (interface: route_exchange.pxd and route_exchange.pyi)."""

from libc.stdint cimport uint32_t
from libc.string cimport memset

from mosn._fastpath.head cimport (
    HF_UPGRADE, H_UPGRADE, Head, Header, head_add, head_get, head_init, header_id, method_id,
)
from mosn._fastpath.memory cimport (
    Slice, arena_copy, arena_init, arena_release, pool_free_all, pool_init, slice_of,
)
from mosn._fastpath.proxy.cluster cimport ClusterObject, HostObject
from mosn._fastpath.proxy.info cimport address_parse_ip
from mosn._fastpath.proxy.info import PROTOCOL_NAMES
from mosn._fastpath.proxy.types cimport Address, RequestInfo

cdef extern from "<sys/socket.h>" nogil:
    enum:
        AF_UNIX


cdef bytes slice_bytes(Slice text):
    return text.p[:text.n] if text.n else b""


cdef bytes _encoded(object text):
    return bytes(text) if isinstance(text, (bytes, bytearray)) else text.encode("utf-8", "surrogateescape")


cdef list _items(const Head *head):
    out = []
    for i in range(head.count):
        if not head.items[<uint32_t>i].removed:
            item = head.items[<uint32_t>i]
            out.append((item.name[:item.name_len], item.value[:item.value_len]))
    return out


cdef class Exchange:
    def __cinit__(self):
        pool_init(&self.pool)
        arena_init(&self.arena, &self.pool)
        memset(&self.info, 0, sizeof(RequestInfo))
        self.info.arena = &self.arena
        head_init(&self.request, &self.arena)
        head_init(&self.response, &self.arena)
        head_init(&self.trailers, &self.arena)
        self.kept = []

    def __dealloc__(self):
        arena_release(&self.arena)
        pool_free_all(&self.pool)

    def __init__(self, method="GET", path="/", authority="example.com", scheme="http", headers=(), *,
                 tcp=False, **fields):
        if not tcp:
            self.info.request = &self.request
            self.request.method = self.copy(method)
            self.request.method_id = method_id(self.request.method.p, self.request.method.n)
            self.request.path = self.copy(path)
            self.request.authority = self.copy(authority)
            self.request.scheme = self.copy(scheme)
            self.add_headers(&self.request, headers)
            self._find_upgrade()
        self.set(**fields)

    def _find_upgrade(self):
        cdef Header *header = head_get(&self.request, H_UPGRADE)
        if header != NULL:
            self.request.flags |= HF_UPGRADE
            self.request.upgrade = slice_of(header.value, header.value_len)

    cdef Slice copy(self, object text) except *:
        cdef bytes encoded = _encoded(text)
        cdef size_t n = len(encoded)
        cdef char *copied = arena_copy(&self.arena, encoded, n)
        if copied == NULL:
            raise MemoryError()
        return slice_of(copied, n)

    cdef int add_headers(self, Head *head, object headers) except -1:
        cdef Slice name
        cdef Slice value
        for key, text in headers:
            name = self.copy(_encoded(key).lower())
            value = self.copy(text)
            if head_add(head, header_id(name.p, name.n), name.p, name.n, value.p, value.n) == NULL:
                raise MemoryError()
        return 0

    def respond(self, status, headers=(), trailers=None):
        """Set the answer."""
        self.info.response = &self.response
        self.response.status = status
        self.info.response_code = status
        self.add_headers(&self.response, headers)
        if trailers is not None:
            self.info.trailers = &self.trailers
            self.add_headers(&self.trailers, trailers)

    def set(self, **fields):
        """Set fields of RequestInfo by name: numbers, texts, and addresses as (ip, port) or a unix path."""
        for name, value in fields.items():
            self._set(name, value)

    def _set(self, name, value):
        cdef dict texts = {
            "route_name": 0, "cluster_name": 1, "filter_chain_name": 2, "response_code_details": 3,
            "connection_termination_details": 4, "upstream_failure_reason": 5, "requested_server_name": 6,
            "request_id": 7,
        }
        cdef Slice *slices[8]
        slices[0] = &self.info.route_name
        slices[1] = &self.info.cluster_name
        slices[2] = &self.info.filter_chain_name
        slices[3] = &self.info.response_code_details
        slices[4] = &self.info.connection_termination_details
        slices[5] = &self.info.upstream_failure_reason
        slices[6] = &self.info.requested_server_name
        slices[7] = &self.info.request_id
        if name in texts:
            slices[<int>texts[name]][0] = self.copy(value)
        elif name in ("remote", "direct_remote", "local", "upstream_local"):
            self._set_address(name, value)
        elif name in ("cluster", "host"):
            self._set_upstream(name, value)
        elif name == "protocol":
            self.info.protocol = PROTOCOL_NAMES.index(value)
        else:
            self._set_number(name, value)

    def _set_address(self, name, value):
        cdef Address *address = &self.info.remote
        cdef bytes encoded
        if name == "direct_remote":
            address = &self.info.direct_remote
        elif name == "local":
            address = &self.info.local
        elif name == "upstream_local":
            address = &self.info.upstream_local
        if isinstance(value, str):
            address.family = AF_UNIX
            address.unix_path = self.copy(value + "\0").p
            return
        encoded = _encoded(value[0])
        if address_parse_ip(address, encoded, <uint32_t>len(encoded)) < 0:
            raise ValueError(f"{value[0]!r} is no IP address")
        address.port = value[1]

    def _set_upstream(self, name, value):
        cdef ClusterObject cluster
        cdef HostObject host
        self.kept.append(value)
        if name == "cluster":
            cluster = value
            self.info.cluster = cluster.cluster
        else:
            host = value
            self.info.host = host.host

    def _set_number(self, name, value):
        if name in ("attempts", "response_code", "is_internal", "tls"):
            self._set_small(name, value)
        elif name.endswith("_us"):
            self._set_time(name, value)
        elif name == "response_flags":
            self.info.response_flags = value
        elif name == "connection_id":
            self.info.connection_id = value
        elif name == "random":
            self.info.random = value
        else:
            self._set_bytes(name, value)

    def _set_small(self, name, value):
        if name == "attempts":
            self.info.attempts = value
        elif name == "response_code":
            self.info.response_code = value
        elif name == "is_internal":
            self.info.is_internal = value
        else:
            self.info.tls = value

    def _set_time(self, name, value):
        if name == "start_wall_us":
            self.info.start_wall_us = value
        elif name == "start_us":
            self.info.start_us = value
        elif name == "request_end_us":
            self.info.request_end_us = value
        elif name == "upstream_first_tx_us":
            self.info.upstream_first_tx_us = value
        elif name == "upstream_last_tx_us":
            self.info.upstream_last_tx_us = value
        elif name == "upstream_first_rx_us":
            self.info.upstream_first_rx_us = value
        elif name == "upstream_last_rx_us":
            self.info.upstream_last_rx_us = value
        elif name == "downstream_first_tx_us":
            self.info.downstream_first_tx_us = value
        elif name == "end_us":
            self.info.end_us = value
        else:
            raise TypeError(f"an exchange has no {name}")

    def _set_bytes(self, name, value):
        if name == "bytes_received":
            self.info.bytes_received = value
        elif name == "bytes_sent":
            self.info.bytes_sent = value
        elif name == "wire_received":
            self.info.wire_received = value
        elif name == "wire_sent":
            self.info.wire_sent = value
        elif name == "upstream_wire_received":
            self.info.upstream_wire_received = value
        elif name == "upstream_wire_sent":
            self.info.upstream_wire_sent = value
        else:
            raise TypeError(f"an exchange has no {name}")

    @property
    def method(self):
        return slice_bytes(self.request.method)

    @property
    def path(self):
        return slice_bytes(self.request.path)

    @property
    def authority(self):
        return slice_bytes(self.request.authority)

    @property
    def request_headers(self):
        """Live headers as (name, value) of bytes."""
        return _items(&self.request)

    @property
    def response_headers(self):
        return _items(&self.response)

    @property
    def arena_bytes(self):
        """Bytes that the exchange has taken from its arena."""
        return self.arena.total

    @property
    def original_path(self):
        return slice_bytes(self.info.original_path)

    @property
    def hash(self):
        """What the hash policy made, or None."""
        return self.info.hash if self.info.has_hash else None
