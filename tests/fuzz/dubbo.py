"""Any bytes are Dubbo frames, the beginning of one, or one protocol error; what is read, the oracle reads as well.

What is written with an attachment more is read back as the same head and that attachment.
"""

# modules: mosn._fastpath.codec.hessian2* mosn._fastpath.codec.jsonb mosn._fastpath.codec.dubbo*
# seeds: tests/corpus/dubbo/made/*.bin tests/corpus/dubbo/bad/*.bin tests/corpus/dubbo/recorded/*/*.bin

from __future__ import annotations

from driver import fuzz

from mosn._fastpath.codec import dubbo_face as dubbo
from tests.oracle import dubbo as oracle

ADDED = (b"x-fuzz-added", b"yes")


def one_input(data: bytes) -> None:
    # Half of the inputs are bodies: the length is put right.
    if len(data) >= 16 and data[0] & 1:
        data = b"\xda\xbb" + data[2:12] + (len(data) - 16).to_bytes(4, "big") + data[16:]
    facts = fast_facts(data)
    if facts != slow_facts(data):
        raise AssertionError(f"{data!r}: {facts} instead of {slow_facts(data)}")
    for n in (1, 2, 15, 16, len(data) - 1):
        cut = 0 < n < len(data) and isinstance(facts, dict) and n < facts["length"]
        if cut and fast_facts(data[:n]) != (0 if n < 16 else facts["length"]):
            raise AssertionError(f"{data!r} cut at {n}")
    if isinstance(facts, dict):
        frame = data[:facts["length"]]
        dubbo.reply(frame, 403, frame[:50])
        dubbo.heartbeat_answer(frame)
        if facts["kind"] in ("request", "oneway") and len(frame) < 3000:
            one_request(frame)


def one_request(frame: bytes) -> None:
    if dubbo.calls_back(frame) != (b"sys_callback_arg-" in frame[17:]):
        raise AssertionError(f"{frame!r}: does it call back?")
    head = fast_head(frame)
    if head != slow_head(frame):
        raise AssertionError(f"{frame!r}: {head} instead of {slow_head(frame)}")
    if isinstance(head, str):
        return
    if dubbo.read(frame, steps=True) != dubbo.read(frame):
        raise AssertionError(f"{frame!r} in two steps")
    identity = int.from_bytes(frame[4:12], "big")
    if dubbo.write(frame, id=identity)[1] != frame:
        raise AssertionError(f"{frame!r} is not written as it was")
    if frame[2] & 31 not in (oracle.HESSIAN2, oracle.FASTJSON2) or any(k == ADDED[0] for k, _ in head.headers):
        return
    timed = dubbo.write(frame, id=identity, timeout_ms=7)[1]
    sooner = [(k, b"7" if k == b"timeout" else v) for k, v in head.headers]
    if list(dubbo.read(timed).headers) != sooner:
        raise AssertionError(f"{frame!r} with another timeout became {timed!r}")
    written = dubbo.write(frame, id=identity, add=[ADDED])[1]
    again = dubbo.read(written, headers=300)
    if (again.authority, again.path, list(again.headers)) != (head.authority, head.path, [*head.headers, ADDED]):
        raise AssertionError(f"{frame!r} was written as {written!r} and read back as {again}")


def fast_facts(data: bytes) -> dict[str, object] | int | str:
    try:
        found = dubbo.parse(data)
    except dubbo.Refused as error:
        return str(error)
    return found if isinstance(found, int) else {k: v for k, v in found._asdict().items() if k != "timeout_ms"}


def slow_facts(data: bytes) -> dict[str, object] | int | str:
    try:
        return oracle.parse(data)
    except oracle.Refused as error:
        return str(error)


def fast_head(frame: bytes) -> oracle.Head | str:
    try:
        found = dubbo.read(frame)
    except dubbo.Refused as error:
        return str(error)
    return oracle.Head(found.authority, found.path, list(found.headers), found.timeout_ms)


def slow_head(frame: bytes) -> oracle.Head | str:
    try:
        return oracle.read(frame)
    except oracle.Refused as error:
        return str(error)


if __name__ == "__main__":
    fuzz(one_input)
