"""Real applications with the configurations of other proxies: MOSN's JSON, Envoy's dubbo_proxy."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.interop import test_sofarpc
from tests.interop.conftest import StartJava
from tests.interop.dubbo_java import VERSIONS, Server
from tests.interop.program import Program
from tests.proxy.sidecar import Sidecar, address, bootstrap, cluster, free_port

BOLT = {"downstream_protocol": "bolt"}
DUBBO = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.v3.DubboProxy"
DUBBO_ROUTER = "type.googleapis.com/envoy.extensions.filters.network.dubbo_proxy.router.v3.Router"
X_BOLT = {"downstream_protocol": "X", "upstream_protocol": "X", "extend_config": {"sub_protocol": "bolt"}}
X_DUBBO = {"downstream_protocol": "X", "upstream_protocol": "X", "extend_config": {"sub_protocol": "dubbo"}}


def mosn_json(client: int, server: int, application: int, protocol: dict[str, Any], inline: bool) -> dict[str, Any]:
    """MOSN's own example: a client's sidecar and a server's in one, two hops.  `inline`: routers stand in the
    listener's connection_manager, as the older examples have them."""

    def router(name: str) -> dict[str, Any]:
        match = {"headers": [{"name": "service", "value": ".*"}]}
        routers = [{"match": match, "route": {"cluster_name": f"{name}Cluster"}}]
        hosts = [{"name": f"{name}Host", "domains": ["*"], "routers": routers}]
        return {"router_config_name": f"{name}_router", "virtual_hosts": hosts}

    def listener(name: str, port: int) -> dict[str, Any]:
        filters = [{"type": "proxy", "config": {**protocol, "router_config_name": f"{name}_router"}}]
        filters += [{"type": "connection_manager", "config": router(name)}] if inline else []
        chain = {"tls_context": {}, "filters": filters}
        return {"name": f"{name}Listener", "address": f"127.0.0.1:{port}", "bind_port": True, "filter_chains": [chain]}

    def simple(name: str, port: int) -> dict[str, Any]:
        return {
            "name": f"{name}Cluster", "type": "SIMPLE", "lb_type": "LB_RANDOM", "max_request_per_conn": 1024,
            "conn_buffer_limit_bytes": 32768, "hosts": [{"address": f"127.0.0.1:{port}"}],
        }  # fmt: skip

    routers = {} if inline else {"routers": [router("server"), router("client")]}
    listeners = [listener("server", server), listener("client", client)]
    return {
        "servers": [{"default_log_path": "stdout", **routers, "listeners": listeners}],
        "cluster_manager": {"clusters": [simple("server", application), simple("client", server)]},
    }


@pytest.mark.parametrize("protocol", [BOLT, X_BOLT])
def test_mosn_json_and_sofarpc(tmp_path: Path, start_java: StartJava, protocol: dict[str, Any]) -> None:
    application = free_port()
    client, server = free_port(), free_port()
    java = start_java("sofarpc", test_sofarpc.VERSION, "example.Sofa")
    java.value("serve", port=application, name="mine")
    with Sidecar(tmp_path, mosn_json(client, server, application, protocol, inline=False)):
        assert java.value("call", port=client, method="where") == "mine"
        assert java.value("parallel", port=client, threads=8, calls=50) == {"right": 400, "wrong": 0, "failed": 0}


@pytest.mark.parametrize("version", VERSIONS)
def test_mosn_json_and_dubbo(
    tmp_path: Path, dubbo_servers: dict[str, Server], dubbo_clients: dict[str, Program], version: str
) -> None:
    client, server = free_port(), free_port()
    java = dubbo_clients[version]
    with Sidecar(tmp_path, mosn_json(client, server, dubbo_servers[version].port, X_DUBBO, inline=True)):
        assert java.value("call", port=client, method="where") == version
        assert java.value("parallel", port=client, threads=8, calls=50) == {"right": 400, "wrong": 0, "failed": 0}


@pytest.mark.parametrize("version", VERSIONS)
def test_dubbo_proxy(
    tmp_path: Path, dubbo_servers: dict[str, Server], dubbo_clients: dict[str, Program], version: str
) -> None:
    """A method, and an attachment, go to the server of the other version; what no route names is refused."""
    other = next(name for name in VERSIONS if name != version)

    def to(cluster: str, headers: list[dict[str, Any]], **name: Any) -> dict[str, Any]:
        return {"match": {"method": {"name": name}, "headers": headers}, "route": {"cluster": cluster}}

    gray = {"name": "gray", "string_match": {"exact": "yes"}}
    routes = [to(other, [gray], exact="where"), to(version, [], exact="where"), to(other, [], prefix="ech")]
    config = {
        "@type": DUBBO,
        "stat_prefix": "dubbo",
        "protocol_type": "Dubbo",
        "serialization_type": "Hessian2",
        "route_config": [{
            "name": "example", "interface": "example.Example", "group": "blue", "version": "1.0.0", "routes": routes,
        }],
        "dubbo_filters": [{"name": "envoy.filters.dubbo.router", "config": {"@type": DUBBO_ROUTER}}],
    }  # fmt: skip
    filters = [{"name": "envoy.filters.network.dubbo_proxy", "typed_config": config}]
    port = free_port()
    listener = {"name": "dubbo", "address": address(port), "filter_chains": [{"filters": filters}]}
    clusters = [cluster(name, server.port) for name, server in dubbo_servers.items()]
    client = dubbo_clients[version]
    with Sidecar(tmp_path, bootstrap([listener], clusters)) as sidecar:
        assert client.value("call", port=port, method="where") == version
        assert client.value("call", port=port, method="where", with__gray="yes") == other
        assert client.value("call", port=port, method="echo", text="there") == "there"
        assert "route_not_found" in client.ask("call", port=port, method="fail", text="x").text
        sidecar.wait_stat(f"cluster.{other}.upstream_rq_total", 2)
