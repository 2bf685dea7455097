"""Any bytes are frames, the beginning of one, or one error; split or written down in between, nothing is different."""

# modules: mosn._fastpath.codec.hpack_* mosn._fastpath.codec.h2* mosn._fastpath.codec.http1_line
# seeds: tests/corpus/h2/*.bin

from __future__ import annotations

from typing import Any

from driver import fuzz, pieces

from mosn._fastpath.codec.h2_face import Connection

OPTIONS = {"list_bytes": 2000, "fields": 20, "max_streams": 8, "max_control": 50, "max_premature": 20}


def joined(found: list[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
    out: list[tuple[Any, ...]] = []
    for event in found:
        if event[0] == "data" and out and out[-1][:2] == event[:2] and not out[-1][3]:
            out[-1] = ("data", event[1], out[-1][2] + event[2], event[3])
        else:
            out.append(event)
    return [event for event in out if event[0] != "data" or event[2] or event[3]]


def fed(parts: list[bytes], *, client: bool, save: bool) -> tuple[list[tuple[Any, ...]], bytes]:
    connection, found, output, rest = Connection(client, **OPTIONS), [], b"", b""
    for part in parts:
        more, used = connection.feed(rest + part)
        rest = (rest + part)[used:]
        found += more
        if found and found[-1][0] == "error":
            break
        if save:
            output += connection.take()
            connection = connection.restored(connection.save())
    if connection.memory() > 1 << 20:
        raise AssertionError(f"{connection.memory()} bytes are held")
    return joined(found), output + connection.take()


def one_input(data: bytes) -> None:
    if not data:
        return
    client = bool(data[0] & 1)
    whole = fed([data[1:]], client=client, save=False)
    if fed(pieces(data[1:]), client=client, save=False) != whole:
        raise AssertionError("another split, another meaning")
    if fed(pieces(data[1:]), client=client, save=True)[0] != whole[0]:
        raise AssertionError("written down and read back, another meaning")


if __name__ == "__main__":
    fuzz(one_input)
