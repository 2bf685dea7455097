"""`mosn explain`: the paragraph behind a finding's code, a response flag, a metric or an access log operator.

Codes are in the program; the rest is read from the reference pages of the documentation, which are installed with the
package (or beside it, in a checkout).  Works without a network.
"""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_EPILOG = """\
A metric is taken in any spelling: cluster.NAME.upstream_rq_5xx, upstream_rq_5xx, envoy_cluster_upstream_rq_xx.
Exit code: 0 explained, 1 not known.

examples:
  mosn explain MC0304
  mosn explain UF
  mosn explain upstream_rq_retry_overflow
"""
_WIDTH = 100
_HEADING = re.compile(r"^##+ (.+)$", re.MULTILINE)
_ROW = re.compile(r"^\| `([^`|]+)`(?:[^|]*)\|(.*)\|\s*$", re.MULTILINE)
_CLASS = re.compile(r"_rq_[1-5]xx$")
_PROMETHEUS_ENDINGS = re.compile(r"_(bucket|sum|count)$")


@dataclass(frozen=True, slots=True)
class Entry:
    title: str
    paragraph: str


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "explain",
        help="explain a finding's code, a response flag or a metric",
        description="Explain a finding's code (MC0304), a response flag (UF), a metric or an access log operator.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", metavar="CODE|FLAG|METRIC", nargs="+")
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    missing = False
    for word in args.words:
        entries = explain(word)
        if not entries:
            print(f'nothing is known about "{word}"{_suggestion(word)}', file=sys.stderr)
            missing = True
        for entry in entries:
            print(entry.title)
            print(textwrap.fill(entry.paragraph, _WIDTH, initial_indent="  ", subsequent_indent="  "))
    return 1 if missing else 0


def explain(word: str) -> list[Entry]:
    """Everything that is known about a word; a metric may exist in several kinds of scope."""
    return [*_code(word.upper()), *_flag(word), *_metric(word), *_operator(word)]


def reference_page(name: str) -> str:
    """The text of a page of docs/reference, "" where the documentation is not installed."""
    package = Path(__file__).parents[1]
    for directory in (package / "reference", package.parent / "docs" / "reference"):
        if (directory / name).is_file():
            return (directory / name).read_text(encoding="utf-8")
    return ""


def sections(page: str) -> Iterator[tuple[str, str]]:
    """Headings of the second level and below, each with the text under it."""
    parts = _HEADING.split(reference_page(page))
    yield from zip(parts[1::2], parts[2::2], strict=True)


def _code(word: str) -> Iterator[Entry]:
    from mosn.config.catalogue import CATALOGUE, RETIRED

    if word in CATALOGUE:
        code = CATALOGUE[word]
        yield Entry(f"{code.code}: {code.title} ({code.severity})", code.paragraph)
    elif word in RETIRED:
        yield Entry(f"{word}: retired", RETIRED[word])


def _flag(word: str) -> Iterator[Entry]:
    for heading, text in sections("response-flags.md"):
        if word.lower() in heading.lower().split():
            yield Entry(f"{heading} (response flag)", _plain(text))


def _metric(word: str) -> Iterator[Entry]:
    for heading, text in sections("statistics.md"):
        for name, rest in _ROW.findall(text):
            if _names(word.lower(), heading.split(".")[0], name.lower()):
                kind, _, meaning = rest.partition("|")
                yield Entry(f"{heading}.{name} ({kind.strip()})", _plain(meaning))


def _names(word: str, kind: str, name: str) -> bool:
    """Whether a metric's plain, dotted or Prometheus name is meant."""
    family = f"envoy_{kind}_{name}"
    if word in (name, family) or _PROMETHEUS_ENDINGS.sub("", word) == family:
        return True
    if word.startswith(f"{kind}.") and word.endswith(f".{name}"):
        return True
    return word.endswith("_rq_xx") and word == _CLASS.sub("_rq_xx", family)


def _operator(word: str) -> Iterator[Entry]:
    """Access log operators, with or without percent signs and arguments."""
    wanted = re.sub(r"\(.*", "", word.strip("%")).upper()
    for heading, text in sections("access-log.md"):
        for operator, meaning in _ROW.findall(text):
            if wanted and wanted == re.sub(r"\(.*", "", operator.strip("%")):
                yield Entry(f"{operator} ({heading.lower()})", _plain(meaning))


def _plain(text: str) -> str:
    return " ".join(text.replace("`", "").split())


def _suggestion(word: str) -> str:
    from mosn.config.catalogue import CATALOGUE
    from mosn.config.findings import nearest

    flags = [part for heading, _ in sections("response-flags.md") for part in heading.split()]
    metrics = [name for _, text in sections("statistics.md") for name, _ in _ROW.findall(text)]
    found = nearest(word, [*CATALOGUE, *flags, *metrics]) or nearest(word.upper(), [*CATALOGUE, *flags])
    return f' (did you mean "{found}"?)' if found else ""
