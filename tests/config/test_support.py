"""Every field that can be reached is in the table of what is implemented, or is reported."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mosn.config.api import message_class
from mosn.config.supported import EXTENSIONS, FIELDS, NO_EFFECT, REFUSED
from tests.config.corpus import codes, load_yaml

ROOT = "envoy.config.bootstrap.v3.Bootstrap"


def descriptor(name: str) -> Any:
    cls = message_class(name)
    assert cls is not None, name
    return cls.DESCRIPTOR


def reachable() -> set[str]:
    """Messages that implemented fields lead to."""
    found: set[str] = set()
    waiting = [ROOT, *(name for names in EXTENSIONS.values() for name in names)]
    while waiting:
        name = waiting.pop()
        if name in found:
            continue
        found.add(name)
        waiting += list(below(name))
    return found


def below(name: str) -> Iterator[str]:
    for field in descriptor(name).fields:
        if field.name not in FIELDS.get(name, ()) or field.message_type is None:
            continue
        kind = field.message_type
        if kind.GetOptions().map_entry:
            kind = kind.fields_by_name["value"].message_type
        if kind is not None and not kind.full_name.startswith("google.protobuf."):
            yield kind.full_name


def test_every_message_has_a_row() -> None:
    assert reachable() - set(FIELDS) == set()


def test_every_row_is_used() -> None:
    assert set(FIELDS) - reachable() == set()


def test_names_are_those_of_the_api() -> None:
    for name, fields in FIELDS.items():
        assert fields <= {field.name for field in descriptor(name).fields}, name
    for path in (*NO_EFFECT, *REFUSED):
        name, field = path.rsplit(".", 1)
        assert field in {item.name for item in descriptor(name).fields}, path
    for holder in EXTENSIONS:
        name, field = holder.rsplit(".", 1)
        assert field in {item.name for item in descriptor(name).fields}, holder


def test_a_field_is_in_one_table() -> None:
    implemented = {f"{name}.{field}" for name, fields in FIELDS.items() for field in fields}
    assert implemented & (set(NO_EFFECT) | set(REFUSED)) == set()
    assert set(NO_EFFECT) & set(REFUSED) == set()


def test_every_other_field_is_reported() -> None:
    """Sets each field of the bootstrap's cluster message that has a simple type and is not implemented."""
    name = "envoy.config.cluster.v3.Cluster"
    for field in descriptor(name).fields:
        full = f"{name}.{field.name}"
        if field.name in FIELDS[name] or field.type != field.TYPE_BOOL:
            continue
        loaded = load_yaml(f"static_resources: {{clusters: [{{name: a, {field.name}: true}}]}}")
        expected = "MC0205" if full in NO_EFFECT else "MC0204" if full in REFUSED else "MC0201"
        assert expected in codes(loaded), field.name
