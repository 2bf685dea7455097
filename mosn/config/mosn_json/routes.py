"""MOSN router configurations as Envoy route configurations."""

from __future__ import annotations

from mosn.config.mosn_json.actions import header_operations, mirrors, route_action
from mosn.config.mosn_json.build import const, mapping, sequence
from mosn.config.mosn_json.reader import Reader
from mosn.config.nodes import Mapping, Node, Scalar

_REDIRECT_CODES = {
    301: "MOVED_PERMANENTLY", 302: "FOUND", 303: "SEE_OTHER", 307: "TEMPORARY_REDIRECT", 308: "PERMANENT_REDIRECT",
}  # fmt: skip
_SERVICE = "service"
_ANYTHING = (".*", ".+")
_BEFORE, _BEHIND = "(?s:.*)(?:", ")(?s:.*)"
_FILTER_CONFIG = {"per_filter_config": "configuration of stream filters per route is not carried over"}


def route_configuration(reader: Reader) -> Mapping:
    """One of `servers[].routers[]`."""
    name = reader.text("router_config_name")
    hosts = [virtual_host(host) for host in reader.children("virtual_hosts")]
    result = mapping(
        reader.node,
        {"name": name, "virtual_hosts": sequence(reader.node, hosts), **header_operations(reader)},
    )
    reader.leave("MC0405", {"router_configs": "virtual hosts from a directory are not read; put them into this file"})
    reader.finish()
    return result


def virtual_host(reader: Reader) -> Mapping:
    name = reader.text("name")
    domains = reader.texts("domains")
    routes = [route for child in reader.children("routers") if (route := _route(child))]
    result = mapping(
        reader.node,
        {
            "name": name or const(reader.node, reader.path),
            "domains": sequence(reader.node, domains),
            "routes": sequence(reader.node, routes),
            **header_operations(reader),
        },
    )
    reader.leave("MC0406", {"require_tls": "MOSN reads it and does nothing with it"})
    reader.leave("MC0403", _FILTER_CONFIG)
    reader.finish()
    return result


def _route(reader: Reader) -> Mapping | None:
    match = reader.child("match") or Reader(reader.findings, None, reader.where("match"))
    fields: dict[str, Node | None] = {"match": _match(match, reader)}
    redirect, direct, action = reader.child("redirect"), reader.child("direct_response"), reader.child("route")
    mirror = reader.child("request_mirror_policies")
    if redirect is not None:
        fields["redirect"] = _redirect(redirect)
    elif direct is not None:
        fields["direct_response"] = _direct(direct)
    if action is not None:
        operations = header_operations(action)
        forwarded = route_action(action, mirrors(mirror))
        if redirect is None and direct is None:
            fields.update(route=forwarded, **operations)
    elif redirect is None and direct is None:
        reader.report("MC0402", "a route needs route, redirect or direct_response")
    reader.leave("MC0403", {**_FILTER_CONFIG, "metadata": "route metadata is not carried over"})
    reader.finish()
    return mapping(reader.node, fields) if fields["match"] is not None else None


def _match(reader: Reader, route: Reader) -> Mapping | None:
    """MOSN takes the first of prefix, path and regex; its path ignores case and its expressions match anywhere."""
    at = reader.node if reader.node.line else route.node
    prefix, path, regex = reader.text("prefix"), reader.text("path"), reader.text("regex")
    fields: dict[str, Node | None] = {}
    if prefix is not None and prefix.value:
        fields["prefix"] = prefix
    elif path is not None and path.value:
        fields.update(path=path, case_sensitive=const(path, False))
    elif regex is not None and regex.value:
        fields["safe_regex"] = mapping(regex, {"regex": const(regex, whole_match(str(regex.value)))})
    else:
        fields["prefix"] = const(at, "/")
    fields["headers"] = sequence(at, [_header(header) for header in reader.children("headers")])
    lost = reader.has("variables") or reader.has("dsl_expressions")
    text = "this condition is not available; the route would match more than it did"
    reader.leave("MC0405", {"variables": text, "dsl_expressions": text})
    reader.finish()
    return None if lost else mapping(at, fields)


def whole_match(regex: str) -> str:
    """Envoy's expressions match the whole value, MOSN's anywhere in it."""
    return f"{_BEFORE}{regex}{_BEHIND}"


def searched(whole: str) -> str:
    """The expression that `whole_match` made `whole` of."""
    return whole.removeprefix(_BEFORE).removesuffix(_BEHIND)


def _header(reader: Reader) -> Mapping:
    name, value, regex = reader.text("name"), reader.text("value"), reader.flag("regex")
    fields: dict[str, Node | None] = {"name": name or const(reader.node, "")}
    if name is None:
        reader.report("MC0402", "a header matcher needs a name")
    text = str(value.value) if value is not None else ""
    at: Node = value or reader.node
    if text in _ANYTHING and (regex or _is_service(name)):
        fields["present_match"] = const(at, True)
    elif regex:
        expression = mapping(at, {"regex": const(at, whole_match(text))})
        fields["string_match"] = mapping(at, {"safe_regex": expression})
    else:
        fields["string_match"] = mapping(at, {"exact": const(at, text)})
    reader.finish()
    return mapping(reader.node, fields)


def _is_service(name: Scalar | None) -> bool:
    return name is not None and name.value == _SERVICE


def _redirect(reader: Reader) -> Mapping:
    code = reader.number("response_code")
    known = _REDIRECT_CODES.get(int(code.value)) if code is not None and isinstance(code.value, int) else None
    if code is not None and code.value and known is None:
        reader.report("MC0402", f"a redirect is {', '.join(map(str, _REDIRECT_CODES))}", code, "response_code")
    result = mapping(
        reader.node,
        {
            "path_redirect": reader.text("path_redirect"),
            "host_redirect": reader.text("host_redirect"),
            "scheme_redirect": reader.text("scheme_redirect"),
            "response_code": const(code, known) if code is not None and known else None,
        },
    )
    reader.finish()
    return result


def _direct(reader: Reader) -> Mapping:
    status, body = reader.number("status"), reader.text("body")
    reader.finish()
    inline = mapping(body, {"inline_string": body}) if body is not None and body.value else None
    return mapping(reader.node, {"status": status or const(reader.node, 200), "body": inline})
