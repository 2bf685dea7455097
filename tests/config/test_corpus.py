"""Good files load without an error and become a snapshot; bad ones give exactly the expected lines."""

from __future__ import annotations

import json
from pathlib import Path

import msgpack
import pytest

from mosn import config
from mosn.config.catalogue import CATALOGUE
from mosn.config.lower.context import NullRegistry
from tests.config.corpus import CORPUS, configurations, findings_of, names

GOOD = configurations("good") + [path for path in configurations("mosn") if path.suffix == ".json"]
BAD = configurations("bad")
MOSN = [path for path in configurations("mosn") if path.suffix == ".json"]
# What no file can show: it takes a registry of statistics that is full.
WITHOUT_FILE = {"MC0318"}


@pytest.mark.parametrize("path", GOOD, ids=names(GOOD))
def test_good_files_become_snapshots(path: Path) -> None:
    loaded = config.load_file(path)
    assert [str(error) for error in loaded.errors] == []
    snapshot = config.build_snapshot(loaded, NullRegistry(), {})
    carried = msgpack.unpackb(msgpack.packb(snapshot))
    assert carried["version"] == loaded.version
    assert len(carried["clusters"]) == len(loaded.bootstrap.static_resources.clusters)


@pytest.mark.parametrize("path", GOOD, ids=names(GOOD))
def test_written_as_yaml_it_means_the_same(path: Path) -> None:
    loaded = config.load_file(path)
    again = config.load_text(config.to_yaml(loaded), "again.yaml")
    assert again.errors == []
    first = config.build_snapshot(loaded, NullRegistry(), {})
    second = config.build_snapshot(again, NullRegistry(), {})
    assert {**first, "version": ""} == {**second, "version": ""}


@pytest.mark.parametrize("path", GOOD, ids=names(GOOD))
def test_the_dump_is_json(path: Path) -> None:
    dump = json.loads(json.dumps(config.config_dump(config.load_file(path))))
    kinds = [entry["@type"].rsplit(".", 1)[-1] for entry in dump["configs"]]
    assert kinds == ["BootstrapConfigDump", "ClustersConfigDump", "ListenersConfigDump", "RoutesConfigDump"]


@pytest.mark.parametrize("path", BAD, ids=names(BAD))
def test_bad_files_give_the_expected_lines(path: Path) -> None:
    expected = path.with_name(path.name + ".expect").read_text()
    assert findings_of(path) == expected


@pytest.mark.parametrize("path", BAD, ids=names(BAD))
def test_bad_files_show_the_code_they_are_named_after(path: Path) -> None:
    code = path.name[:6].upper()
    assert f" {code} " in findings_of(path)


def test_every_code_has_a_bad_file() -> None:
    shown = {path.name[:6].upper() for path in BAD}
    assert shown == set(CATALOGUE) - WITHOUT_FILE


@pytest.mark.parametrize("path", MOSN, ids=names(MOSN))
def test_conversions_of_mosn_files(path: Path) -> None:
    golden = path.with_suffix(".yaml").read_text()
    assert config.to_yaml(config.load_file(path)) == golden


def test_the_corpus_is_large_enough() -> None:
    assert len(GOOD) >= 25, CORPUS
