"""Any text gives findings, never an exception; a good file stays good when it is written down again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mosn import config
from mosn.config.supported import FIELDS
from tests.config.corpus import CORPUS, configurations

FEW = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
KEYS = {field for fields in FIELDS.values() for field in fields} | {"@type", "servers", "cluster_manager"}
FIELD_NAMES = st.sampled_from(sorted(KEYS))
TYPES = [f"type.googleapis.com/{name}" for name in sorted(FIELDS)]
LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from([*TYPES, "5s", "STATIC", "%REQ(", "(", "10.0.0.1", "*", ""]),
)
JUNK = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(FIELD_NAMES | st.text(), inner, max_size=6),
    max_leaves=40,
)


def tree_of(path: Path) -> Any:
    if path.suffix == ".json":
        return json.loads(path.read_text())
    return yaml.load(path.read_text().replace("!ignore ", "ignored_"), Loader=yaml.CSafeLoader)


GOOD = [tree_of(path) for path in [*configurations("good"), *configurations("mosn")]]


def check(text: str, name: str) -> None:
    loaded = config.load_text(text, name)
    for finding in loaded.findings:
        assert str(finding)
    config.dns_targets(loaded)
    json.dumps(config.config_dump(loaded))


@FEW
@given(st.text())
def test_any_text(text: str) -> None:
    for name in ("a.yaml", "a.json", "a"):
        check(text, name)


@FEW
@given(JUNK)
def test_any_tree(tree: Any) -> None:
    check(json.dumps(tree), "a.json")
    check(yaml.dump(tree, Dumper=yaml.CSafeDumper), "a.yaml")


@FEW
@given(st.data())
def test_a_good_tree_with_one_part_replaced(data: st.DataObject) -> None:
    tree = json.loads(json.dumps(data.draw(st.sampled_from(GOOD))))
    parent, key = data.draw(st.sampled_from(places(tree)))
    parent[key] = data.draw(JUNK)
    check(json.dumps(tree), "a.json")


def places(tree: Any) -> list[tuple[Any, Any]]:
    """Every place in a tree, as its container and the key or index there."""
    found: list[tuple[Any, Any]] = []
    waiting = [tree]
    while waiting:
        container = waiting.pop()
        keys = list(container) if isinstance(container, dict) else range(len(container))
        for key in keys:
            found.append((container, key))
            if isinstance(container[key], dict | list):
                waiting.append(container[key])
    return found


def test_bytes_that_are_not_text(tmp_path: Any) -> None:
    path = tmp_path / "a.yaml"
    for data in (b"\xff\xfe", b"\xef\xbb\xbfnode: {id: a}", b"\x00", b"a: \x80"):
        path.write_bytes(data)
        config.load_file(path)
    assert config.load_file(tmp_path).findings[0].code == "MC0001"
    assert config.load_file(tmp_path / "missing").findings[0].code == "MC0001"
    assert config.load_file("/dev/zero").findings[0].code == "MC0001"
    assert CORPUS.is_dir()
