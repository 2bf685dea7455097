"""Real applications through MOSN's own examples of JSON: a client's sidecar and a server's in one, two hops."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.interop import test_dubbo, test_sofarpc
from tests.interop.conftest import StartJava
from tests.proxy.sidecar import Sidecar, address, free_port

BOLT = {"downstream_protocol": "bolt"}
X_BOLT = {"downstream_protocol": "X", "upstream_protocol": "X", "extend_config": {"sub_protocol": "bolt"}}
X_DUBBO = {"downstream_protocol": "X", "upstream_protocol": "X", "extend_config": {"sub_protocol": "dubbo"}}


def example(client: int, server: int, application: int, protocol: dict[str, Any], inline: bool) -> dict[str, Any]:
    """`inline`: routers stand in the listener's connection_manager, as the older examples have them."""

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

    def cluster(name: str, port: int) -> dict[str, Any]:
        return {
            "name": f"{name}Cluster", "type": "SIMPLE", "lb_type": "LB_RANDOM", "max_request_per_conn": 1024,
            "conn_buffer_limit_bytes": 32768, "hosts": [{"address": f"127.0.0.1:{port}"}],
        }  # fmt: skip

    routers = {} if inline else {"routers": [router("server"), router("client")]}
    listeners = [listener("server", server), listener("client", client)]
    return {
        "servers": [{"default_log_path": "stdout", **routers, "listeners": listeners}],
        "cluster_manager": {"clusters": [cluster("server", application), cluster("client", server)]},
        "admin": {"address": address(free_port())},
    }


@pytest.mark.parametrize("protocol", [BOLT, X_BOLT])
def test_sofarpc_java(tmp_path: Path, start_java: StartJava, protocol: dict[str, Any]) -> None:
    application = free_port()
    client, server = free_port(), free_port()
    java = start_java("sofarpc", test_sofarpc.VERSION, "example.Sofa")
    java.value("serve", port=application, name="mine")
    with Sidecar(tmp_path, example(client, server, application, protocol, inline=False)):
        assert java.value("call", port=client, method="where") == "mine"
        assert java.value("parallel", port=client, threads=8, calls=50) == {"right": 400, "wrong": 0, "failed": 0}


@pytest.mark.parametrize("version", test_dubbo.VERSIONS)
def test_dubbo_java(tmp_path: Path, start_java: StartJava, version: str) -> None:
    application = free_port()
    client, server = free_port(), free_port()
    java = test_dubbo.serve(start_java, version, application, "mine")
    with Sidecar(tmp_path, example(client, server, application, X_DUBBO, inline=True)):
        assert java.value("call", port=client, method="where") == "mine"
        assert java.value("parallel", port=client, threads=8, calls=50) == {"right": 400, "wrong": 0, "failed": 0}
