"""Configurations that the peers' own checks, or a parser, accept."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from bench.certificate import issue
from bench.instance import free_port
from bench.measure import CHECKED_BYTES, clusters_of_size
from bench.peers import PEERS
from bench.peers.base import CannotTakePart, Setup
from bench.peers.bootstrap import bootstrap

SETUPS = {
    "http1": {"protocol": "http1"},
    "tcp": {"protocol": "tcp"},
    "bulk": {"protocol": "http1", "bulk": True},
    "http2": {"protocol": "http2"},
    "tls": {"protocol": "http1", "tls": True},
    "bolt": {"protocol": "bolt"},
    "dubbo": {"protocol": "dubbo"},
    "tcp-bulk": {"protocol": "tcp", "bulk": True},
    "clusters": {"protocol": "http1", "clusters": 100, "workers": 2},
}


def setup_of(kind: str, directory: Path) -> Setup:
    options = dict(SETUPS[kind])
    certificate = issue(directory) if options.pop("tls", False) else None
    return Setup(port=free_port(), backend_port=1, directory=directory, certificate=certificate, **options)  # type: ignore[arg-type]


@pytest.mark.peer
@pytest.mark.parametrize("kind", SETUPS)
@pytest.mark.parametrize("name", ["nginx", "haproxy", "envoy"])
def test_a_peer_accepts_its_configuration(name: str, kind: str, tmp_path: Path) -> None:
    peer = PEERS[name]
    if reason := peer.absent():
        pytest.skip(reason)
    setup = setup_of(kind, tmp_path)
    command = peer.check_command(peer.configure(setup), setup)
    assert command
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr + done.stdout


@pytest.mark.parametrize("kind", [kind for kind in SETUPS if kind not in ("bolt", "dubbo")])
def test_the_bootstrap_is_yaml_with_a_route_for_every_cluster(kind: str, tmp_path: Path) -> None:
    setup = setup_of(kind, tmp_path)
    resources = yaml.safe_load(PEERS["mosn"].configure(setup).read_text())["static_resources"]
    names = [cluster["name"] for cluster in resources["clusters"]]
    assert len(names) == len(set(names)) == setup.clusters
    [listener] = resources["listeners"]
    assert listener["address"]["socket_address"]["port_value"] == setup.port
    terminal = listener["filter_chains"][0]["filters"][0]["typed_config"]
    if setup.protocol == "tcp":
        assert terminal["cluster"] in names
    else:
        routes = terminal["route_config"]["virtual_hosts"][0]["routes"]
        assert [route["route"]["cluster"] for route in routes] == names
        assert routes[-1]["match"] == {"prefix": "/"}


def test_mosn_takes_no_part_in_tls_1_3(tmp_path: Path) -> None:
    with pytest.raises(CannotTakePart, match="alert"):
        PEERS["mosn-go"].configure(setup_of("tls", tmp_path))


@pytest.mark.parametrize("kind", [kind for kind in SETUPS if kind != "tls"])
def test_the_configuration_for_go_is_json(kind: str, tmp_path: Path) -> None:
    setup = setup_of(kind, tmp_path)
    written = json.loads(PEERS["mosn-go"].configure(setup).read_text())
    assert len(written["cluster_manager"]["clusters"]) == setup.clusters
    assert written["servers"][0]["listeners"][0]["address"] == f"127.0.0.1:{setup.port}"


@pytest.mark.parametrize("kind", ["bolt", "dubbo"])
def test_rpc_is_configured_as_mosn_is(kind: str, tmp_path: Path) -> None:
    setup = setup_of(kind, tmp_path)
    ours = json.loads(PEERS["mosn"].configure(setup).read_text())
    assert ours == json.loads(PEERS["mosn-go"].configure(setup).read_text())
    assert ours["servers"][0]["listeners"][0]["filter_chains"][0]["filters"][0]["config"]["downstream_protocol"] == kind


def test_the_checked_file_has_its_size(tmp_path: Path) -> None:
    setup = Setup("http1", 18000, 18000, tmp_path, clusters=clusters_of_size(CHECKED_BYTES))
    assert abs(len(bootstrap(setup)) - CHECKED_BYTES) < 2000
