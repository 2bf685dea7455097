"""Making nodes of an Envoy configuration that stand where a MOSN value stood."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mosn.config.api import TYPE_PREFIX
from mosn.config.nodes import Mapping, Node, Scalar, Sequence


def const(at: Node, value: Any) -> Scalar:
    """A value that the translation chose, at the place of the MOSN value that it follows from."""
    return Scalar(at.line, at.column, at.path, value, str(value))


def mapping(at: Node, fields: dict[str, Node | None]) -> Mapping:
    """Fields that are None are left out."""
    entries = [(_key(value, name), value) for name, value in fields.items() if value is not None]
    return Mapping(at.line, at.column, at.path, entries)


def _key(value: Node, name: str) -> Scalar:
    return Scalar(value.line, value.column, value.path, name, name)


def sequence(at: Node, items: Iterable[Node]) -> Sequence | None:
    """None when there are no items."""
    made = list(items)
    return Sequence(at.line, at.column, at.path, made) if made else None


def typed(at: Node, type_name: str, fields: dict[str, Node | None]) -> Mapping:
    """A typed_config."""
    return mapping(at, {"@type": const(at, TYPE_PREFIX + type_name), **fields})


def extension(at: Node, name: str, config: Node) -> Mapping:
    return mapping(at, {"name": const(at, name), "typed_config": config})


def placed(node: Node, path: str) -> Node:
    """The node's place with a path, for nodes that stand for it."""
    return Scalar(node.line, node.column, path)
