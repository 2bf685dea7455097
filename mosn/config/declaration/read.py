"""The roles of fields: what is the id, the status, the service ...; kinds and statuses."""

from __future__ import annotations

from typing import Literal, get_args

from mosn.config.declaration.entry import WRONG, Entry, integer
from mosn.config.declaration.layout import Layout, read_layout
from mosn.config.declaration.numbers import conditions, field_index
from mosn.config.declaration.templates import TemplateReader
from mosn.config.nodes import Mapping, Node, Scalar, Sequence
from mosn.model import Declaration, DeclaredField, DeclaredKind, DeclaredSource, WireNumber

_Kind = Literal["request", "oneway", "response", "heartbeat", "heartbeat_answer", "goaway", "event"]
_NO_SOURCE: DeclaredSource = {"header": "", "field": -1, "otherwise": ""}
_SMALLEST_ID_BYTES = 4
_ALL = 2**64 - 1


def read_mapping(entry: Entry) -> Declaration:
    """The whole declaration; for use only when nothing was reported."""
    name = entry.word("protocol")
    if not name.isascii() or not name.replace("-", "").replace("_", "").isalnum() or name != name.lower():
        entry.report(WRONG, "needs a name of lower-case letters, digits, - and _", key="protocol")
    little = entry.word("byte_order", ("big", "little"), "big") == "little"
    layout = read_layout(entry, little)
    made = _roles(entry, layout, name)
    _set_length(entry, layout, made)
    made["kinds"] = _kinds(entry, layout)
    made["statuses"], made["other_code"] = _table(entry, "statuses", 500, code_first=False)
    made["errors"], made["other_error"] = _table(entry, "errors", 0, code_first=True)
    templates = TemplateReader(layout.names, _id_number(made), little)
    made["heartbeat"] = templates.read(entry, "heartbeat")
    made["heartbeat_answer"] = templates.read(entry, "heartbeat_answer")
    made["reply"] = templates.read(entry, "reply")
    entry.finish()
    _check(entry, made)
    return made


def _roles(entry: Entry, layout: Layout, name: str) -> Declaration:
    ids = _fields(entry, layout, "id")
    timeout, unit = _timeout(entry, layout)
    return {
        "name": name, "fields": layout.fields, "kinds": [], "ids": ids, "id_mask": _id_mask(entry, layout, ids),
        "length": -1, "length_times": 1, "length_plus": 0, "timeout": timeout, "timeout_unit_ms": unit,
        "status": _role(entry, layout, "status"), "bodies": _fields(entry, layout, "body"), "headers": layout.headers,
        "checksum": _role(entry, layout, "checksum"), "service": _source(entry, layout, "service"),
        "method": _source(entry, layout, "method"), "separator": entry.word("separator")[:1],
        "exposed": _exposed(entry, layout), "statuses": [], "other_code": 500, "errors": [], "other_error": 0,
        "reply": [], "heartbeat": [], "heartbeat_answer": [],
    }  # fmt: skip


def _role(entry: Entry, layout: Layout, key: str) -> int:
    """The field that a key names; without the key, the field of that name, if there is one."""
    node = entry.take(key)
    return layout.names.get(key, -1) if node is None else field_index(entry, node, key, layout.names)


def _fields(entry: Entry, layout: Layout, key: str) -> list[int]:
    """As _role, or a list of them."""
    node = entry.take(key)
    if node is None:
        return [layout.names[key]] if key in layout.names else []
    nodes: list[Node] = node.elements() if isinstance(node, Sequence) else [node]
    return [field_index(entry, item, key, layout.names) for item in nodes]


def _id_mask(entry: Entry, layout: Layout, ids: list[int]) -> int:
    """Bits of ids that are made here; `signed_id` leaves the sign out."""
    width = 8
    for index in ids:
        number = layout.fields[index]["number"]
        if number is None or layout.fields[index]["type"] != "number":
            entry.report("MC0505", "an id is a number", key="id")
        elif number["type"] == "fixed":
            width = min(width, number["width"])
    if width < _SMALLEST_ID_BYTES:
        text = "an id of less than 32 bits comes round too soon: a late answer would reach another request"
        entry.report("MC0505", text, key="id")
    bits = entry.number("id_bits", 8 * width, 31, 8 * width) if width >= _SMALLEST_ID_BYTES else 32
    return int(2**bits - 1)


def _timeout(entry: Entry, layout: Layout) -> tuple[int, int]:
    """A field of milliseconds, or {field, unit_ms}."""
    node = entry.take("timeout")
    if node is None:
        return layout.names.get("timeout", -1), 1
    if not isinstance(node, Mapping):
        return field_index(entry, node, "timeout", layout.names), 1
    inner = Entry(entry.findings, node, entry.where("timeout"))
    made = _role(inner, layout, "field"), inner.number("unit_ms", 1, 1, 86_400_000)
    inner.finish()
    return made


def _source(entry: Entry, layout: Layout, key: str) -> DeclaredSource:
    """A field's name, or a mapping of header, field and default."""
    node = entry.take(key)
    if node is None:
        return {**_NO_SOURCE, "field": layout.names.get(key, -1)}
    if not isinstance(node, Mapping):
        return {**_NO_SOURCE, "field": field_index(entry, node, key, layout.names)}
    inner = Entry(entry.findings, node, entry.where(key))
    field = inner.take("field")
    made: DeclaredSource = {
        "header": inner.word("header").lower(),
        "field": field_index(inner, field, "field", layout.names) if field is not None else -1,
        "otherwise": inner.word("default"),
    }
    inner.finish()
    return made


def _exposed(entry: Entry, layout: Layout) -> list[tuple[str, int]]:
    """`expose:` text fields that rules and logs see under a header's name."""
    inner = entry.child("expose")
    if inner is None:
        return []
    made = []
    for name, node in inner.pairs():
        index = field_index(inner, node, name.text, layout.names)
        if layout.fields and layout.fields[index]["type"] != "bytes":
            inner.report(WRONG, "only text can be shown as a header", node, name.text)
        made.append((name.text.lower(), index))
    return made


def _set_length(entry: Entry, layout: Layout, made: Declaration) -> None:
    """`length:` the field that tells a frame's length, or {field, times, plus}."""
    node = entry.take("length")
    if node is None:
        return
    if not isinstance(node, Mapping):
        made["length"] = field_index(entry, node, "length", layout.names)
        return
    inner = Entry(entry.findings, node, entry.where("length"))
    field = inner.take("field")
    if field is None:
        inner.report("MC0504", "needs the field that tells the length")
    else:
        made["length"] = field_index(inner, field, "field", layout.names)
    made["length_times"], made["length_plus"] = inner.number("times", 1, 1, 2**16), inner.number("plus")
    inner.finish()


def _kinds(entry: Entry, layout: Layout) -> list[DeclaredKind]:
    made: list[DeclaredKind] = []
    for number, node in enumerate(entry.items("kinds")):
        one = Entry(entry.findings, node, entry.where(f"kinds[{number}]"))
        word = one.word("kind", get_args(_Kind), "event")
        code = one.number("code", 0, 100, 599)
        for kind in get_args(_Kind):
            if kind == word:
                made.append({"kind": kind, "code": code, "when": conditions(one, "when", layout.names)})
        one.finish()
    if not {"request", "response"} <= {kind["kind"] for kind in made}:
        entry.report("MC0504", "needs to say what a request and what a response is", key="kinds")
    return made


def _table(entry: Entry, key: str, other: int, *, code_first: bool) -> tuple[list[tuple[int, int]], int]:
    """`statuses:` a response's status to HTTP's code; `errors:` HTTP's code to a reply's status.  `other`: the rest."""
    inner = entry.child(key)
    made = []
    for name, node in inner.pairs() if inner is not None else ():
        assert inner is not None
        value = inner.number_of(node, name.text, 0, -(2**63) if code_first else 100, 2**63 if code_first else 599)
        given = integer(Scalar(name.line, name.column, "", name.text, name.text))
        if name.text == "other":
            other = value & _ALL
        elif given is None:
            inner.report(WRONG, 'expected a number or "other"', name, name.text)
        else:
            made.append((value & _ALL, given) if code_first else (given & _ALL, value))
    return made, other


def _id_number(made: Declaration) -> WireNumber | None:
    return made["fields"][made["ids"][0]]["number"] if made["ids"] else None


# -- what cannot work


def _check(entry: Entry, made: Declaration) -> None:
    if not made["ids"]:
        entry.report("MC0504", "needs an id: answers could not be told apart", key="id")
    if not made["reply"]:
        text = "needs a reply: clients would wait for what the sidecar refuses"
        entry.report("MC0504", text, key="reply")
    kinds = {kind["kind"] for kind in made["kinds"]}
    if "heartbeat" in kinds and not made["heartbeat_answer"]:
        entry.report("MC0504", "has heartbeats, and needs to say how they are answered", key="heartbeat_answer")
    for index, field in enumerate(made["fields"]):
        if made["length"] == -1 and (field["size"] == "rest" or (field["type"] == "tagged" and field["parent"] == -1)):
            text = f"field {index} needs a frame that tells its length first"
            entry.report("MC0505", text, key="length")
    _check_resizing(entry, made)


def _check_changing(entry: Entry, made: Declaration, rewritten: list[DeclaredField]) -> None:
    """What is changed on the way decides nothing, and has room."""
    for item in (*made["fields"], *made["kinds"]):
        looked_at = {condition["field"] for condition in item["when"] if condition["mask"]}
        if looked_at & {*made["ids"], made["timeout"]}:
            text = "a condition cannot look at the id or the timeout: they change on the way"
            entry.report("MC0505", text, key="kinds")
    if any(field["size"] == "fixed" for field in rewritten):
        entry.report("MC0505", "headers and blocks may grow: their size cannot be fixed", key="fields")


def _check_sizes(entry: Entry, made: Declaration, rewritten: list[DeclaredField]) -> None:
    """A size that changes with a block is used for nothing else."""
    uses = [field["size_field"] for field in made["fields"] if field["size_field"] != -1]
    uses += [made["length"], *made["ids"], made["status"], made["timeout"]]
    uses += [condition["field"] for item in (*made["fields"], *made["kinds"]) for condition in item["when"]]
    for index in {field["size_field"] for field in rewritten if field["size"] == "field"} | {made["length"]}:
        if index != -1 and uses.count(index) > 1:
            text = f"field {index} is the size of what may be written anew: it cannot mean something else too"
            entry.report("MC0505", text, key="fields")


def _check_resizing(entry: Entry, made: Declaration) -> None:
    """Sizes around what may be written anew are of fixed width."""
    rewritten = [field for field in made["fields"] if field["type"] in ("headers", "tagged") and field["parent"] == -1]
    sizes = [made["fields"][field["size_field"]]["number"] for field in rewritten if field["size"] == "field"]
    sizes += [field["number"] for field in rewritten if field["size"] == "prefix"]
    if made["length"] != -1:
        sizes.append(made["fields"][made["length"]]["number"])
    if any(number is None or number["type"] != "fixed" for number in sizes):
        entry.report("MC0505", "sizes of frames, headers and blocks are numbers of fixed width", key="fields")
    _check_changing(entry, made, rewritten)
    _check_sizes(entry, made, rewritten)
    for index in (made["headers"], *made["ids"]):
        parent = made["fields"][index]["parent"] if index != -1 else -1
        if parent != -1 and made["fields"][parent]["parent"] != -1:
            entry.report("MC0505", "id and headers stand in a block of the frame, not deeper", key="fields")
