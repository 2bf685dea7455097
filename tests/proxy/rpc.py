"""Bootstraps with a listener of an RPC protocol."""

from __future__ import annotations

from typing import Any

from tests.proxy.sidecar import address, bootstrap, cluster, route

RPC = "type.googleapis.com/mosn.protocol.v1.RpcProxy"


def rpc_listener(port: int, routes: list[dict[str, Any]], **proxy: Any) -> dict[str, Any]:
    hosts = [{"name": "all", "domains": ["*"], "routes": routes}]
    config = {
        "@type": RPC,
        "protocol": "bolt",
        "stat_prefix": "bolt",
        "route_config": {"name": "bolt", "virtual_hosts": hosts},
        **proxy,
    }
    filters = [{"name": "mosn.rpc_proxy", "typed_config": config}]
    return {"name": "bolt", "address": address(port), "filter_chains": [{"filters": filters}]}


def one_cluster(port: int, *upstreams: int, action: dict[str, Any] | None = None, **proxy: Any) -> dict[str, Any]:
    fields = proxy.pop("cluster", {})
    return bootstrap([rpc_listener(port, [route(**action or {})], **proxy)], [cluster("backend", *upstreams, **fields)])
