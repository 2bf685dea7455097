"""MOSN clusters."""

from __future__ import annotations

from mosn.config.findings import nearest
from mosn.config.mosn_json.addresses import address, is_ip, split_host_port
from mosn.config.mosn_json.build import const, mapping, placed, sequence, typed
from mosn.config.mosn_json.reader import Reader
from mosn.config.nodes import Mapping, Node, Scalar

_TYPES = {
    "": "STATIC", "SIMPLE": "STATIC", "STATIC": "STATIC", "DYNAMIC": "STATIC", "EDS": "EDS",
    "ORIGINAL_DST": "ORIGINAL_DST", "STRICT_DNS": "STRICT_DNS",
}  # fmt: skip
_POLICIES = {
    "": "ROUND_ROBIN",
    "LB_RANDOM": "RANDOM",
    "LB_ROUNDROBIN": "ROUND_ROBIN",
    "LB_WEIGHTED_ROUNDROBIN": "ROUND_ROBIN",
    "LB_REQUEST_ROUNDROBIN": "ROUND_ROBIN",
    "LB_LEAST_REQUEST": "LEAST_REQUEST",
    "LB_LEAST_CONNECTION": "LEAST_REQUEST",
    "LB_PEAK_EWMA": "LEAST_REQUEST",
    "LB_MAGLEV": "MAGLEV",
    "LB_ORIGINAL_DST": "CLUSTER_PROVIDED",
}
_DIFFERENCES = {
    "LB_REQUEST_ROUNDROBIN": "becomes ROUND_ROBIN: the cursor is the worker's, not the request's",
    "LB_LEAST_CONNECTION": "becomes LEAST_REQUEST: requests are counted, not connections",
    "LB_PEAK_EWMA": "becomes LEAST_REQUEST: response times are not weighed",
}
_HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
_UNLIMITED = 2**32 - 1
_LIMITS = ("max_connections", "max_pending_requests", "max_requests", "max_retries")
_CONNECT_TIMEOUT = "10s"
_TLS = "MOSN's tls_context is not translated yet; say it as Envoy's transport_socket"


def cluster(reader: Reader) -> Mapping:
    at = placed(reader.node, reader.path)
    name = reader.text("name")
    hosts = list(reader.children("hosts"))
    kind = _kind(reader, at)
    policy = _policy(reader, at)
    endpoints, named = _endpoints(hosts)
    if named and kind.value == "STATIC":
        reader.report("MC0406", "hosts given by name are resolved again and again (STRICT_DNS), not once at start")
        kind = const(kind, "STRICT_DNS")
    fields: dict[str, Node | None] = {
        "name": name,
        "type": kind,
        "lb_policy": policy,
        "connect_timeout": reader.duration("connect_timeout") or const(at, _CONNECT_TIMEOUT),
        "per_connection_buffer_limit_bytes": _positive(reader.number("conn_buffer_limit_bytes")),
        "circuit_breakers": _breakers(reader, at),
        "load_assignment": _assignment(at, name, endpoints),
        "least_request_lb_config": _least_request(reader, policy),
        "original_dst_lb_config": _original_dst(reader),
        "dns_refresh_rate": reader.duration("dns_refresh_rate"),
        "dns_lookup_family": _filled(reader.text("dns_lookup_family")),
        "typed_extension_protocol_options": _protocol_options(reader, at),
    }
    _leave(reader)
    reader.finish()
    return mapping(at, fields)


def _kind(reader: Reader, at: Node) -> Scalar:
    kind = reader.text("type")
    word = str(kind.value) if kind is not None else ""
    if word not in _TYPES:
        text = f'"{word}" is not a type of cluster'
        reader.report("MC0402", text, kind, "type", suggestion=nearest(word, _TYPES))
    return const(kind or at, _TYPES.get(word, "STATIC"))


def _policy(reader: Reader, at: Node) -> Scalar:
    policy = reader.text("lb_type")
    word = str(policy.value) if policy is not None else ""
    if word not in _POLICIES:
        text = f'"{word}" is not a load-balancing policy'
        reader.report("MC0402", text, policy, "lb_type", suggestion=nearest(word, _POLICIES))
    if word in _DIFFERENCES:
        reader.report("MC0406", _DIFFERENCES[word], policy, "lb_type")
    return const(policy or at, _POLICIES.get(word, "ROUND_ROBIN"))


def _positive(number: Scalar | None) -> Scalar | None:
    return number if number is not None and number.value else None


def _filled(text: Scalar | None) -> Scalar | None:
    return text if text is not None and text.value else None


def _endpoints(hosts: list[Reader]) -> tuple[list[Node], bool]:
    """Endpoints, and whether one of them is given by name."""
    made: list[Node] = []
    named = False
    for host in hosts:
        text = host.text("address")
        endpoint = None
        if text is None or not text.value:
            host.report("MC0402", "a host needs an address")
        else:
            endpoint = address(host, "address", text, unix=str(text.value).startswith("/"), any_host="127.0.0.1")
            split = split_host_port(str(text.value))
            named = named or bool(split and split[0] and not is_ip(split[0]))
        made.append(_endpoint(host, endpoint))
    return [endpoint for endpoint in made if isinstance(endpoint, Mapping) and endpoint.pairs()], named


def _endpoint(host: Reader, endpoint: Node | None) -> Node:
    hostname, weight, metadata = host.text("hostname"), host.number("weight"), host.take("metadata")
    host.leave("MC0406", {"tls_disable": "there is no TLS to disable"})
    host.finish()
    if endpoint is None:
        return mapping(host.node, {})
    at = placed(host.node, host.path)
    return mapping(
        at,
        {
            "endpoint": mapping(at, {"address": endpoint, "hostname": _filled(hostname)}),
            "load_balancing_weight": _positive(weight),
            "metadata": _metadata(metadata),
        },
    )


def _metadata(node: Node | None) -> Node | None:
    """MOSN's "mosn.lb" is Envoy's "envoy.lb"."""
    outer = node.get("filter_metadata") if isinstance(node, Mapping) else None
    inner = outer.get("mosn.lb") if isinstance(outer, Mapping) else None
    if inner is None:
        return None
    return mapping(inner, {"filter_metadata": mapping(inner, {"envoy.lb": inner})})


def _assignment(at: Node, name: Node | None, endpoints: list[Node]) -> Mapping | None:
    if not endpoints:
        return None
    locality = mapping(at, {"lb_endpoints": sequence(at, endpoints)})
    return mapping(at, {"cluster_name": name, "endpoints": sequence(at, [locality])})


def _breakers(reader: Reader, at: Node) -> Mapping:
    """MOSN has no limits unless they are given; its list has one entry."""
    limits: dict[str, Node | None] = dict.fromkeys(_LIMITS)
    for child in reader.children("circuit_breakers"):
        for key in _LIMITS:
            limits[key] = _positive(child.number(key)) or limits[key]
        child.finish()
    thresholds = mapping(at, {key: value or const(at, _UNLIMITED) for key, value in limits.items()})
    return mapping(at, {"thresholds": sequence(at, [thresholds])})


def _least_request(reader: Reader, policy: Scalar) -> Mapping | None:
    config = reader.child("lbconfig")
    if config is None:
        return None
    choices, bias = config.number("choice_count"), config.number("active_request_bias")
    config.finish()
    if policy.value != "LEAST_REQUEST":
        return None
    weighed = None
    if bias is not None:
        weighed = mapping(bias, {"default_value": bias, "runtime_key": const(bias, "active_request_bias")})
    return mapping(config.node, {"choice_count": _positive(choices), "active_request_bias": weighed})


def _original_dst(reader: Reader) -> Mapping | None:
    config = reader.child("original_dst_lb_config")
    if config is None:
        return None
    use, header = config.flag("use_header"), config.text("header_name")
    config.leave("MC0403", {"replace_local": "the address is used as it is"})
    config.finish()
    if not use:
        return None
    return mapping(config.node, {"use_http_header": const(config.node, True), "http_header_name": _filled(header)})


def _protocol_options(reader: Reader, at: Node) -> Mapping | None:
    idle = reader.duration("idle_timeout")
    if idle is None:
        return None
    explicit = mapping(at, {"http_protocol_options": mapping(at, {})})
    common = mapping(idle, {"idle_timeout": idle})
    options = typed(at, _HTTP_OPTIONS, {"common_http_protocol_options": common, "explicit_http_config": explicit})
    return mapping(at, {_HTTP_OPTIONS: options})


def _leave(reader: Reader) -> None:
    tls = reader.child("tls_context")
    if tls is not None and tls.flag("status"):
        tls.report("MC0405", _TLS)
    reader.leave(
        "MC0403",
        {
            "health_check": "active health checking is not implemented",
            "lb_subset_config": "subsets of a cluster are not implemented",
            "slow_start": "slow start is not implemented",
            "spec": "subscriptions to a registry are not implemented",
            "keepalive": "heartbeats come with the RPC protocols",
            "dns_resolvers": "names are resolved by the system's resolver",
            "dns_resolver_file": "names are resolved by the system's resolver",
            "dns_resolver_port": "names are resolved by the system's resolver",
            "mark": "marking of upstream sockets is not implemented",
        },
    )
    reader.leave(
        "MC0406",
        {
            "max_request_per_conn": "MOSN reads it and does nothing with it",
            "sub_type": "MOSN reads it and does nothing with it",
            "cluster_manager_tls": "there is no TLS to take over",
            "cluster_pool_enable": "pools are always the cluster's",
            "respect_dns_ttl": "names are resolved at a fixed rate",
        },
    )
