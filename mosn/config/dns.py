"""Names that the controller resolves for DNS clusters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from mosn.config.findings import Findings
from mosn.config.lower.clusters import cluster_kind
from mosn.config.lower.context import Context, NullRegistry
from mosn.config.lower.endpoints import dns_target, endpoints_of
from mosn.config.lower.snapshot import static_resources

Family = Literal["auto", "v4_only", "v6_only", "v4_preferred", "all"]
_FAMILIES: tuple[Family, ...] = ("auto", "v4_only", "v6_only", "v4_preferred", "all")
_REFRESH_MS = 5000


@dataclass(frozen=True, slots=True)
class DnsTarget:
    """One endpoint to resolve.  `family`: auto asks for IPv6 and falls back to IPv4, v4_preferred the reverse.
    `type` logical_dns uses the first address only."""

    cluster: str
    hostname: str
    port: int
    refresh_ms: int
    family: Family
    type: Literal["strict_dns", "logical_dns"]


def dns_targets_of(bootstrap: Any) -> list[DnsTarget]:
    """Every endpoint of every DNS cluster, IP addresses included (they resolve to themselves)."""
    ctx = Context(Findings(""), NullRegistry(), {}, {})
    clusters = static_resources(bootstrap)[1]
    return [target for resource in clusters for target in _targets(ctx, resource.message, resource.path)]


def _targets(ctx: Context, cluster: Any, path: str) -> list[DnsTarget]:
    kind = cluster_kind(ctx, cluster, path)
    if kind not in ("strict_dns", "logical_dns"):
        return []
    refresh = ctx.milliseconds(cluster, "dns_refresh_rate", _REFRESH_MS, path)
    number = cluster.dns_lookup_family
    family: Family = _FAMILIES[number] if 0 <= number < len(_FAMILIES) else "auto"
    named = (dns_target(ctx, item) for item in endpoints_of(cluster, path))
    return [DnsTarget(cluster.name, name[0], name[1], refresh, family, kind) for name in named if name]
