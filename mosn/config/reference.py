"""Pages of docs/reference that are written from tables.

    python -m mosn.config.reference DIRECTORY     rewrite findings.md and the end of configuration.md

A test compares the pages with what this makes.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from mosn.config.catalogue import CATALOGUE, RETIRED
from mosn.config.supported import EXTENSIONS, FIELDS, NO_EFFECT, REFUSED

MARK = "<!-- from here on written by python -m mosn.config.reference -->"

_FINDINGS_HEAD = """\
# Findings

Every remark about a configuration has a code. A code keeps its meaning for ever; one that is retired is never given out
again. `mosn explain CODE` prints its paragraph, and each has a file in `tests/corpus/config/bad` that shows it.

    FILE:LINE:COLUMN CODE path: text (did you mean "name"?)

| severity | what it does |
|---|---|
| error | the configuration is refused: `mosn check` exits 2, `start` and `reload` do not happen |
| warning | it runs, but something in it has not the effect that it has in Envoy or MOSN; `--strict` refuses it |
| note | for information; never changes an exit code, and `mosn check --quiet` leaves it out |

What Envoy refuses is refused. On purpose this is also refused, although Envoy takes it: a key that is given twice
(MC0004), two listeners or resource monitors with one name (MC0301), an HTTP manager without a router or a filter chain
without a filter (MC0307), two listeners on one address (MC0309), null in a list, lists directly inside lists, header
names that are no tokens, several documents in one file, a comma before a closing bracket in JSON.
"""


def findings_page() -> str:
    lines = [_FINDINGS_HEAD]
    for code in CATALOGUE.values():
        lines += [f"## {code.code}: {code.title}", "", f"{code.severity.capitalize()}. {code.paragraph}", ""]
    if RETIRED:
        lines += ["## Retired", "", *(f"* {code}: {text}" for code, text in RETIRED.items()), ""]
    return "\n".join(lines)


def configuration_tables() -> str:
    """Extensions, then messages: what is implemented, what has no effect, what is refused."""
    return "\n".join([MARK, "", *_extensions(), *_messages(), ""])


def _extensions() -> Iterator[str]:
    yield from ("## Extensions", "", "| where | types |", "|---|---|")
    for holder in sorted(EXTENSIONS):
        types = "<br>".join(f"`{name}`" for name in sorted(EXTENSIONS[holder]))
        yield f"| `{_short(holder)}` | {types} |"
    yield ""


def _messages() -> Iterator[str]:
    yield from ("## Fields", "", "Fields of these messages that are not named are reported as MC0201.", "")
    notes = _by_message(NO_EFFECT)
    refused = _by_message(REFUSED)
    for message in sorted({*FIELDS, *notes, *refused}):
        fields = sorted(FIELDS.get(message, ()))
        if not fields and message not in notes and message not in refused:
            continue  # an empty message that says something by being there
        yield from (f"### {message}", "", " ".join(f"`{field}`" for field in fields) or "No other field.", "")
        for field, reason in notes.get(message, []):
            yield f"* `{field}` has no effect (MC0205): {reason}"
        for field, reason in refused.get(message, []):
            yield f"* `{field}` is refused (MC0204): {reason}"
        if message in notes or message in refused:
            yield ""


def _by_message(table: dict[str, str]) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for path, reason in sorted(table.items()):
        message, field = path.rsplit(".", 1)
        found.setdefault(message, []).append((field, reason))
    return found


def _short(holder: str) -> str:
    """`Filter.typed_config` of `envoy.config.listener.v3.Filter.typed_config`."""
    parts = holder.split(".")
    first = next(index for index, part in enumerate(parts) if part[0].isupper())
    return ".".join(parts[first:])


def configuration_page(present: str) -> str:
    """The page with everything below the mark made anew."""
    return present.partition(MARK)[0] + configuration_tables()


def main(directory: str) -> None:
    (Path(directory) / "findings.md").write_text(findings_page())
    page = Path(directory) / "configuration.md"
    page.write_text(configuration_page(page.read_text()))


if __name__ == "__main__":
    main(sys.argv[1])
