"""Any bytes are frames of a declared protocol, the beginning of one, or one protocol error, for every declaration.

The first byte chooses one: those that come with the program, then some that are made at random.
"""

# modules: mosn._fastpath.codec.*
# seeds: tests/corpus/declared/*.bin

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

from driver import fuzz, pieces

from mosn._fastpath.codec.frame_face import FrameEvent, Frames
from mosn.config.declaration import read_declaration
from mosn.config.findings import Findings
from mosn.model import Declaration

DECLARED = Path(__file__).resolve().parents[2] / "mosn" / "protocol" / "declared"
RANDOM = 120


def provided() -> list[Declaration]:
    made = [read_declaration(path.read_text(), Findings(path.name)) for path in sorted(DECLARED.glob("*.yaml"))]
    return [declaration for declaration in made if declaration is not None]


def field(chance: random.Random, names: list[str], n: int) -> str:
    """One more field in YAML's flow form; sizes and counts are fields before it, whatever they are."""
    kind = chance.choice(["u8", "u16", "u32", "varint", "zigzag", "text", "sum", "pairs", "lines", "theader",
                          "protobuf", "jce"])  # fmt: skip
    given = [f"name: f{n}", f"type: {kind}"]
    if chance.random() < 0.3 and names:
        given.append(f"when: {{{chance.choice(names)}: {chance.choice(['present', '{mask: 1, is: 1}', '[0, 1, 2]'])}}}")
    if kind == "sum":
        given.append(f"count: {chance.choice(names)}")
    elif kind not in ("u8", "u16", "u32", "varint", "zigzag"):
        sizes = ["rest", "3", f"{{field: {chance.choice(names)}, times: {chance.randrange(1, 5)}, plus: -2}}"]
        given.append(f"size: {chance.choice(sizes)}")
    if kind in ("protobuf", "jce"):
        inner = [f"{{name: c{n}a, number: 1}}", f"{{name: c{n}b, number: 2, type: text}}",
                 f"{{name: c{n}c, number: 3, type: map}}"]  # fmt: skip
        given.append(f"fields: [{', '.join(inner[: chance.randrange(1, 4)])}]")
    return f"- {{{', '.join(given)}}}"


def at_random(seed: int) -> Declaration | None:
    chance = random.Random(seed)
    order = chance.choice(["big", "little"])
    lines = [f"protocol: random-{seed}", f"byte_order: {order}", "fields:", "- {name: size, type: u16}",
             "- {name: type, type: u8}", "- {name: id, type: u32}"]  # fmt: skip
    names = ["size", "type", "id"]
    for n in range(chance.randrange(1, 6)):
        lines.append(field(chance, names, n))
        names.append(f"f{n}")
    if chance.random() < 0.7:
        lines.append(f"length: {{field: size, plus: {chance.choice([0, 2, 5])}}}")
    lines += ["kinds:", "- {kind: request, when: {type: {mask: 1, is: 0}}}", "- {kind: response, when: {type: [1, 3]}}",
              "reply: [{size: u16, of: [01, id, {copy: type}, {text: u8}]}]"]  # fmt: skip
    return read_declaration("\n".join(lines), Findings("random.yaml"))


CHOICE = [*provided(), *(made for seed in range(RANDOM) if (made := at_random(seed)) is not None)]


def one_input(data: bytes) -> None:
    if not data:
        return
    declaration, data = CHOICE[data[0] % len(CHOICE)], data[1:]
    limits: dict[str, Any] = {"frame_bytes": 200, "headers": 3} if len(data) % 4 == 0 else {"frame_bytes": 65536}
    whole = Frames(declaration, **limits).feed(data)
    frames = Frames(declaration, **limits)
    split = [event for piece in pieces(data) for event in frames.feed(piece)]
    # What is wrong may be seen sooner or later; that it is wrong, and what came before, may not differ.
    if [event for event in split if isinstance(event, FrameEvent)] != [
        event for event in whole if isinstance(event, FrameEvent)
    ]:
        raise AssertionError(f"split {pieces(data)}: {split} instead of {whole}")
    at = 0
    for event in whole:
        if isinstance(event, FrameEvent):
            check_frame(declaration, data[at : at + event.length], event)
            at += event.length


def check_frame(declaration: Declaration, data: bytes, event: FrameEvent) -> None:
    frames = Frames(declaration)
    if event.kind not in ("request", "oneway"):
        frames.rewrite(data, event.id)
        return
    for words in (b"no", b'"\n' * 400):
        try:
            frames.reply(data, 503, words)
        except ValueError:
            pass  # a copied field is too long, or the frame for its size
    try:
        made = frames.rewrite(data, 77, 5, add=[(b"x-added", b"1")])
    except ValueError:
        return
    (again,) = Frames(declaration).feed(made)
    if not isinstance(again, FrameEvent) or (again.id, again.body, again.kind) != (77, event.body, event.kind):
        raise AssertionError(f"{again} of {event}, {made!r} of {data!r}")


if __name__ == "__main__":
    fuzz(one_input)
