"""The Envoy v3 bootstrap that both Envoy and this project's proxy are started with."""

from __future__ import annotations

from typing import Any

import yaml

from bench.peers.base import BACKLOG, PATIENCE, Setup

TYPES = "type.googleapis.com/envoy.extensions.filters"
UNREACHED = 1_000_000
OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
HTTP2_UPSTREAM = {
    "typed_extension_protocol_options": {
        OPTIONS: {
            "@type": f"type.googleapis.com/{OPTIONS}",
            "explicit_http_config": {"http2_protocol_options": {"max_concurrent_streams": 1024}},
        }
    }
}


def bootstrap(setup: Setup) -> str:
    """The whole file, as YAML."""
    clusters = [cluster(name, setup) for name in setup.cluster_names()]
    return yaml.safe_dump({"static_resources": {"listeners": [listener(setup)], "clusters": clusters}}, sort_keys=False)


def address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}


def cluster(name: str, setup: Setup) -> dict[str, Any]:
    """One static host, with thresholds that are counted but never reached."""
    endpoint = {"endpoint": {"address": address(setup.backend_port)}}
    thresholds = dict.fromkeys(("max_connections", "max_pending_requests", "max_requests", "max_retries"), UNREACHED)
    return (HTTP2_UPSTREAM if setup.protocol == "http2" else {}) | {
        "name": name,
        "type": "STATIC",
        "connect_timeout": "5s",
        "lb_policy": "ROUND_ROBIN",
        "circuit_breakers": {"thresholds": [thresholds]},
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
    }


def listener(setup: Setup) -> dict[str, Any]:
    """One filter chain with the row's terminal filter."""
    network_filter = connection_manager(setup) if setup.http else RPC.get(setup.protocol, tcp_proxy)()
    return {
        "name": "bench",
        "address": address(setup.port),
        "tcp_backlog_size": BACKLOG,
        "filter_chains": [{"filters": [network_filter]} | tls_socket(setup)],
    }


def tls_socket(setup: Setup) -> dict[str, Any]:
    """TLS 1.3 to clients, where the row has it."""
    if setup.certificate is None:
        return {}
    certificate = {
        "certificate_chain": {"filename": f"{setup.certificate}/cert.pem"},
        "private_key": {"filename": f"{setup.certificate}/key.pem"},
    }
    versions = {"tls_minimum_protocol_version": "TLSv1_3", "tls_maximum_protocol_version": "TLSv1_3"}
    return {
        "transport_socket": {
            "name": "envoy.transport_sockets.tls",
            "typed_config": {
                "@type": "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.DownstreamTlsContext",
                "common_tls_context": {"tls_params": versions, "tls_certificates": [certificate]},
            },
        }
    }


def tcp_proxy() -> dict[str, Any]:
    return {
        "name": "envoy.filters.network.tcp_proxy",
        "typed_config": {
            "@type": f"{TYPES}.network.tcp_proxy.v3.TcpProxy",
            "stat_prefix": "bench",
            "cluster": "service-0",
            "idle_timeout": f"{PATIENCE}s",
        },
    }


def dubbo_proxy() -> dict[str, Any]:
    """The one interface and method that the load calls."""
    route = {"match": {"method": {"name": {"exact": "greet"}}}, "route": {"cluster": "service-0"}}
    router = {
        "name": "envoy.filters.dubbo.router",
        "config": {"@type": f"{TYPES}.network.dubbo_proxy.router.v3.Router"},
    }
    return {
        "name": "envoy.filters.network.dubbo_proxy",
        "typed_config": {
            "@type": f"{TYPES}.network.dubbo_proxy.v3.DubboProxy",
            "stat_prefix": "bench",
            "route_config": [{"name": "bench", "interface": "com.example.bench.Greeter", "routes": [route]}],
            "dubbo_filters": [router],
        },
    }


# Envoy knows no BOLT: it passes the bytes on.
RPC = {"dubbo": dubbo_proxy}


def connection_manager(setup: Setup) -> dict[str, Any]:
    """Nothing added to a request that nginx and HAProxy do not add."""
    routes = [
        {"match": {"prefix": setup.prefix_of(name)}, "route": {"cluster": name, "timeout": f"{PATIENCE}s"}}
        for name in setup.cluster_names()
    ]
    router = {
        "name": "envoy.filters.http.router",
        "typed_config": {"@type": f"{TYPES}.http.router.v3.Router", "suppress_envoy_headers": True},
    }
    return {
        "name": "envoy.filters.network.http_connection_manager",
        "typed_config": {
            "@type": f"{TYPES}.network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": "bench",
            "codec_type": "HTTP2" if setup.protocol == "http2" else "HTTP1",
            "generate_request_id": False,
            "common_http_protocol_options": {"idle_timeout": f"{PATIENCE}s"},
            "route_config": {
                "name": "bench",
                "virtual_hosts": [{"name": "bench", "domains": ["*"], "routes": routes}],
            },
            "http_filters": [router],
        },
    }
