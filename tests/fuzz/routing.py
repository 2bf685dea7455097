"""Any request against any of the corpus' route tables: a route or none, never a crash, and always the same answer.

The bytes are the lines of a request: method, path, authority, scheme, then headers as "name: value".
"""

# modules: mosn._fastpath.hashing mosn._fastpath.shm.* mosn._fastpath.proxy.balance* mosn._fastpath.proxy.maglev
# modules: mosn._fastpath.proxy.ring_hash mosn._fastpath.proxy.cluster mosn._fastpath.proxy.regex
# modules: mosn._fastpath.proxy.info mosn._fastpath.proxy.match mosn._fastpath.proxy.rewrite*
# modules: mosn._fastpath.proxy.header_ops mosn._fastpath.proxy.format* mosn._fastpath.proxy.log
# modules: mosn._fastpath.proxy.route* mosn._fastpath.proxy.tls_* mosn._fastpath.engine.* mosn._fastpath.codec.*
# seeds: tests/corpus/routing/requests/*

from __future__ import annotations

import json
import zlib
from pathlib import Path

import yaml
from driver import fuzz

from mosn._fastpath.proxy.format import FormatObject
from mosn._fastpath.proxy.format_parse import DEFAULT_LOG_FORMAT, operator_names
from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.proxy.route_face import explain_compiled, find, formatted, normalize, retries
from tests.fastpath.routing.tables import cluster_object, compiled, routes_spec, table_spec

CORPUS = Path(__file__).resolve().parents[1] / "corpus" / "routing"
HASHING = {"cluster": "a", "hash_policy": [
    {"header": {"header_name": "x", "regex_rewrite": {"pattern": {"regex": "(.)(.*)"}, "substitution": "\\2\\1"}}},
    {"cookie": {"name": "c", "ttl": "5s"}}, {"query_parameter": {"name": "q"}},
]}  # fmt: skip
SPECS = [routes_spec({"match": {"prefix": "/"}, "route": HASHING})] + [
    table_spec(group["config"]) if "config" in group else routes_spec(*group["routes"])
    for path in sorted(CORPUS.glob("*.yaml")) for group in yaml.safe_load(path.read_text())
]  # fmt: skip
CLUSTERS = {name: cluster_object(name) for name in ("a", "b", "shadow")}
TABLES = [compiled(spec, *CLUSTERS) for spec in SPECS]
NEEDS_PARAMETER = {"COMMON_DURATION": "DS_RX_BEG:DS_TX_END:us", "COALESCE": '{"operators": ["PROTOCOL"]}'}


def operator(name: str) -> str:
    try:
        FormatObject(f"%{name}%")
    except ValueError:
        return f"%{name}({NEEDS_PARAMETER.get(name, 'x')})%"
    return f"%{name}%"


OPERATORS = [operator(name) for name in operator_names()] + ["%REQ(x?cookie):7%", "%PATH(NQ)%",
"%QUERY_PARAMS(DECODED)%"]
FORMATS = [FormatObject(DEFAULT_LOG_FORMAT), FormatObject(" ".join(OPERATORS))]
JSON = FormatObject.json({text: text for text in OPERATORS} | {"all": "".join(OPERATORS)})


def request(data: bytes) -> Exchange:
    method, path, authority, scheme, *lines = (data.split(b"\n") + [b""] * 4)[: max(4, data.count(b"\n") + 1)]
    headers = [line.partition(b": ")[::2] for line in lines]
    made = Exchange(method, path, authority, scheme, headers, random=zlib.crc32(data), direct_remote=("1.2.3.4", 5))
    made.respond(200 + len(data) % 400, headers, headers[:3])
    return made


def one_input(data: bytes) -> None:
    number = zlib.crc32(data) % len(TABLES)
    made = request(data)
    found = find(TABLES[number], made)
    result = explain_compiled(TABLES[number], SPECS[number], CLUSTERS, made)
    if not result["tls_redirect"] and found[1] != result["index"]:
        raise AssertionError(f"found {found}, explained {result}")
    for program in FORMATS:
        formatted(program, made)
    json.loads(formatted(JSON, made)[1])
    retries(None, made, zlib.crc32(data))
    check_path(data)


def check_path(data: bytes) -> None:
    for escaped in range(4):
        verdict, once = normalize(data, merge_slashes=True, escaped=escaped)
        if verdict != "bad" and normalize(once, merge_slashes=True) != ("ok", once):
            raise AssertionError(f"{data!r} -> {once!r} -> {normalize(once, merge_slashes=True)}")


if __name__ == "__main__":
    fuzz(one_input)
