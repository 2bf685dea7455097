"""Envoy accepts what we accept and rejects what we reject, over the corpus and over random changes to it."""

from __future__ import annotations

import copy
import random
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bench.peers.install.envoy import find_program
from mosn import config
from mosn.config.emit import to_yaml_text
from tests.config.corpus import CORPUS, configurations, names
from tests.config.test_properties import places, tree_of

pytestmark = pytest.mark.peer

ENVOY = [path for path in [*configurations("good"), *configurations("bad")]
         if not path.name.startswith("mc04") and "mosn.protocol" not in path.read_text(errors="replace")]
CONVERTED = [path for path in configurations("mosn")
             if path.suffix == ".yaml" and "mosn.protocol" not in path.read_text()]
# Codes of what Envoy has and we do not (yet): it accepts, we refuse.
LACKING = {"MC0202", "MC0204"}
# Where we are stricter on purpose (docs/reference/findings.md says why).
STRICTER = {"MC0004", "MC0301", "MC0307", "MC0309"}
STRICTER_WORDS = ("a list cannot hold null", "is not a header name", "nested deeper", "found a list")
# Envoy takes bytes that are no text, a comma too many, what stands behind the first document, and endless aliases.
STRICTER_FILES = {
    "mc0001-not-utf8.yaml", "mc0002-syntax.json", "mc0002-two-documents.yaml", "mc0003-aliases.yaml",
}  # fmt: skip


@pytest.fixture(scope="module")
def program() -> Path:
    found = find_program()
    if found is None:
        pytest.skip("the Envoy binary is not installed: python -m bench.peers.install envoy")
    return found


def envoy_accepts(program: Path, path: Path) -> tuple[bool, str]:
    command = [str(program), "--mode", "validate", "--disable-hot-restart", "--concurrency", "1", "-l", "error"]
    done = subprocess.run([*command, "-c", str(path)], capture_output=True, text=True, timeout=60, check=False)
    return done.returncode == 0, done.stdout + done.stderr


def disagreement(program: Path, path: Path) -> str:
    """Empty when both say the same, or when the difference is one of those named above."""
    accepted, said = envoy_accepts(program, path)
    errors = config.load_file(path).errors
    if accepted and errors and path.name not in STRICTER_FILES:
        known = {error.code for error in errors} & (LACKING | STRICTER)
        known |= {word for word in STRICTER_WORDS for error in errors if word in error.text}
        return "" if known else "Envoy accepts it; we say\n" + "\n".join(map(str, errors))
    if not accepted and not errors:
        crashed = "Caught " in said or "panic" in said
        return "" if crashed else f"we accept it; Envoy says\n{said}"
    return ""


@pytest.mark.parametrize("path", ENVOY, ids=names(ENVOY))
def test_both_say_the_same_about_the_corpus(program: Path, path: Path) -> None:
    assert disagreement(program, path) == ""


@pytest.mark.parametrize("path", CONVERTED, ids=names(CONVERTED))
def test_envoy_accepts_what_was_converted_from_mosn(program: Path, path: Path) -> None:
    accepted, said = envoy_accepts(program, path)
    assert accepted, said


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_both_say_the_same_about_changed_files(program: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    trees = [tree_of(path) for path in configurations("good") if path in ENVOY]
    values = Values(trees)
    path = tmp_path / "changed.yaml"
    for _ in range(75):
        tree = changed(chance.choice(trees), values, chance)
        path.write_text(to_yaml_text(tree))
        assert disagreement(program, path) == "", path.read_text()


class Values:
    """Values of the corpus by key, and a few that are rarely right."""

    ODD: tuple[Any, ...] = (
        "", "a", "*", "0s", "-1s", 0, 1, -1, 100_000, 4_294_967_296, True, None, [], {}, ["a"], "%REQ(", "(",
        "10.0.0.1", "300.1.1.1", "::1", "x\ny", ":path", "host", "HIGH", "/", "5xx",
    )  # fmt: skip

    def __init__(self, trees: list[Any]) -> None:
        self.by_key: dict[str, list[Any]] = {}
        for tree in trees:
            for container, key in places(tree):
                if isinstance(key, str):
                    self.by_key.setdefault(key, []).append(container[key])

    def of(self, key: Any, chance: random.Random) -> Any:
        known = self.by_key.get(key, []) if isinstance(key, str) else []
        return copy.deepcopy(chance.choice(known if known and chance.random() < 0.6 else list(self.ODD)))


def changed(tree: Any, values: Values, chance: random.Random) -> Any:
    """A copy with one part removed, replaced, repeated or added."""
    tree = yaml.load(yaml.dump(tree, Dumper=yaml.CSafeDumper), Loader=yaml.CSafeLoader)
    container, key = chance.choice(places(tree))
    choice = chance.randrange(4)
    if choice == 0:
        del container[key]
    elif choice == 1 and isinstance(container, list):
        container.insert(key, copy.deepcopy(container[key]))
    elif choice == 2 and isinstance(container, dict):
        name = chance.choice(sorted(values.by_key))
        container[name] = values.of(name, chance)
    else:
        container[key] = values.of(key, chance)
    return tree


def test_the_corpus_is_there() -> None:
    assert ENVOY and CONVERTED, CORPUS
