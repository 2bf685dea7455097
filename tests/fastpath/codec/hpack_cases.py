"""RFC 7541 appendix C: blocks, the fields that they are, and the table after each."""

from __future__ import annotations

from typing import NamedTuple

Pairs = list[tuple[bytes, bytes]]


class Block(NamedTuple):
    data: bytes
    fields: Pairs
    table: Pairs


def request(path: bytes, scheme: bytes, *more: tuple[bytes, bytes]) -> Pairs:
    return [(b":method", b"GET"), (b":scheme", scheme), (b":path", path), (b":authority", b"www.example.com"), *more]


NO_CACHE = (b"cache-control", b"no-cache")
CUSTOM = (b"custom-key", b"custom-value")
AUTHORITY = (b":authority", b"www.example.com")
REQUESTS = [
    (request(b"/", b"http"), [AUTHORITY]),
    (request(b"/", b"http", NO_CACHE), [NO_CACHE, AUTHORITY]),
    (request(b"/index.html", b"https", CUSTOM), [CUSTOM, NO_CACHE, AUTHORITY]),
]
PRIVATE = (b"cache-control", b"private")
DATE = (b"date", b"Mon, 21 Oct 2013 20:13:21 GMT")
LATER = (b"date", b"Mon, 21 Oct 2013 20:13:22 GMT")
LOCATION = (b"location", b"https://www.example.com")
GZIP = (b"content-encoding", b"gzip")
COOKIE = (b"set-cookie", b"foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1")
FOUND, MOVED, OK = ((b":status", s) for s in (b"302", b"307", b"200"))
RESPONSES = [
    ([FOUND, PRIVATE, DATE, LOCATION], [LOCATION, DATE, PRIVATE, FOUND]),
    ([MOVED, PRIVATE, DATE, LOCATION], [MOVED, LOCATION, DATE, PRIVATE]),
    ([OK, PRIVATE, LATER, LOCATION, GZIP, COOKIE], [COOKIE, GZIP, LATER]),
]
TABLE_256 = "3fe101"        # appendices C.5 and C.6 have a table of 256 bytes: say so first


def sequence(blocks: list[str], expected: list[tuple[Pairs, Pairs]], before: str = "") -> list[Block]:
    said = [before + blocks[0], *blocks[1:]]
    return [Block(bytes.fromhex(b), *e) for b, e in zip(said, expected, strict=True)]


SEQUENCES = {
    "C.2.1": sequence(["400a637573746f6d2d6b65790d637573746f6d2d686561646572"],
                      [([(b"custom-key", b"custom-header")], [(b"custom-key", b"custom-header")])]),
    "C.2.2": sequence(["040c2f73616d706c652f70617468"], [([(b":path", b"/sample/path")], [])]),
    "C.2.3": sequence(["100870617373776f726406736563726574"], [([(b"password", b"secret")], [])]),
    "C.2.4": sequence(["82"], [([(b":method", b"GET")], [])]),
    "C.3": sequence(["828684410f7777772e6578616d706c652e636f6d", "828684be58086e6f2d6361636865",
                     "828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565"], REQUESTS),
    "C.4": sequence(["828684418cf1e3c2e5f23a6ba0ab90f4ff", "828684be5886a8eb10649cbf",
                     "828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf"], REQUESTS),
    "C.5": sequence([
        "4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d54"
        "6e1768747470733a2f2f7777772e6578616d706c652e636f6d",
        "4803333037c1c0bf",
        "88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a697077"
        "38666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273"
        "696f6e3d31"], RESPONSES, TABLE_256),
    "C.6": sequence([
        "488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae"
        "43d3",
        "4883640effc1c0bf",
        "88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af"
        "27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007"], RESPONSES, TABLE_256),
}
