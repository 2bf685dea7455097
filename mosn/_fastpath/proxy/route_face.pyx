"""Python's face of routing (interface: route_face.pyi): the compiled matcher, asked by hand."""

from libc.stdint cimport uint32_t, uint64_t
from libc.string cimport memset

from mosn._fastpath.memory cimport Buf, Slice, buf_release
from mosn._fastpath.proxy.cluster import ClusterObject, HostRegistry
from mosn._fastpath.proxy.format cimport FormatObject, format_append
from mosn._fastpath.proxy.header_ops cimport compile_header_ops
from mosn._fastpath.proxy.log cimport AccessLogsObject, access_logs_write
from mosn._fastpath.proxy.route cimport (
    RouteTableObject, header_ops_apply, path_normalize, retry_bits, retry_on_response, retry_request_allowed,
    route_find, route_hash, route_pick, route_redirect_location, route_rewrite, route_tls_location, route_upgrade,
)
from mosn._fastpath.proxy.route_exchange cimport Exchange, slice_bytes
from mosn._fastpath.proxy.route_retry cimport compile_retry
from mosn._fastpath.proxy.route_rules cimport Tables, VirtualHost
from mosn._fastpath.proxy.route_search cimport (
    MATCHES, MISMATCH_FRACTION, MISMATCH_GRPC, MISMATCH_HEADER, MISMATCH_NO_PATH, MISMATCH_NOT_CONNECT,
    MISMATCH_QUERY, Mismatch, PathKey, host_of, path_key, path_mismatch, rules_mismatch,
)
from mosn._fastpath.proxy.route_store cimport Store
from mosn._fastpath.proxy.types cimport (
    ROUTE_CLUSTER, ROUTE_DIRECT, ROUTE_REDIRECT, HeaderOps, Retry, Route, WeightedCluster,
)
from mosn._fastpath.shm.segment cimport Segment

KINDS = ("none", "cluster", "redirect", "direct_response")
UPGRADES = ("default", "allowed", "refused", "connect")
NORMALIZE_VERDICTS = ("ok", "bad", "redirect")


# -- finding

def clusters_of(specs):
    """ClusterObjects of clusters' specs (mosn.model.Cluster), or of objects that are passed through."""
    registry = HostRegistry()
    return {
        name: spec if isinstance(spec, ClusterObject) else ClusterObject(spec, registry.hosts(spec))
        for name, spec in specs.items()
    }


cdef _position(const Tables *tables, const VirtualHost *host, const Route *route):
    return <size_t>(host - tables.hosts), <size_t>(route - host.routes)


def find(RouteTableObject table not None, Exchange exchange not None, bint https=False):
    """(index of the virtual host or None, index of the route or None, whether TLS is demanded)."""
    cdef bint tls = False
    cdef const Tables *tables = <const Tables *>table.table.hidden
    cdef const VirtualHost *host = host_of(tables, &exchange.info)
    cdef Route *route = route_find(table.table, &exchange.info, https, &tls)
    if host == NULL:
        return None, None, False
    if route == NULL:
        return <size_t>(host - tables.hosts), None, bool(tls)
    return (*_position(tables, host, route), False)


def find_often(RouteTableObject table not None, list exchanges not None, size_t n):
    """Find a route for each exchange, n times over, and nothing else: for benchmarks.  How many were found."""
    cdef bint tls
    cdef Exchange exchange
    cdef size_t found = 0
    cdef size_t _
    for exchange in exchanges:
        with nogil:
            for _ in range(n):
                found += route_find(table.table, &exchange.info, False, &tls) != NULL
    return found


# -- explaining

cdef str _why(Mismatch mismatch, uint32_t which, dict match):
    if mismatch == MISMATCH_HEADER:
        return f"headers[{which}] {describe_header(match['headers'][which])}"
    if mismatch == MISMATCH_QUERY:
        return f"query[{which}] {match['query'][which]['name']}"
    if mismatch == MISMATCH_FRACTION:
        return f"fraction {match['fraction']['numerator']}/{match['fraction']['denominator']}"
    if mismatch == MISMATCH_GRPC:
        return "grpc: content-type is not application/grpc"
    if mismatch == MISMATCH_NO_PATH:
        return "the request has no path"
    if mismatch == MISMATCH_NOT_CONNECT:
        return "connect: the method is not CONNECT"
    return f"{match['path']['kind']} {match['path']['value']}"


def describe_header(spec):
    """One line for a header matcher."""
    text = "present" if spec["present"] else "absent"
    if spec["kind"] == "range":
        text = f"in [{spec['range_start']}, {spec['range_end']})"
    elif spec["kind"] == "string":
        text = f"{spec['string']['kind']} {spec['string']['value']!r}"
    return f"{spec['name']} {'not ' if spec['invert'] else ''}{text}"


cdef list _rejected(const VirtualHost *host, Exchange exchange, list specs, size_t end):
    # Why the routes before `end` did not match.
    cdef PathKey key = path_key(&exchange.info)
    cdef uint32_t which = 0
    cdef Mismatch mismatch
    cdef size_t i
    out = []
    for i in range(end):
        mismatch = path_mismatch(&host.tests[i], &key)
        if mismatch == MATCHES:
            mismatch = rules_mismatch(host.tests[i].rules, &exchange.info, &which)
        out.append({"route": i, "name": specs[i]["name"], "why": _why(mismatch, which, specs[i]["match"])})
    return out


cdef dict _explain_cluster(Route *route, Exchange exchange, dict clusters):
    cdef Slice by_header
    cdef Slice set_cookie
    cdef WeightedCluster *picked
    memset(&by_header, 0, sizeof(Slice))
    memset(&set_cookie, 0, sizeof(Slice))
    picked = route_pick(route, &exchange.info, &by_header)
    route_hash(route, &exchange.info, &set_cookie)
    if picked != NULL:
        header_ops_apply(&picked.request_ops, &exchange.info, True, &exchange.pool)
    header_ops_apply(&route.request_ops, &exchange.info, True, &exchange.pool)
    route_rewrite(route, picked, &exchange.info, &exchange.pool)
    name = (slice_bytes(picked.name) if picked != NULL else slice_bytes(by_header)).decode("utf-8", "replace")
    weights = [
        (slice_bytes(route.clusters[i].name).decode("utf-8", "replace"), route.clusters[i].weight)
        for i in range(route.cluster_count)
    ]
    return {
        "cluster": name, "cluster_known": name in clusters, "clusters": weights,
        "path": exchange.path.decode("utf-8", "replace"), "host": exchange.authority.decode("utf-8", "replace"),
        "auto_host_rewrite": bool(route.auto_host_rewrite), "hash": exchange.hash,
        "set_cookie": slice_bytes(set_cookie).decode("utf-8", "replace"), "timeout_ms": route.timeout_ms,
        "retry_on": route.retry.on if route.retry != NULL else 0,
        "mirrors": [slice_bytes(route.mirrors[i].cluster.name).decode() for i in range(route.mirror_count)],
        "upgrade": UPGRADES[route_upgrade(route, exchange.request.upgrade)] if exchange.request.upgrade.n else "",
    }


cdef dict _explain_route(Route *route, Exchange exchange, dict clusters, bint https):
    if route.kind == ROUTE_CLUSTER:
        return _explain_cluster(route, exchange, clusters)
    if route.kind == ROUTE_REDIRECT:
        location = route_redirect_location(route, &exchange.info, https)
        return {"status": route.status, "location": slice_bytes(location).decode("utf-8", "replace")}
    if route.kind == ROUTE_DIRECT:
        return {"status": route.status, "body": slice_bytes(route.body)}
    return {}


def explain_compiled(RouteTableObject table not None, dict spec not None, dict clusters not None,
                     Exchange exchange not None, bint https=False):
    """explain() with everything made beforehand."""
    cdef const Tables *tables = <const Tables *>table.table.hidden
    cdef const VirtualHost *host = host_of(tables, &exchange.info)
    cdef Route *route
    cdef bint tls = False
    out = {"virtual_host": None, "route": None, "index": None, "kind": "none", "rejected": [], "tls_redirect": None}
    if host == NULL:
        return out
    host_spec = spec["virtual_hosts"][<size_t>(host - tables.hosts)]
    out["virtual_host"] = host_spec["name"]
    route = route_find(table.table, &exchange.info, https, &tls)
    if tls:
        out["tls_redirect"] = slice_bytes(route_tls_location(&exchange.info)).decode("utf-8", "replace")
        return out
    end = len(host_spec["routes"]) if route == NULL else <size_t>(route - host.routes)
    out["rejected"] = _rejected(host, exchange, host_spec["routes"], end)
    if route != NULL:
        out["route"], out["index"], out["kind"] = host_spec["routes"][end]["name"], end, KINDS[route.kind]
        out.update(_explain_route(route, exchange, clusters, https))
    out["request_headers"] = [
        (name.decode("utf-8", "replace"), value.decode("utf-8", "replace")) for name, value in exchange.request_headers]
    return out


cdef tuple _split_url(str url):
    # (scheme, authority or "", path with query)
    scheme, mark, rest = url.partition("://")
    if not mark:
        return "http", "", url
    authority, slash, path = rest.partition("/")
    return scheme.lower(), authority, slash + path if slash else "/"


def explain(dict spec not None, clusters, str method, str url, headers=(), str protocol="HTTP/1.1",
            uint64_t random=0, bint internal=False):
    """What the route table does with a request, as a dict (keys: route_face.pyi)."""
    scheme, authority, path = _split_url(url)
    rest = []
    for name, value in headers:
        if name.lower() in ("host", ":authority"):
            authority = value
        else:
            rest.append((name, value))
    if method == "CONNECT":
        authority, path = authority or url, ""
    objects = clusters_of(clusters)
    exchange = Exchange(method, path, authority, scheme, rest, protocol=protocol, random=random, is_internal=internal)
    return explain_compiled(RouteTableObject(spec, objects), spec, objects, exchange, scheme == "https")


# -- the other functions of route.pxd, one by one

def pick(RouteTableObject table not None, Exchange exchange not None):
    """(name of the picked cluster or None, value of cluster_header or None); None when no route matches."""
    cdef bint tls
    cdef Slice by_header
    cdef Route *route = route_find(table.table, &exchange.info, False, &tls)
    cdef WeightedCluster *picked
    memset(&by_header, 0, sizeof(Slice))
    if route == NULL:
        return None
    picked = route_pick(route, &exchange.info, &by_header)
    if picked == NULL:
        return None, slice_bytes(by_header)
    return slice_bytes(picked.name), None


def pick_often(RouteTableObject table not None, Exchange exchange not None, uint64_t start, uint64_t n):
    """How often each cluster is picked for the random numbers start .. start + n - 1."""
    cdef bint tls
    cdef Slice by_header
    cdef Route *route = route_find(table.table, &exchange.info, False, &tls)
    cdef WeightedCluster *picked
    cdef uint64_t i
    counts = [0] * route.cluster_count
    for i in range(start, start + n):
        exchange.info.random = i
        picked = route_pick(route, &exchange.info, &by_header)
        counts[<size_t>(picked - route.clusters)] += 1
    return {slice_bytes(route.clusters[k].name).decode(): counts[k] for k in range(route.cluster_count)}


def apply_headers(Exchange exchange not None, list ops not None, bint request=True):
    """Apply mosn.model.HeaderOps to the request (or the answer)."""
    cdef HeaderOps compiled
    cdef Store store = Store()
    compile_header_ops(&compiled, ops, store)
    exchange.kept.append(store)  # the head points into it now
    if header_ops_apply(&compiled, &exchange.info, request, &exchange.pool) < 0:
        raise MemoryError()


def normalize(bytes path not None, bint normalize=True, bint merge_slashes=False, int escaped=0):
    """(verdict, path) of path_normalize."""
    cdef Slice result
    cdef int verdict = 0
    cdef Exchange exchange = Exchange("GET", path)
    result = path_normalize(exchange.request.path, normalize, merge_slashes, escaped, &exchange.arena, &verdict)
    return NORMALIZE_VERDICTS[verdict], slice_bytes(result)


def retry_names(str names not None, bint grpc=False):
    """Bits of an x-envoy-retry-on value."""
    cdef Slice text
    cdef bytes encoded = names.encode()
    text.p = encoded
    text.n = <uint32_t>len(encoded)
    return retry_bits(text, grpc)


def retries(policy, Exchange exchange not None, on=None):
    """(whether the answer is retried, whether the request may be): `on` are bits, default the policy's."""
    cdef Store store = Store()
    cdef Retry *compiled = NULL
    if policy is not None:
        compiled = compile_retry(policy, store)
    bits = (compiled.on if compiled != NULL else 0) if on is None else on
    return (bool(retry_on_response(compiled, bits, &exchange.response)),
            bool(retry_request_allowed(compiled, &exchange.request)))


# -- formats and logs

def formatted(FormatObject program not None, Exchange exchange not None, bytes missing=b"-"):
    """(what format_append returned, the text)."""
    cdef Buf out
    memset(&out, 0, sizeof(Buf))
    result = format_append(&program.program, &exchange.info, missing, &exchange.pool, &out)
    text = out.data[out.start:out.end] if out.data != NULL else b""
    buf_release(&exchange.pool, &out)
    return result, text


def format_often(FormatObject program not None, Exchange exchange not None, size_t n):
    """Format n times and nothing else: for benchmarks."""
    cdef Buf out
    cdef size_t _
    memset(&out, 0, sizeof(Buf))
    with nogil:
        for _ in range(n):
            out.start = out.end = 0
            format_append(&program.program, &exchange.info, b"-", &exchange.pool, &out)
    buf_release(&exchange.pool, &out)


def write_logs(AccessLogsObject logs not None, Exchange exchange not None, Segment segment not None, int worker=0):
    """What a worker does when the exchange is over."""
    access_logs_write(&logs.logs, &exchange.info, &exchange.pool, &segment.region(worker).ring)
