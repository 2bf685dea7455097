"""`mosn route` on files of the corpus."""

from __future__ import annotations

import json
from typing import Any

import pytest

from mosn.cli import route
from tests.config.corpus import CORPUS, http_listener, one_route
from tests.config.test_commands import run


def ask(capsys: pytest.CaptureFixture[str], name: str, *words: str) -> tuple[int, Any]:
    code = run(route, "-c", str(CORPUS / "good" / name), *words, "--json")
    out = capsys.readouterr().out
    return code, json.loads(out) if out else None


def test_the_first_route_that_matches(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = ask(capsys, "route-matching.yaml", "GET", "http://api.example.com/v1/usersx", "--random", "1")
    assert code == 0
    assert (found["listener"]["name"], found["virtual_host"], found["route"]) == ("ingress", "exact", "percent")
    assert [item["what"] for item in found["rejected"]] == [
        "route exact-path", "route segments", "route regex", "route grpc",
    ]  # fmt: skip
    assert found["clusters"][0]["hosts"] == ["127.0.0.1:9000"]


def test_a_percentage_depends_on_the_random_number(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = ask(capsys, "route-matching.yaml", "GET", "http://api.example.com/x", "--random", "99")
    assert code == 1
    assert found["kind"] == "none"


@pytest.mark.parametrize("url", ["/", "http://nowhere.test/"])
def test_no_virtual_host(capsys: pytest.CaptureFixture[str], url: str) -> None:
    code, found = ask(capsys, "gateway.yaml", "GET", url, "--listener", "public")
    assert (code, found["virtual_host"]) == (0, "fallback")
    code, found = ask(capsys, "sidecar.yaml", "GET", url, "--listener", "10.96.0.20_80")
    assert (code, found["virtual_host"]) == (1, None)


def test_the_port_chooses_the_listener(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = ask(capsys, "gateway.yaml", "GET", "http://127.0.0.1:8081/")
    assert found["listener"]["name"] == "private"
    assert {item["what"] for item in found["rejected"]} == {"listener public", "listener internal"}
    code, found = ask(capsys, "gateway.yaml", "GET", "http://127.0.0.1:9999/")
    assert (code, found["listener"]) == (1, None)


def test_the_usual_port_is_no_part_of_the_host(capsys: pytest.CaptureFixture[str]) -> None:
    code, found = ask(capsys, "sidecar.yaml", "GET", "http://10.96.0.20:80/")
    assert (code, found["virtual_host"]) == (1, "reviews")
    assert found["cluster_known"] is False


CHAINS = """
static_resources:
  listeners:
  - name: l
    address: {socket_address: {address: 0.0.0.0, port_value: 1}}
    filter_chains:
    - name: near
      filter_chain_match: {source_prefix_ranges: [{address_prefix: 10.1.0.0, prefix_len: 16}]}
      filters: &filters
      - name: tcp
        typed_config:
          "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
          stat_prefix: tcp
          cluster: a
    - name: far
      filter_chain_match: {source_prefix_ranges: [{address_prefix: 10.0.0.0, prefix_len: 8}]}
      filters: *filters
    - {name: port, filter_chain_match: {source_type: SAME_IP_OR_LOOPBACK, source_ports: [7]}, filters: *filters}
  clusters: [{name: a}]
"""


@pytest.mark.parametrize(
    ("source", "chain"), [("10.1.2.3", "near"), ("10.2.2.3", "far"), ("127.0.0.1:7", "port"), ("127.0.0.1:8", None)]
)
def test_filter_chains(capsys: pytest.CaptureFixture[str], tmp_path: Any, source: str, chain: str | None) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(CHAINS)
    code = run(route, "-c", str(path), "GET", "/", "--source", source, "--json")
    found = json.loads(capsys.readouterr().out)
    assert code == 1  # the cluster has no host
    assert (found["filter_chain"] or {"name": None})["name"] == chain


def test_the_closest_match_of_an_earlier_criterion_decides(capsys: pytest.CaptureFixture[str]) -> None:
    """As in Envoy, without going back: raw_buffer fits one chain only, and that one wants an application protocol."""
    _, found = ask(capsys, "filter-chains.yaml", "GET", "/", "--source", "192.168.7.7:5")
    assert found["filter_chain"] == {"name": "rest", "kind": "tcp"}


def test_redirects_and_answers(capsys: pytest.CaptureFixture[str]) -> None:
    _, found = ask(capsys, "route-actions.yaml", "GET", "http://a.test/secure/x")
    assert (found["status"], found["location"]) == (308, "https://a.test:8443/secure/x")
    code, found = ask(capsys, "route-actions.yaml", "GET", "/gone")
    assert (code, found["status"]) == (0, 410)


def test_paths_are_normalized_first(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    routes = (
        '{virtual_hosts: [{name: all, domains: ["*"], routes: [{match: {path: /a}, direct_response: {status: 200}}]}]}'
    )
    path = tmp_path / "a.yaml"
    path.write_text(http_listener(routes, "normalize_path: true"))
    assert run(route, "-c", str(path), "GET", "/b/../a") == 0
    path.write_text(http_listener(routes, "normalize_path: false"))
    assert run(route, "-c", str(path), "GET", "/b/../a") == 1
    assert "404 (response flag NR)" in capsys.readouterr().out


def test_names_are_shown_as_names(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    path = tmp_path / "a.yaml"
    routes = one_route("{match: {prefix: /}, route: {cluster: dns}}")
    endpoint = "{endpoint: {address: {socket_address: {address: db.internal, port_value: 80}}}}"
    assignment = f"{{cluster_name: dns, endpoints: [{{lb_endpoints: [{endpoint}]}}]}}"
    cluster = f"{{name: dns, type: STRICT_DNS, load_assignment: {assignment}}}"
    path.write_text(http_listener(routes).replace("clusters: [", f"clusters: [{cluster}, "))
    assert run(route, "-c", str(path), "GET", "/") == 0
    assert "db.internal:80 (by DNS)" in capsys.readouterr().out


@pytest.mark.parametrize(
    "words",
    [["GET", "/", "-H", "nonsense"], ["GET", "/", "--listener", "none"], ["GET", "/", "--source", "here"],
     ["GET", "http://[bad/"]],
)  # fmt: skip
def test_wrong_usage(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    code, _ = ask(capsys, "gateway.yaml", *words)
    assert code == 2


def test_a_bad_configuration(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(route, "-c", str(CORPUS / "bad" / "mc0101-unknown-field.yaml"), "GET", "/") == 2
    assert "MC0101" in capsys.readouterr().err
