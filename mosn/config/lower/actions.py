"""What a route does: forward, redirect, or answer directly."""

from __future__ import annotations

from typing import Any, Literal

from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.datasource import read_source
from mosn.config.lower.headers import header_ops
from mosn.config.lower.matchers import lower_rewrite, runtime_fraction
from mosn.config.lower.retries import lower_retry
from mosn.model import (
    DirectResponse,
    HashPolicy,
    HostRewrite,
    Mirror,
    Redirect,
    RetryPolicy,
    RouteAction,
    Upgrade,
    WeightedCluster,
)

_NOT_FOUND_CODES = (503, 404, 500)
_REDIRECT_CODES: tuple[Literal[301, 302, 303, 307, 308], ...] = (301, 302, 303, 307, 308)
MAX_WEIGHT = 2**32 - 1


def plain_cluster(name: str) -> WeightedCluster:
    return {"name": name, "weight": 1, "request_header_ops": [], "response_header_ops": [], "host_rewrite": ""}


def lower_action(ctx: Context, action: Any, path: str, retry: RetryPolicy | None, mirrors: list[Mirror]) -> RouteAction:
    """`retry` and `mirrors` are those of the levels above, which a route's own replace."""
    clusters = lower_clusters(ctx, action, path)
    if action.HasField("retry_policy"):
        retry = lower_retry(ctx, action.retry_policy, f"{path}.retry_policy")
    stream = action.max_stream_duration
    stream_path = f"{path}.max_stream_duration"
    code = action.cluster_not_found_response_code
    return {
        "clusters": clusters,
        "total_weight": sum(cluster["weight"] for cluster in clusters),
        "cluster_header": action.cluster_header.lower(),
        "cluster_not_found_response_code": _NOT_FOUND_CODES[code] if 0 <= code < 3 else 503,
        "prefix_rewrite": action.prefix_rewrite,
        "prefix_rewrite_set": bool(action.prefix_rewrite),
        "regex_rewrite": _regex_rewrite(ctx, action, path),
        "host_rewrite": _host_rewrite(ctx, action, path),
        "append_x_forwarded_host": action.append_x_forwarded_host,
        "timeout_ms": ctx.milliseconds(action, "timeout", 15_000, path),
        "idle_timeout_ms": ctx.milliseconds(action, "idle_timeout", -1, path),
        "max_stream_duration_ms": ctx.milliseconds(stream, "max_stream_duration", -1, stream_path),
        "retry_policy": retry,
        "hash_policy": _hash_policies(ctx, action, path),
        "priority": "high" if action.priority == 1 else "default",
        "mirrors": lower_mirrors(ctx, action.request_mirror_policies, f"{path}.request_mirror_policies") or mirrors,
        "upgrades": _upgrades(ctx, action, path),
        "bridge": None,
    }


def lower_clusters(ctx: Context, action: Any, path: str) -> list[WeightedCluster]:
    """Of an action's `cluster` or `weighted_clusters`."""
    kind = action.WhichOneof("cluster_specifier")
    if kind == "cluster":
        return [plain_cluster(action.cluster)]
    if kind == "weighted_clusters":
        return _weighted(ctx, action.weighted_clusters, f"{path}.weighted_clusters")
    return []


def _weighted(ctx: Context, weighted: Any, path: str) -> list[WeightedCluster]:
    clusters = [
        _weighted_cluster(ctx, entry, f"{path}.clusters[{index}]") for index, entry in enumerate(weighted.clusters)
    ]
    total = sum(cluster["weight"] for cluster in clusters)
    if clusters and not 1 <= total <= MAX_WEIGHT and not ctx.findings.failed(f"{path}.clusters"):
        ctx.report("MC0311", f"{path}.clusters", f"the weights add up to {total}")
    wanted = wrapped(weighted, "total_weight", total)
    if wanted != total and not ctx.findings.failed(path):
        ctx.report("MC0311", f"{path}.total_weight", f"is {wanted} but the weights add up to {total}")
    return clusters


def _weighted_cluster(ctx: Context, entry: Any, path: str) -> WeightedCluster:
    if not entry.name and not entry.cluster_header:
        ctx.report("MC0108", f"{path}.name", "is required")
    return {
        "name": entry.name,
        "weight": wrapped(entry, "weight", 0),
        "request_header_ops": header_ops(ctx, entry, "request", path),
        "response_header_ops": header_ops(ctx, entry, "response", path),
        "host_rewrite": entry.host_rewrite_literal,
    }


def _regex_rewrite(ctx: Context, action: Any, path: str) -> Any:
    if not action.HasField("regex_rewrite"):
        return None
    if action.prefix_rewrite:
        ctx.report("MC0315", f"{path}.regex_rewrite", "cannot be set together with prefix_rewrite")
    return lower_rewrite(ctx, action.regex_rewrite, f"{path}.regex_rewrite")


def _host_rewrite(ctx: Context, action: Any, path: str) -> HostRewrite | None:
    kind = action.WhichOneof("host_rewrite_specifier")
    if kind == "host_rewrite_literal":
        return {"kind": "literal", "value": action.host_rewrite_literal, "regex": None}
    if kind == "auto_host_rewrite":
        return {"kind": "auto", "value": "", "regex": None} if action.auto_host_rewrite.value else None
    if kind == "host_rewrite_header":
        return {"kind": "header", "value": action.host_rewrite_header.lower(), "regex": None}
    if kind == "host_rewrite_path_regex":
        regex = lower_rewrite(ctx, action.host_rewrite_path_regex, f"{path}.host_rewrite_path_regex")
        return {"kind": "path_regex", "value": "", "regex": regex}
    return None


def lower_mirrors(ctx: Context, policies: Any, path: str) -> list[Mirror]:
    return [mirror for index, policy in enumerate(policies) if (mirror := _mirror(ctx, policy, f"{path}[{index}]"))]


def _mirror(ctx: Context, policy: Any, path: str) -> Mirror | None:
    if not policy.cluster:
        if not policy.cluster_header:
            ctx.report("MC0108", f"{path}.cluster", "is required")
        return None
    fraction = runtime_fraction(ctx, policy.runtime_fraction) if policy.HasField("runtime_fraction") else None
    return {"cluster": policy.cluster, "fraction": fraction}


def _hash_policies(ctx: Context, action: Any, path: str) -> list[HashPolicy]:
    made = (
        _hash_policy(ctx, policy, f"{path}.hash_policy[{index}]") for index, policy in enumerate(action.hash_policy)
    )
    return [policy for policy in made if policy]


def _hash_policy(ctx: Context, policy: Any, path: str) -> HashPolicy | None:
    result: HashPolicy = {
        "kind": "source_ip", "name": "", "regex": None, "ttl_ms": -1, "path": "", "terminal": policy.terminal,
    }  # fmt: skip
    kind = policy.WhichOneof("policy_specifier")
    if kind == "header":
        result["kind"], result["name"] = "header", policy.header.header_name.lower()
        if policy.header.HasField("regex_rewrite"):
            result["regex"] = lower_rewrite(ctx, policy.header.regex_rewrite, f"{path}.header.regex_rewrite")
    elif kind == "cookie":
        result["kind"], result["name"], result["path"] = "cookie", policy.cookie.name, policy.cookie.path
        result["ttl_ms"] = ctx.milliseconds(policy.cookie, "ttl", -1, f"{path}.cookie")
    elif kind == "query_parameter":
        result["kind"], result["name"] = "query", policy.query_parameter.name
    elif kind != "connection_properties" or not policy.connection_properties.source_ip:
        return None  # reported as not implemented, or says nothing
    return result


def _upgrades(ctx: Context, action: Any, path: str) -> list[Upgrade]:
    upgrades: dict[str, Upgrade] = {}
    for index, config in enumerate(action.upgrade_configs):
        where = f"{path}.upgrade_configs[{index}]"
        name = config.upgrade_type.lower()
        if name in upgrades:
            ctx.report("MC0315", f"{where}.upgrade_type", f'"{config.upgrade_type}" is configured twice')
        connect = config.HasField("connect_config")
        if connect and name != "connect":
            ctx.report("MC0315", f"{where}.connect_config", "is only for upgrade_type CONNECT")
        upgrades[name] = {"type": name, "enabled": wrapped(config, "enabled", True), "connect": connect}
    return list(upgrades.values())


def lower_redirect(ctx: Context, redirect: Any, path: str) -> Redirect:
    rewrite = None
    if redirect.HasField("regex_rewrite"):
        rewrite = lower_rewrite(ctx, redirect.regex_rewrite, f"{path}.regex_rewrite")
    code = redirect.response_code
    kind = redirect.WhichOneof("path_rewrite_specifier")
    return {
        "https_redirect": redirect.https_redirect,
        "scheme_redirect": redirect.scheme_redirect,
        "host_redirect": redirect.host_redirect,
        "port_redirect": redirect.port_redirect,
        "path_redirect": redirect.path_redirect,
        "prefix_rewrite": redirect.prefix_rewrite,
        "prefix_rewrite_set": kind == "prefix_rewrite",
        "regex_rewrite": rewrite,
        "response_code": _REDIRECT_CODES[_redirect_index(code)],
        "strip_query": redirect.strip_query,
    }


def _redirect_index(code: int) -> int:
    """The enumeration is MOVED_PERMANENTLY, FOUND, SEE_OTHER, TEMPORARY_REDIRECT, PERMANENT_REDIRECT."""
    return code if 0 <= code < len(_REDIRECT_CODES) else 0


def lower_direct(ctx: Context, direct: Any, path: str, max_body: int) -> DirectResponse:
    body = b""
    if direct.HasField("body"):
        body = read_source(ctx, direct.body, f"{path}.body", max_body)
    if len(body) > max_body:
        ctx.report("MC0109", f"{path}.body", f"has {len(body)} bytes; the route configuration allows {max_body}")
    return {"status": direct.status, "body": body}
