"""Envoy's Dubbo proxy: its routes become those of the RPC proxy."""

from __future__ import annotations

import re
from typing import Any

from mosn.config.api import message_class
from mosn.config.lower.actions import lower_clusters
from mosn.config.lower.context import Context
from mosn.config.lower.http import add_route_table
from mosn.config.lower.matchers import lower_headers, lower_string, string_matcher
from mosn.config.lower.rpc import rpc_manager
from mosn.model import HeaderMatcher, PathMatcher, Route, RouteAction, RouteMatch, RouteTable, RpcManager, StringMatcher


def lower_dubbo(ctx: Context, config: Any, path: str) -> RpcManager:
    configs, where = config.route_config, f"{path}.route_config"
    if config.HasField("multiple_route_config"):
        if configs:
            ctx.report("MC0106", where, "cannot be set together with multiple_route_config")
        configs, where = config.multiple_route_config.route_config, f"{path}.multiple_route_config.route_config"
    routes = [
        _route(ctx, group, route, f"{where}[{number}].routes[{index}]")
        for number, group in enumerate(configs)
        for index, route in enumerate(group.routes)
    ]
    table: RouteTable = {
        "name": config.stat_prefix,
        "virtual_hosts": [{"name": "dubbo", "domains": ["*"], "require_tls": "none", "routes": routes}],
        "ignore_port_in_host_matching": False,
    }
    proxy = message_class("mosn.protocol.v1.RpcProxy")
    assert proxy is not None
    made = proxy(protocol="dubbo", stat_prefix=config.stat_prefix)
    return rpc_manager(ctx, made, path, add_route_table(ctx, table, config.stat_prefix))


def _route(ctx: Context, group: Any, route: Any, path: str) -> Route:
    return {
        "name": group.name,
        "match": _match(ctx, group, route.match, f"{path}.match"),
        "action": _action(ctx, route.route, f"{path}.route"),
        "redirect": None,
        "direct_response": None,
        "request_header_ops": [],
        "response_header_ops": [],
        "include_request_attempt_count": False,
        "include_attempt_count_in_response": False,
        "fault": None,
    }


def _action(ctx: Context, action: Any, path: str) -> RouteAction:
    """Envoy sets no timeout here: the client's own holds."""
    clusters = lower_clusters(ctx, action, path)
    return {
        "clusters": clusters,
        "total_weight": sum(cluster["weight"] for cluster in clusters),
        "cluster_header": "",
        "cluster_not_found_response_code": 503,
        "prefix_rewrite": "",
        "prefix_rewrite_set": False,
        "regex_rewrite": None,
        "host_rewrite": None,
        "append_x_forwarded_host": False,
        "timeout_ms": 0,
        "idle_timeout_ms": -1,
        "max_stream_duration_ms": -1,
        "retry_policy": None,
        "hash_policy": [],
        "priority": "default",
        "mirrors": [],
        "upgrades": [],
        "bridge": None,
    }


# -- matching


def _match(ctx: Context, group: Any, match: Any, path: str) -> RouteMatch:
    method = _method(ctx, match.method, f"{path}.method")
    exact = _exact_path(group.interface, method)
    headers = lower_headers(ctx, match.headers, f"{path}.headers")
    for name, value in (("version", group.version), ("group", group.group)):
        if value:
            headers.insert(0, _header(name, string_matcher("exact", value)))
    interface = _interface(group.interface)
    if exact is None and interface is not None:
        headers.insert(0, _header(":authority", interface))
    return {"path": exact or _method_path(method), "headers": headers, "query": [], "grpc": False, "fraction": None}


def _method(ctx: Context, method: Any, path: str) -> StringMatcher | None:
    """None: any."""
    if not method.HasField("name"):
        if not ctx.findings.failed(path):
            ctx.report("MC0108", f"{path}.name", "is required")
        return None
    name = lower_string(ctx, method.name, f"{path}.name")
    return None if name["kind"] == "regex" and name["value"] in (".*", ".+") else name


def _header(name: str, matcher: StringMatcher) -> HeaderMatcher:
    return {
        "name": name, "kind": "string", "present": True, "string": matcher, "range_start": 0, "range_end": 0,
        "invert": False, "treat_missing_as_empty": False,
    }  # fmt: skip


def _exact_path(interface: str, method: StringMatcher | None) -> PathMatcher | None:
    """Most routes name an interface and a method: they are found by one look-up."""
    if method is None or method["kind"] != "exact" or method["ignore_case"] or "*" in (interface[:1], interface[-1:]):
        return None
    return {"kind": "path", "value": f"/{interface}/{method['value']}", "case_sensitive": True}


def _interface(pattern: str) -> StringMatcher | None:
    """An asterisk stands for at least one character, at the beginning or at the end."""
    if pattern == "*":
        return None
    if pattern.startswith("*"):
        return string_matcher("regex", f".+{re.escape(pattern[1:])}")
    if pattern.endswith("*"):
        return string_matcher("regex", f"{re.escape(pattern[:-1])}.+")
    return string_matcher("exact", pattern)


def _method_path(method: StringMatcher | None) -> PathMatcher:
    if method is None:
        return {"kind": "prefix", "value": "/", "case_sensitive": True}
    text = method["value"] if method["kind"] == "regex" else re.escape(method["value"])
    forms = {
        "exact": text, "regex": f"(?:{text})", "prefix": f"{text}[^/]*", "suffix": f"[^/]*{text}",
        "contains": f"[^/]*{text}[^/]*",
    }  # fmt: skip
    fold = "(?i)" if method["ignore_case"] else ""
    return {"kind": "regex", "value": f"/.*/{fold}{forms[method['kind']]}", "case_sensitive": True}
