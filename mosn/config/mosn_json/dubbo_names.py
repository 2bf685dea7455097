"""Dubbo's service and method, which MOSN gives as headers and the request model as :authority and :path."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from mosn.config.mosn_json.build import const, mapping
from mosn.config.mosn_json.reader import Reader
from mosn.config.mosn_json.routes import searched
from mosn.config.nodes import Mapping, Node, Scalar, Sequence


def with_dubbo_names(reader: Reader, routes: Mapping) -> Node:
    """The same route configuration for a listener that speaks Dubbo; `routes` stays as it is for others."""
    return _replaced(routes, ("virtual_hosts", "routes", "match", "headers"), partial(_header, reader))


def _replaced(node: Node, path: tuple[str, ...], change: Callable[[Node], Node]) -> Node:
    """A copy with `change` of everything that is there; sequences on the way need no step."""
    if isinstance(node, Sequence):
        return Sequence(node.line, node.column, node.path, [_replaced(item, path, change) for item in node.elements()])
    if not path:
        return change(node)
    if not isinstance(node, Mapping):
        return node
    entries = [
        (key, _replaced(value, path[1:], change) if key.text == path[0] else value) for key, value in node.pairs()
    ]
    return Mapping(node.line, node.column, node.path, entries)


def _header(reader: Reader, matcher: Node) -> Node:
    name = matcher.get("name") if isinstance(matcher, Mapping) else None
    if not isinstance(matcher, Mapping) or not isinstance(name, Scalar):
        return matcher
    if name.value == "service":
        return _with(matcher, name=const(name, ":authority"))
    if name.value == "method":
        value = matcher.get("string_match")
        changed = {"string_match": _method(reader, value)} if isinstance(value, Mapping) else {}
        return _with(matcher, name=const(name, ":path"), **changed)
    return matcher


def _with(node: Mapping, **fields: Node) -> Mapping:
    return mapping(node, {key.text: fields.get(key.text, value) for key, value in node.pairs()})


def _method(reader: Reader, value: Mapping) -> Mapping:
    """What the method has to be like, as what :path has to be like."""
    exact = value.get("exact")
    if isinstance(exact, Scalar):
        return mapping(value, {"suffix": const(exact, f"/{exact.value}")})
    regex = value.get("safe_regex")
    text = regex.get("regex") if isinstance(regex, Mapping) else None
    if not isinstance(text, Scalar):
        return value
    whole = const(text, _in_path(reader, text, searched(str(text.value))))
    return mapping(value, {"safe_regex": mapping(text, {"regex": whole})})


def _in_path(reader: Reader, at: Node, pattern: str) -> str:
    """An expression for the method, which is searched in it, as one for the whole path."""
    begins, ends = pattern.startswith("^"), pattern.endswith("$")
    inner = pattern[begins : len(pattern) - ends]
    anchors = inner.replace("[^", "[")
    if "^" in anchors or "$" in anchors or ("|" in inner and (begins or ends)):
        text = "an expression for `method` with anchors inside is not available; the route would match more than it did"
        reader.report("MC0405", text, at)
    return rf"(?s:.*)/{'' if begins else '[^/]*'}(?:{inner}){'' if ends else '[^/]*'}"
