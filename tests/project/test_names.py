"""Names that say nothing, and imports that would do something."""

from __future__ import annotations

import ast
import re

from tests.project.source import ROOT, code

EMPTY_WORDS = re.compile(r"^_?(?:utils?|commons?|helpers?|misc|stuff|tools?_?utils?|base_?utils?)$")


def test_no_module_is_named_for_nothing() -> None:
    paths = code("mosn", "bench", "tools", "tests")
    named = {part for path in paths for part in path.relative_to(ROOT).with_suffix("").parts if EMPTY_WORDS.match(part)}
    assert not named


def test_no_module_works_when_it_is_imported() -> None:
    """At a module's top level stand definitions and constants (a loop may fill a table); no `with`, no bare calls."""
    # A module may set up a class that is its own.
    allowed = ("logging.", "sys.exit", "main(", "raise SystemExit", "_Dumper.add", "_Loader.add")
    doing = []
    for path in code("mosn", suffixes=(".py",)):
        for node in ast.parse(path.read_text()).body:
            call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
            if (call and not ast.unparse(node).startswith(allowed)) or isinstance(node, ast.While | ast.With):
                doing.append(f"{path.relative_to(ROOT)}:{node.lineno} {ast.unparse(node).splitlines()[0]}")
    assert not doing, "\n".join(doing)
