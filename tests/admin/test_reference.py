"""The reference pages say everything there is, and nothing that there is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from mosn._fastpath.shm.stats import NAMES
from mosn.admin.computed import BREAKERS
from mosn.admin.overview import CAUSES
from mosn.admin.routes import PAGES
from tests.admin.box import Box
from tests.admin.conftest import Client

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT / "docs" / "reference"
ROW = re.compile(r"^\| `([^`]+)` \| (counter|gauge|histogram) \| (.{3,}) \|$", re.MULTILINE)


def sections(page: str) -> dict[str, str]:
    """Heading -> text, of the headings of the second level."""
    parts = re.split(r"^## (.+)$", (REFERENCE / page).read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def described() -> dict[str, dict[str, str]]:
    """Kind of scope -> statistic -> type."""
    found: dict[str, dict[str, str]] = {}
    for heading, text in sections("statistics.md").items():
        rows = {name: kind for name, kind, _ in ROW.findall(text)}
        assert len(rows) == len(ROW.findall(text)) == text.count("\n| `"), f"{heading}: a row twice, or not a row"
        found[heading.split(".")[0]] = rows
    return found


def test_every_statistic_of_the_name_tables_is_described() -> None:
    tables = described()
    for kind, names in NAMES.items():
        for type_, group in zip(("counter", "gauge", "histogram"), names, strict=True):
            for name in group:
                section = tables["http1"] if name in tables["http1"] else tables[kind]
                assert section.get(name) == type_, f"{kind}: {name}"


def test_every_statistic_that_is_shown_is_described_and_the_other_way_round(box: Box, admin: Client) -> None:
    box.own_counters |= {f"cluster.dns.{name}": 1 for name in ("update_no_rebuild", "update_failure")}
    shown = {generic(line) for line in admin.get("/stats").text.splitlines()}
    told = {
        f"{kind}.{name}"
        for kind, rows in described().items()
        if kind not in ("host", "filesystem", "rpc", "listener_ssl", "cluster_ssl")
        if not kind.endswith("_inspector")
        for name in rows
    }
    assert shown - told - {"filesystem.write_total_buffered"} == set()
    assert told - shown == set()


def generic(line: str) -> str:
    """The heading's word and the statistic, of a line of /stats."""
    name = line.split(": ")[0]
    for prefix in ("listener.127.0.0.1_18080", "listener.127.0.0.1_18081", "cluster.backend", "cluster.dns",
                   "http.ingress", "tcp.tcpin"):  # fmt: skip
        if name.startswith(f"{prefix}."):
            name = f"{prefix.split('.')[0]}{name.removeprefix(prefix)}"
    name = re.sub(r"worker_\d+", "worker_N", name)
    return re.sub(r"circuit_breakers\.(default|high)", "circuit_breakers.PRIORITY", name)


def test_the_writers_statistics_are_described() -> None:
    from mosn.report.sink import Numbers

    rows = described()["filesystem"]
    assert set(rows) == {*Numbers.__dataclass_fields__, "write_total_buffered"}
    assert all(described()["cluster"][f"circuit_breakers.PRIORITY.{name}"] == "gauge" for name, _, _ in BREAKERS)


def test_every_response_flag_has_its_paragraph() -> None:
    info = pytest.importorskip("mosn._fastpath.proxy.info")
    found = sections("response-flags.md")
    assert list(found) == [f"{short} {long}" for short, long in info.RESPONSE_FLAGS]
    assert all(len(text.split()) > 5 for text in found.values())
    assert {flag for flag, _, _ in CAUSES} <= {heading.split()[0] for heading in found}


def test_flags_that_nobody_sets_say_so() -> None:
    sources = [path.read_text() for path in (ROOT / "mosn" / "_fastpath" / "proxy").glob("*.pyx")]
    if not sources:
        pytest.skip("no sources here")
    imports = re.compile(r"^from \S+ cimport (\([^)]*\)|.*)$", re.MULTILINE)
    code = "\n".join(imports.sub("", source) for source in sources)
    set_somewhere = set(re.findall(r"\bFLAG_([A-Z]+)\b", code))
    for heading, text in sections("response-flags.md").items():
        says_not = "Not set by this version" in " ".join(text.split())
        assert says_not == (heading.split()[0] not in set_somewhere), heading


def test_every_access_log_operator_is_named() -> None:
    parse = pytest.importorskip("mosn._fastpath.proxy.format_parse")
    text = (REFERENCE / "access-log.md").read_text()
    text = text[text.index("## Operators") :]
    named = set(re.findall(r"`([A-Z][A-Z0-9_]{3,}|REQ|RESP|PATH)(?:\([^`]*\))?`", text))
    forms = {"ORIG", "DECODED", "CAMEL_STRING", "SNAKE_STRING", "NUMBER", "NAME"}
    operators = set(parse.operator_names())
    assert operators - named == set(), "not in the page"
    assert named - operators - forms == set(), "not operators"


def test_every_page_of_the_admin_is_in_the_table() -> None:
    text = (REFERENCE / "admin.md").read_text()
    rows = re.findall(r"^\| (GET|POST) \| `([^`]+)` \|", text, flags=re.MULTILINE)
    assert sorted(rows) == sorted((page.method, page.path) for page in PAGES)


def test_links_lead_somewhere() -> None:
    for page in ("admin.md", "statistics.md", "access-log.md", "response-flags.md"):
        for target in re.findall(r"\]\(([a-z-]+\.md)", (REFERENCE / page).read_text()):
            assert (REFERENCE / target).exists(), f"{page}: {target}"
