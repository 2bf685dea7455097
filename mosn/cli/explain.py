"""`mosn explain`: the paragraph behind a finding's code, a response flag or a metric.  Works without a network."""

from __future__ import annotations

import argparse
import re
import sys
import textwrap
from collections.abc import Iterator

_EPILOG = """\
A metric is taken in any spelling: cluster.NAME.upstream_rq_5xx, upstream_rq_5xx, envoy_cluster_upstream_rq_xx.
Exit code: 0 explained, 1 not known.

examples:
  mosn explain MC0304
  mosn explain UF
  mosn explain upstream_rq_retry_overflow
"""
_WIDTH = 100
_CLASSES = re.compile(r"_rq_xx$")


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "explain",
        help="explain a finding's code, a response flag or a metric",
        description="Explain a finding's code (MC0304), a response flag of the access log (UF), or a metric.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", metavar="CODE|FLAG|METRIC", nargs="+")


def run(args: argparse.Namespace) -> int:
    missing = False
    for word in args.words:
        paragraphs = explain(word)
        if not paragraphs:
            print(f'nothing is known about "{word}"{_suggestion(word)}', file=sys.stderr)
            missing = True
        for title, paragraph in paragraphs:
            print(title)
            print(textwrap.fill(paragraph, _WIDTH, initial_indent="  ", subsequent_indent="  "))
    return 1 if missing else 0


def explain(word: str) -> list[tuple[str, str]]:
    """Titles and paragraphs about a word; several when a metric exists in several kinds of scope."""
    return [*_code(word.upper()), *_flag(word), *_metric(word)]


def _code(word: str) -> Iterator[tuple[str, str]]:
    from mosn.config.catalogue import CATALOGUE, RETIRED

    if word in CATALOGUE:
        code = CATALOGUE[word]
        yield f"{code.code}: {code.title} ({code.severity})", code.paragraph
    elif word in RETIRED:
        yield f"{word}: retired", RETIRED[word]


def _flag(word: str) -> Iterator[tuple[str, str]]:
    from mosn.cli.explain_flags import FLAGS

    for short, (long, paragraph) in FLAGS.items():
        if word.lower() in (short.lower(), long.lower()):
            yield f"{short}: {long} (response flag)", paragraph


def _metric(word: str) -> Iterator[tuple[str, str]]:
    from mosn.cli.explain_metrics import METRICS, SCOPES

    for kind, names in METRICS.items():
        begin, about = SCOPES[kind]
        for name, text in names.items():
            if _names(word, kind, name):
                yield f"{begin}.{name} (metric)", f"{text[0].upper()}{text[1:]}. Counted for {about}."


def _names(word: str, kind: str, name: str) -> bool:
    """Whether a metric's plain, dotted or Prometheus name is meant."""
    plain = word.lower().removesuffix("_bucket").removesuffix("_sum").removesuffix("_count")
    family = f"envoy_{kind}_{name}"
    if word.lower() in (name, family) or plain == family:
        return True
    if word.lower().startswith(f"{kind}.") and word.lower().endswith(f".{name}"):
        return True
    return bool(_CLASSES.search(word)) and _CLASSES.sub("", word.lower()) == re.sub(r"_rq_[1-5]xx$", "", family)


def _suggestion(word: str) -> str:
    from mosn.cli.explain_flags import FLAGS
    from mosn.cli.explain_metrics import METRICS
    from mosn.config.catalogue import CATALOGUE
    from mosn.config.findings import nearest

    known = [*CATALOGUE, *FLAGS, *(name for names in METRICS.values() for name in names)]
    found = nearest(word, known) or nearest(word.upper(), known)
    return f' (did you mean "{found}"?)' if found else ""
