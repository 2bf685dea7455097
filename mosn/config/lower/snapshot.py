"""The snapshot of a whole configuration."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from mosn.config.findings import Findings
from mosn.config.lower.addresses import lower_address
from mosn.config.lower.clusters import lower_cluster
from mosn.config.lower.context import Context, Resolved, StatRegistry
from mosn.config.lower.listeners import lower_listener
from mosn.config.lower.runtime import runtime_integer, runtime_of
from mosn.config.rules import unpack
from mosn.model import SNAPSHOT_FORMAT, Cluster, Listener, Snapshot

_CONNECTIONS_MONITOR = "envoy.resource_monitors.global_downstream_max_connections"


@dataclass(frozen=True, slots=True)
class Resource:
    """A listener or cluster message and the path to it in the file it came from."""

    path: str
    message: Any


def static_resources(bootstrap: Any) -> tuple[list[Resource], list[Resource]]:
    """Listeners and clusters that stand in the bootstrap."""
    static = bootstrap.static_resources
    return (
        [Resource(f"static_resources.listeners[{index}]", message) for index, message in enumerate(static.listeners)],
        [Resource(f"static_resources.clusters[{index}]", message) for index, message in enumerate(static.clusters)],
    )


def lower_bootstrap(
    bootstrap: Any, findings: Findings, registry: StatRegistry, resolved: Resolved, version: str
) -> Snapshot:
    """Findings are added to `findings`; the snapshot is for use only when none of them is an error."""
    listeners, clusters = static_resources(bootstrap)
    names = frozenset(resource.message.name for resource in clusters)
    ctx = Context(findings, registry, resolved, runtime_of(bootstrap, findings), names)
    registry.scope("server", "")
    registry.scope("http2", "")
    lowered_clusters = _clusters(ctx, clusters)
    lowered_listeners = _listeners(ctx, listeners)
    connections, heap = _overload(ctx, bootstrap)
    return {
        "format": SNAPSHOT_FORMAT,
        "version": version,
        "listeners": lowered_listeners,
        "route_tables": ctx.route_tables,
        "clusters": lowered_clusters,
        "log_sinks": ctx.sinks,
        "max_downstream_connections": connections,
        "downstream_limit_row": registry.limit_row("downstream"),
        "max_heap_bytes": heap,
        "stats_scopes": registry.as_dict(),
        "admin_address": _admin_address(ctx, bootstrap),
        "node_id": bootstrap.node.id,
        "node_cluster": bootstrap.node.cluster,
    }


def _clusters(ctx: Context, resources: Sequence[Resource]) -> dict[str, Cluster]:
    clusters: dict[str, Cluster] = {}
    for resource in resources:
        name = resource.message.name
        if name and name in clusters:
            ctx.report("MC0301", f"{resource.path}.name", f'a cluster "{name}" exists already')
        clusters[name] = lower_cluster(ctx, resource.message, resource.path)
    return clusters


def _listeners(ctx: Context, resources: Iterable[Resource]) -> list[Listener]:
    result: list[Listener] = []
    names: set[str] = set()
    addresses: dict[str, str] = {}
    for resource in resources:
        name = resource.message.name
        if name and name in names:
            ctx.report("MC0301", f"{resource.path}.name", f'a listener "{name}" exists already')
        names.add(name)
        for listener in lower_listener(ctx, resource.message, resource.path):
            _check_address(ctx, listener, resource.path, addresses)
            result.append(listener)
    return result


def _check_address(ctx: Context, listener: Listener, path: str, addresses: dict[str, str]) -> None:
    address = listener["address"]
    if not address or not listener["bind_to_port"] or address.endswith(":0"):
        return
    if address in addresses:
        text = f'{address} is the address of listener "{addresses[address]}" already'
        ctx.report("MC0309", f"{path}.address", text)
    addresses[address] = listener["name"]


def _overload(ctx: Context, bootstrap: Any) -> tuple[int, int]:
    """Limits of downstream connections and of heap bytes; 0 is none."""
    connections = runtime_integer(ctx.runtime, "overload.global_downstream_max_connections", 0)
    heap = 0
    seen = set()
    for index, monitor in enumerate(bootstrap.overload_manager.resource_monitors):
        where = f"overload_manager.resource_monitors[{index}]"
        if monitor.name in seen:
            ctx.report("MC0301", f"{where}.name", f'a resource monitor "{monitor.name}" exists already')
        seen.add(monitor.name)
        config: Any = unpack(monitor.typed_config)
        name = config.DESCRIPTOR.name if config is not None else ""
        if name == "DownstreamConnectionsConfig":
            if monitor.name != _CONNECTIONS_MONITOR:
                ctx.report("MC0315", f"{where}.name", f"this monitor's name is {_CONNECTIONS_MONITOR}")
            connections = config.max_active_downstream_connections
        elif name == "FixedHeapConfig":
            heap = config.max_heap_size_bytes
    return max(connections, 0), heap


def _admin_address(ctx: Context, bootstrap: Any) -> str:
    if not bootstrap.admin.HasField("address"):
        return ""
    return lower_address(ctx, bootstrap.admin.address, "admin.address")
