"""Any bytes are BOLT frames, the beginning of one, or one protocol error; what is read can be sent on."""

# modules: mosn._fastpath.codec.*
# seeds: tests/corpus/bolt/*.bin

from __future__ import annotations

from driver import fuzz, pieces

from mosn._fastpath.codec.frame_face import FrameEvent, Frames


def one_input(data: bytes) -> None:
    limits = {"frame_bytes": 256, "headers": 3} if len(data) % 4 == 0 else {"frame_bytes": 65536}
    whole = Frames("bolt", **limits).feed(data)
    frames = Frames("bolt", **limits)
    split = [event for piece in pieces(data) for event in frames.feed(piece)]
    if split != whole:
        raise AssertionError(f"split {pieces(data)}: {split} instead of {whole}")
    at = 0
    for event in whole:
        if isinstance(event, FrameEvent):
            check_frame(data[at : at + event.length], event)
            at += event.length
    check_skimmed(data, whole, limits)


def check_skimmed(data: bytes, whole: list[FrameEvent | tuple[str, str]], limits: dict[str, int]) -> None:
    # The same frames end at the same place, whatever is read of their heads.
    for skip in (1, 3):
        skimmed = Frames("bolt", skip=skip, **limits).feed(data)
        if [target(event, skip) for event in skimmed] != [target(event, skip) for event in whole]:
            raise AssertionError(f"skip {skip}: {skimmed} instead of {whole}")


def target(event: FrameEvent | tuple[str, str], skip: int) -> object:
    if not isinstance(event, FrameEvent):
        return event
    named = () if skip & 2 else (event.authority, event.path)
    return event.kind, event.id, event.length, event.code, event.body, named


def check_frame(data: bytes, event: FrameEvent) -> None:
    frames = Frames("bolt")
    same = frames.rewrite(data, event.id)
    if same != data:
        raise AssertionError(f"{data!r} was sent on as {same!r}")
    if event.kind not in ("request", "oneway"):
        return
    try:
        made = frames.rewrite(data, 77, 5, add=[(b"x-added", b"1")])
    except ValueError:
        return
    (again,) = Frames("bolt").feed(made)
    if not isinstance(again, FrameEvent) or again.headers != (*event.headers, (b"x-added", b"1")):
        raise AssertionError(f"{again} of {event}")
    if (again.id, again.timeout_ms, again.body) != (77, 5, event.body):
        raise AssertionError(f"{again} of {event}")
    frames.reply(data, 503, b"no")


if __name__ == "__main__":
    fuzz(one_input)
