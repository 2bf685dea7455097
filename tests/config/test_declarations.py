"""Declarations of protocols: what is told about mistakes, and where."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from mosn import config
from mosn.config.declaration import load_declaration, provided, read_declaration
from mosn.config.findings import Findings
from mosn.config.lower.context import NullRegistry
from tests.proxy.rpc import one_cluster

GOOD = """\
protocol: mine
fields:
- {name: magic, type: u16, is: 0x1234}
- {name: type, type: u8}
- {name: id, type: u32}
- {name: size, type: u32}
- {name: body, type: bytes, size: size}
kinds:
- {kind: request, when: {type: 1}}
- {kind: response, when: {type: 2}}
reply: ["1234 02", id, {text: u32}]
"""


def findings(text: str) -> list[str]:
    found = Findings("mine.yaml")
    made = read_declaration(text, found)
    assert (made is None) == found.has_errors
    return [str(finding) for finding in found.sorted()]


@pytest.mark.parametrize("name", provided())
def test_what_is_provided_is_good(name: str) -> None:
    assert load_declaration(name)["name"] == name


def test_a_good_one() -> None:
    assert findings(GOOD) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("size: size}", "size: sizes}", 'mine.yaml:7:35 MC0503 fields[4].size: there is no field "sizes" before this '
         '(did you mean "size"?)'),
        ("type: u8}", "type: u8, wen: {}}", 'mine.yaml:4:26 MC0501 fields[1].wen: a declaration has no such key here '
         '(did you mean "when"?)'),
        ("kinds:", "kidns: []\nkinds:", 'mine.yaml:8:1 MC0501 kidns: a declaration has no such key here '
         '(did you mean "kinds"?)'),
        ("0x1234", "{mask: 1, is: 2}", "mine.yaml:3:32 MC0502 fields[0].is: wants bits that the mask leaves out"),
        ("0x1234", "lots", 'mine.yaml:3:32 MC0502 fields[0].is: expected a whole number, found the text "lots"'),
        ("{name: id, type: u32}", "{name: id, type: u16}", "mine.yaml:1:1 MC0505 id: an id of less than 32 bits comes "
         "round too soon: a late answer would reach another request"),
        ("size: size}", "size: -1}", "mine.yaml:7:35 MC0502 fields[4].size: -1 is not between 0 and 2147483647"),
    ],
)  # fmt: skip
def test_mistakes_have_a_place_and_a_proposal(old: str, new: str, said: str) -> None:
    assert findings(GOOD.replace(old, new)) == [said]


def test_not_yaml() -> None:
    (said,) = findings("protocol: {")
    assert said.startswith("mine.yaml:") and " MC0002 " in said


def bootstrap_with(**proxy: Any) -> config.LoadedConfig:
    return config.load_text(json.dumps(one_cluster(1, 2, **proxy)), "boot.json")


def test_a_file_of_its_own_has_its_own_lines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("mine.yaml").write_text(GOOD.replace("size: size}", "size: sizes}"))
    loaded = bootstrap_with(protocol="mine", declaration={"filename": "mine.yaml"})
    assert [str(error)[:25] for error in loaded.errors] == ["mine.yaml:7:35 MC0503 fie"]


def test_it_becomes_a_snapshot(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    loaded = bootstrap_with(protocol="mine", declaration={"filename": str(path)}, default_service="fallback")
    assert loaded.errors == []
    snapshot = config.build_snapshot(loaded, NullRegistry(), {})
    rpc = snapshot["listeners"][0]["filter_chains"][0]["rpc"]
    assert rpc is not None and rpc["declaration"] is not None
    assert (rpc["declaration"]["name"], rpc["declaration"]["service"]["otherwise"]) == ("mine", "fallback")


def test_the_name_must_be_the_declarations() -> None:
    loaded = bootstrap_with(protocol="other", declaration={"inline_string": GOOD})
    assert [error.code for error in loaded.errors] == ["MC0315"]


def test_a_default_service_needs_a_declaration() -> None:
    assert [error.code for error in bootstrap_with(protocol="bolt", default_service="a").errors] == ["MC0315"]


def test_mosn_json_names_a_declaration(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(GOOD)
    proxy = {
        "downstream_protocol": "X", "upstream_protocol": "X", "router_config_name": "r",
        "extend_config": {"sub_protocol": "mine", "declaration": str(path)},
    }  # fmt: skip
    router = {"router_config_name": "r", "virtual_hosts": [
        {"name": "all", "domains": ["*"], "routers": [{"match": {"prefix": "/"}, "route": {"cluster_name": "c"}}]}]}
    listener = {"name": "l", "address": "127.0.0.1:1", "bind_port": True, "filter_chains": [
        {"filters": [{"type": "proxy", "config": proxy}]}]}
    clusters = [{"name": "c", "type": "SIMPLE", "lb_type": "LB_RANDOM", "hosts": [{"address": "127.0.0.1:2"}]}]
    servers = [{"listeners": [listener], "routers": [router]}]
    tree = {"servers": servers, "cluster_manager": {"clusters": clusters}}
    loaded = config.load_text(json.dumps(tree), "mosn.json")
    assert [str(error) for error in loaded.errors] == []
    snapshot = config.build_snapshot(loaded, NullRegistry(), {})
    rpc = snapshot["listeners"][0]["filter_chains"][0]["rpc"]
    assert rpc is not None and rpc["declaration"] is not None and rpc["protocol"] == "mine"
