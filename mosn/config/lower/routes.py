"""Route configurations: virtual hosts and their routes, with the header operations of every level flattened."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from mosn.config.findings import nearest
from mosn.config.lower.actions import lower_action, lower_direct, lower_mirrors, lower_redirect
from mosn.config.lower.bridge import route_bridge
from mosn.config.lower.context import Context, wrapped
from mosn.config.lower.fault import level_fault
from mosn.config.lower.headers import Side, header_ops
from mosn.config.lower.matchers import lower_match
from mosn.config.lower.retries import lower_retry
from mosn.model import Fault, HeaderOp, Mirror, RetryPolicy, Route, RouteTable, VirtualHost, WeightedCluster

_TLS: tuple[Literal["none", "external_only", "all"], ...] = ("none", "external_only", "all")
_MAX_DIRECT_BODY = 4096


@dataclass(slots=True)
class _Above:
    """What a route inherits.  Lists of header operations run from the virtual host to the table."""

    request_ops: list[list[HeaderOp]]
    response_ops: list[list[HeaderOp]]
    most_specific_wins: bool
    max_direct_body: int
    mirrors: list[Mirror]
    retry: RetryPolicy | None = None
    count_request: bool = False
    count_response: bool = False
    fault: Fault | None = None
    takes_faults: bool = True

    def fault_of(self, ctx: Context, level: Any, path: str) -> Fault | None:
        return level_fault(ctx, level, path, self.fault) if self.takes_faults else None

    def flatten(self, own: list[HeaderOp], side: Side) -> list[HeaderOp]:
        """In the order of application: the level applied last has the last word."""
        levels = [own, *(self.request_ops if side == "request" else self.response_ops)]
        if self.most_specific_wins:
            levels.reverse()
        return [op for level in levels for op in level]


def lower_route_table(
    ctx: Context, config: Any, path: str, *, static: bool, fault: Fault | None = None, takes_faults: bool = True
) -> RouteTable:
    """`static`: the table stands in the file, so its clusters must exist unless validate_clusters is false.
    `fault`: where no level says another; `takes_faults`: there is a filter that makes them."""
    above = _Above(
        request_ops=[header_ops(ctx, config, "request", path)],
        response_ops=[header_ops(ctx, config, "response", path)],
        most_specific_wins=config.most_specific_header_mutations_wins,
        max_direct_body=wrapped(config, "max_direct_response_body_size_bytes", _MAX_DIRECT_BODY),
        mirrors=lower_mirrors(ctx, config.request_mirror_policies, f"{path}.request_mirror_policies"),
        fault=fault,
        takes_faults=takes_faults,
    )
    above.fault = above.fault_of(ctx, config, path)
    hosts = [
        _virtual_host(ctx, host, f"{path}.virtual_hosts[{index}]", above)
        for index, host in enumerate(config.virtual_hosts)
    ]
    _check_names(ctx, config, path)
    _check_domains(ctx, config, path)
    if wrapped(config, "validate_clusters", static):
        _check_clusters(ctx, config, path)
    return {
        "name": config.name,
        "virtual_hosts": hosts,
        "ignore_port_in_host_matching": config.ignore_port_in_host_matching,
    }


def _virtual_host(ctx: Context, host: Any, path: str, table: _Above) -> VirtualHost:
    retry = lower_retry(ctx, host.retry_policy, f"{path}.retry_policy") if host.HasField("retry_policy") else None
    mirrors = lower_mirrors(ctx, host.request_mirror_policies, f"{path}.request_mirror_policies")
    above = _Above(
        request_ops=[header_ops(ctx, host, "request", path), *table.request_ops],
        response_ops=[header_ops(ctx, host, "response", path), *table.response_ops],
        most_specific_wins=table.most_specific_wins,
        max_direct_body=table.max_direct_body,
        mirrors=mirrors or table.mirrors,
        retry=retry,
        count_request=host.include_request_attempt_count,
        count_response=host.include_attempt_count_in_response,
        fault=table.fault_of(ctx, host, path),
        takes_faults=table.takes_faults,
    )
    return {
        "name": host.name,
        "domains": [domain.lower() for domain in host.domains],
        "require_tls": _TLS[host.require_tls] if 0 <= host.require_tls < len(_TLS) else "none",
        "routes": [_route(ctx, route, f"{path}.routes[{index}]", above) for index, route in enumerate(host.routes)],
    }


def _route(ctx: Context, route: Any, path: str, above: _Above) -> Route:
    kind = route.WhichOneof("action")
    bridge = route_bridge(ctx, route, path)
    result: Route = {
        "name": route.name,
        "match": lower_match(ctx, route.match, f"{path}.match"),
        "action": None,
        "redirect": None,
        "direct_response": None,
        "request_header_ops": above.flatten(header_ops(ctx, route, "request", path), "request"),
        "response_header_ops": above.flatten(header_ops(ctx, route, "response", path), "response"),
        "include_request_attempt_count": above.count_request,
        "include_attempt_count_in_response": above.count_response,
        "fault": above.fault_of(ctx, route, path),
    }
    if kind == "route":
        action = lower_action(ctx, route.route, f"{path}.route", above.retry, above.mirrors)
        result["action"] = {**action, "bridge": bridge}
        if bridge is not None and action["mirrors"]:
            ctx.report("MC0315", f"{path}.typed_per_filter_config", "requests of a bridge are not mirrored")
    elif kind == "redirect":
        result["redirect"] = lower_redirect(ctx, route.redirect, f"{path}.redirect")
    elif kind == "direct_response":
        where = f"{path}.direct_response"
        result["direct_response"] = lower_direct(ctx, route.direct_response, where, above.max_direct_body)
    if above.most_specific_wins and result["action"] is not None:
        _move_down(result, result["action"]["clusters"])
    return result


def _move_down(route: Route, clusters: list[WeightedCluster]) -> None:
    """Workers apply a weighted cluster's operations before the route's.  Where the most specific has the last word,
    each cluster takes those of the levels above and puts its own behind them."""
    if not any(cluster["request_header_ops"] or cluster["response_header_ops"] for cluster in clusters):
        return
    for cluster in clusters:
        cluster["request_header_ops"] = route["request_header_ops"] + cluster["request_header_ops"]
        cluster["response_header_ops"] = route["response_header_ops"] + cluster["response_header_ops"]
    route["request_header_ops"], route["response_header_ops"] = [], []


def _check_names(ctx: Context, config: Any, path: str) -> None:
    seen = set()
    for index, host in enumerate(config.virtual_hosts):
        if host.name in seen:
            ctx.report("MC0301", f"{path}.virtual_hosts[{index}].name", f'a virtual host "{host.name}" exists already')
        if host.name:
            seen.add(host.name)


def _check_domains(ctx: Context, config: Any, path: str) -> None:
    seen: dict[str, str] = {}
    for index, host in enumerate(config.virtual_hosts):
        for number, domain in enumerate(host.domains):
            where = f"{path}.virtual_hosts[{index}].domains[{number}]"
            name = domain.lower()
            if name in seen:
                ctx.report("MC0302", where, f'"{domain}" belongs to virtual host "{seen[name]}" already')
            seen[name] = host.name
            if "*" in name[1:-1] or (name.startswith("*") and name.endswith("*") and len(name) > 1):
                ctx.report("MC0303", where, f'"{domain}": an asterisk in this place stands for itself')


def _check_clusters(ctx: Context, config: Any, path: str) -> None:
    for where, name in _cluster_references(config, path):
        if name and name not in ctx.clusters and not ctx.findings.failed(where):
            ctx.report("MC0304", where, f'there is no cluster "{name}"', suggestion=nearest(name, ctx.clusters))


def _cluster_references(config: Any, path: str) -> Iterator[tuple[str, str]]:
    yield from _mirror_references(config, path)
    for index, host in enumerate(config.virtual_hosts):
        host_path = f"{path}.virtual_hosts[{index}]"
        yield from _mirror_references(host, host_path)
        for number, route in enumerate(host.routes):
            if route.WhichOneof("action") == "route":
                action_path = f"{host_path}.routes[{number}].route"
                yield f"{action_path}.cluster", route.route.cluster
                yield from _mirror_references(route.route, action_path)
                for entry_number, entry in enumerate(route.route.weighted_clusters.clusters):
                    yield f"{action_path}.weighted_clusters.clusters[{entry_number}].name", entry.name


def _mirror_references(message: Any, path: str) -> Iterator[tuple[str, str]]:
    for index, policy in enumerate(message.request_mirror_policies):
        yield f"{path}.request_mirror_policies[{index}].cluster", policy.cluster
