"""The TCP proxy."""

from __future__ import annotations

from typing import Any

from mosn.config.findings import nearest
from mosn.config.lower.access_logs import lower_access_logs
from mosn.config.lower.actions import MAX_WEIGHT, plain_cluster
from mosn.config.lower.context import Context, wrapped
from mosn.model import TcpProxy, WeightedCluster

_IDLE_TIMEOUT_MS = 3_600_000


def lower_tcp(ctx: Context, config: Any, path: str) -> TcpProxy:
    clusters = _clusters(ctx, config, path)
    duration = ctx.milliseconds(config, "max_downstream_connection_duration", 0, path)
    scope = ctx.registry.scope("tcp", config.stat_prefix)
    return {
        "stat_prefix": config.stat_prefix,
        "clusters": clusters,
        "total_weight": sum(cluster["weight"] for cluster in clusters),
        "idle_timeout_ms": ctx.milliseconds(config, "idle_timeout", _IDLE_TIMEOUT_MS, path),
        "max_connect_attempts": wrapped(config, "max_connect_attempts", 1),
        "max_downstream_connection_duration_ms": duration,
        "hash_source_ip": any(policy.HasField("source_ip") for policy in config.hash_policy),
        "access_logs": lower_access_logs(ctx, config.access_log, f"{path}.access_log"),
        "stats": scope["counters"],
        "gauges": scope["gauges"],
    }


def _clusters(ctx: Context, config: Any, path: str) -> list[WeightedCluster]:
    if config.WhichOneof("cluster_specifier") == "cluster":
        _warn_unknown(ctx, config.cluster, f"{path}.cluster")
        return [plain_cluster(config.cluster)]
    clusters = []
    for index, entry in enumerate(config.weighted_clusters.clusters):
        _warn_unknown(ctx, entry.name, f"{path}.weighted_clusters.clusters[{index}].name")
        cluster = plain_cluster(entry.name)
        cluster["weight"] = entry.weight
        clusters.append(cluster)
    total = sum(entry["weight"] for entry in clusters)
    if total > MAX_WEIGHT:
        ctx.report("MC0311", f"{path}.weighted_clusters.clusters", f"the weights add up to {total}")
    return clusters


def _warn_unknown(ctx: Context, name: str, path: str) -> None:
    """Envoy takes such a configuration and refuses the connections."""
    if name and name not in ctx.clusters:
        text = f'there is no cluster "{name}"; connections will be closed'
        ctx.report("MC0316", path, text, suggestion=nearest(name, ctx.clusters))
