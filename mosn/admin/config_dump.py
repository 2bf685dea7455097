"""/config_dump: the configuration that runs, with Envoy's parameters resource, mask and name_regex."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

Tree = dict[str, Any]

# Where an entry of a list in a dump has its name: beside what it wraps, or inside of it.
_WRAPPED = ("cluster", "listener", "route_config", "scoped_route_config", "endpoint_config", "secret")


class NotFound(LookupError):
    """No such resource in the dump."""


class NotRepeated(ValueError):
    """The resource is a single field."""


def select(dump: Tree, resource: str, mask: str, matches: Callable[[str], bool] | None) -> Tree:
    """Raises NotFound, NotRepeated."""
    configs = [_named(config, matches) for config in dump["configs"]]
    if resource:
        configs = _elements(configs, resource)
    if mask:
        configs = [kept for config in configs if (kept := _under_mask(config, mask.split(","), strict=not resource))]
    return {"configs": configs}


def _named(config: Tree, matches: Callable[[str], bool] | None) -> Tree:
    """A section of the dump with only the entries whose name matches."""
    if matches is None:
        return config
    return {
        key: [entry for entry in value if matches(_name_of(entry))] if isinstance(value, list) else value
        for key, value in config.items()
    }


def _name_of(entry: Tree) -> str:
    for key in _WRAPPED:
        inner = entry.get(key) or entry.get("active_state", {}).get(key)
        if inner:
            return str(inner.get("name") or inner.get("cluster_name") or entry.get("name", ""))
    return str(entry.get("name", ""))


def _elements(configs: Iterable[Tree], resource: str) -> list[Tree]:
    for config in configs:
        if resource not in config or resource == "@type":
            continue
        if not isinstance(config[resource], list):
            raise NotRepeated(f"{resource} is not a repeated field. Use ?mask={resource} to get only this field")
        kind = f"{config['@type']}.{_element_type(resource)}"
        return [{"@type": kind, **entry} for entry in config[resource]]
    raise NotFound(f"{resource} not found in config dump")


def _element_type(resource: str) -> str:
    """The message's name: StaticCluster for static_clusters, DynamicCluster for dynamic_active_clusters."""
    words = resource.removesuffix("s").split("_")
    return "".join(word.capitalize() for word in words if word not in ("active", "warming"))


def _under_mask(tree: Tree, paths: Iterable[str], strict: bool) -> Tree:
    """Only these fields (google.protobuf.FieldMask); {} when `strict` and it has none of them."""
    kept: Tree = {}
    for path in paths:
        _keep(tree, path.strip().split("."), kept)
    if strict and not kept:
        return {}
    return {**({"@type": tree["@type"]} if "@type" in tree else {}), **kept}


def _keep(tree: Tree, path: list[str], into: Tree) -> None:
    name, rest = path[0], path[1:]
    if name not in tree:
        return
    value = tree[name]
    if not rest:
        into[name] = value
    elif isinstance(value, dict):
        inner = into.setdefault(name, {"@type": value["@type"]} if "@type" in value else {})
        _keep(value, rest, inner)
    elif isinstance(value, list):
        into[name] = [_under_mask(item, [".".join(rest)], strict=False) for item in value if isinstance(item, dict)]
