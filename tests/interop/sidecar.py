"""The sidecar between the clients and servers of one framework: one listener for each thing that can be the matter."""

from __future__ import annotations

from typing import Any

from tests.proxy.rpc import rpc_listener
from tests.proxy.sidecar import bootstrap, cluster, free_port, route

LISTENERS = ("main", "unrouted", "hostless", "refused", "slow", "crash")


def marked(header: str) -> dict[str, Any]:
    """A match: the value of this header is "yes"."""
    return {"prefix": "/", "headers": [{"name": header, "string_match": {"exact": "yes"}}]}


class Ports:
    """Free ports, one for each listener and each server."""

    def __init__(self) -> None:
        self.listener = {name: free_port() for name in LISTENERS}
        self.server = {name: free_port() for name in ("main", "gray", "crash", "refused")}

    def config(self, protocol: str, gray: dict[str, Any], **proxy: Any) -> dict[str, Any]:
        """`gray` is what a request is like that goes to the other server."""
        to_gray = {"match": gray, "route": {"cluster": "gray"}}
        routes = {
            "main": [to_gray, route(cluster="main")],
            "unrouted": [{"match": {"path": "/nothing"}, "route": {"cluster": "main"}}],
            "hostless": [route(cluster="hostless")],
            "refused": [route(cluster="refused")],
            "slow": [route(cluster="main", timeout="0.3s")],
            "crash": [route(cluster="crash")],
        }
        listeners = []
        for name in LISTENERS:
            options = {"protocol": protocol, "stat_prefix": name, **proxy}
            listener = rpc_listener(self.listener[name], routes[name], **options)
            listener["filter_chains"][0]["filters"][0]["typed_config"]["route_config"]["name"] = name
            listeners.append({**listener, "name": name})
        clusters = [cluster(name, port) for name, port in self.server.items()]
        return bootstrap(listeners, [*clusters, cluster("hostless")])
