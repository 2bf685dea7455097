"""A scenario as a bootstrap, the same for both programs except for ports and the path of the access log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.differential.cases import Scenario
from tests.proxy.sidecar import ROUTER, address, bootstrap, cluster, http_listener

# Beside every scenario's own logs: what happened to each request.  The client's port says which case a line is of.
FORMAT = {
    "client": "%DOWNSTREAM_DIRECT_REMOTE_PORT%",
    "request": "%REQ(:METHOD)% %REQ(:AUTHORITY)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%",
    "code": "%RESPONSE_CODE%",
    "details": "%RESPONSE_CODE_DETAILS%",
    "flags": "%RESPONSE_FLAGS%",
    "received": "%BYTES_RECEIVED%",
    "sent": "%BYTES_SENT%",
    "cluster": "%UPSTREAM_CLUSTER%",
    "host": "%UPSTREAM_HOST%",
    "attempts": "%UPSTREAM_REQUEST_ATTEMPT_COUNT%",
    "failure": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "termination": "%CONNECTION_TERMINATION_DETAILS%",
    "route": "%ROUTE_NAME%",
}
FILE_LOG = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"


def file_log(path: Path, line: dict[str, str] | str) -> dict[str, Any]:
    form = {"json_format": line} if isinstance(line, dict) else {"text_format_source": {"inline_string": line + "\n"}}
    config = {"@type": FILE_LOG, "path": str(path), "log_format": form}
    return {"name": "envoy.access_loggers.file", "typed_config": config}


def own_logs(plain: dict[str, Any], path: Path) -> list[dict[str, Any]]:
    """`logs` of a listener: formats, each with the client's port in front."""
    logs = []
    for line in plain.get("logs", []):
        if isinstance(line, str):
            logs.append(file_log(path, f"%DOWNSTREAM_DIRECT_REMOTE_PORT% {line}"))
        else:
            logs.append(file_log(path, {"client": "%DOWNSTREAM_DIRECT_REMOTE_PORT%", **line}))
    return logs


def listener(name: str, plain: dict[str, Any], port: int, log: Path) -> dict[str, Any]:
    """`plain` has any of manager, routes, hosts, router, logs, listener: parts of Envoy's model."""
    plain = plain or {}
    routes = plain.get("routes", [{"match": {"prefix": "/"}, "route": {"cluster": "backend"}}])
    manager = dict(plain.get("manager", {}))
    tables = {"name": name, **plain.get("table", {})}
    tables["virtual_hosts"] = plain.get("hosts") or [{"name": "all", "domains": ["*"], "routes": routes}]
    router = {**ROUTER, "typed_config": {**ROUTER["typed_config"], **plain.get("router", {})}}  # type: ignore[dict-item]
    manager.setdefault("delayed_close_timeout", "0.05s")
    return http_listener(
        port,
        [],
        name,
        route_config=tables,
        http_filters=[router],
        access_log=[file_log(log, FORMAT), *own_logs(plain, log)],
        listener=plain.get("listener", {}),
        **manager,
    )


def clusters(ports: dict[str, int]) -> list[dict[str, Any]]:
    """What every scenario may route to."""
    return [
        cluster("backend", ports["a"]),
        cluster("other", ports["b"]),
        cluster("pair", ports["a"], ports["b"]),
        cluster("empty"),
        cluster("refused", ports["refused"]),
    ]


def build(scenario: Scenario, ports: dict[str, int], log: Path) -> dict[str, Any]:
    """`ports`: a and b (upstreams), refused (nobody listens), and one for each of the scenario's listeners."""
    listeners = [listener(name, plain, ports[name], log) for name, plain in scenario.listeners.items()]
    own = [cluster(each.pop("name"), *(ports[p] for p in each.pop("ports", ["a"])), **each)
           for each in (dict(plain) for plain in scenario.clusters)]
    return bootstrap(listeners, clusters(ports) + own)


__all__ = ["address", "build"]
