"""DNS discovery: real localhost, and a name service whose answers the test decides."""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from dataclasses import dataclass

import pytest

from mosn.upstream import Resolved, Resolver
from mosn.upstream.dns import MAX_BACK_OFF, pause_seconds
from mosn.upstream.lookup import Lookups

DEADLINE = 10.0


@dataclass(frozen=True)
class Target:
    hostname: str
    cluster: str = "a"
    port: int = 80
    refresh_ms: int = 10
    family: str = "auto"
    kind: str = "strict_dns"


class Names:
    """A name service: (hostname, family) to addresses or to the error to raise."""

    def __init__(self, **v4: list[str]) -> None:
        self.answers: dict[tuple[str, int], list[str] | Exception] = {
            (name, socket.AF_INET): addresses for name, addresses in v4.items()
        }
        self.asked: Counter[str] = Counter()
        self.gate = asyncio.Event()
        self.gate.set()
        self.at_once = 0
        self.most_at_once = 0

    async def __call__(self, hostname: str, family: int) -> list[str]:
        self.asked[hostname] += 1
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await self.gate.wait()
            answer = self.answers.get((hostname, family), socket.gaierror(socket.EAI_NONAME, "unknown"))
            if isinstance(answer, Exception):
                raise answer
            return answer
        finally:
            self.at_once -= 1


class Changes:
    """Keeps what on_change was told."""

    def __init__(self) -> None:
        self.told: list[Resolved] = []
        self._more = asyncio.Event()

    def __call__(self, resolved: Resolved) -> None:
        self.told.append(resolved)
        self._more.set()

    async def next(self) -> Resolved:
        async with asyncio.timeout(DEADLINE):
            await self._more.wait()
        self._more.clear()
        return self.told[-1]


async def until(condition) -> None:
    async with asyncio.timeout(DEADLINE):
        while not condition():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


def run(test) -> None:
    asyncio.run(test())


def test_localhost_is_resolved_by_the_system() -> None:
    async def test() -> None:
        changes = Changes()
        resolver = Resolver(changes)
        resolver.update([Target("localhost", family="V4_ONLY", port=8080)])
        assert await resolver.first_answers(DEADLINE)
        assert (await changes.next())["a", "localhost", 8080] == ("127.0.0.1:8080",)
        await resolver.close()

    run(test)


def test_on_change_is_called_only_when_the_set_changed() -> None:
    async def test() -> None:
        names, changes = Names(web=["10.0.0.2", "10.0.0.1"]), Changes()
        resolver = Resolver(changes, lookup=names)
        resolver.update([Target("web", family="v4_only")])
        assert (await changes.next())["a", "web", 80] == ("10.0.0.1:80", "10.0.0.2:80")
        names.answers["web", socket.AF_INET] = ["10.0.0.1", "10.0.0.2"]  # rotated, not changed
        asked = names.asked["web"]
        await until(lambda: names.asked["web"] > asked + 3)
        assert len(changes.told) == 1
        names.answers["web", socket.AF_INET] = ["10.0.0.3"]
        assert (await changes.next())["a", "web", 80] == ("10.0.0.3:80",)
        counters = resolver.counters()
        assert counters["cluster.a.update_success"] == counters["cluster.a.update_attempt"]
        assert counters["cluster.a.update_no_rebuild"] >= 3
        await resolver.close()

    run(test)


def test_failure_keeps_the_last_good_addresses(caplog: pytest.LogCaptureFixture) -> None:
    async def test() -> None:
        names, changes = Names(web=["10.0.0.1"]), Changes()
        resolver = Resolver(changes, lookup=names)
        resolver.update([Target("web", family="v4_only")])
        await changes.next()
        names.answers["web", socket.AF_INET] = socket.gaierror(socket.EAI_AGAIN, "server is down")
        await until(lambda: resolver.counters()["cluster.a.update_failure"] >= 3)
        assert resolver.resolved["a", "web", 80] == ("10.0.0.1:80",)
        assert len(changes.told) == 1
        names.answers["web", socket.AF_INET] = ["10.0.0.9"]
        assert (await changes.next())["a", "web", 80] == ("10.0.0.9:80",)
        await resolver.close()

    run(test)
    warnings = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert len(warnings) == 1, "said once, not at every try"
    assert "cluster a: cannot resolve web" in warnings[0] and "keeping 10.0.0.1:80" in warnings[0]


@pytest.mark.parametrize("hostname", ["a..b", "x" * 70 + ".example"])
def test_a_name_that_cannot_be_one_is_a_failure_like_others(hostname: str) -> None:
    async def test() -> None:
        resolver = Resolver(Changes())
        resolver.update([Target(hostname)])
        assert await resolver.first_answers(DEADLINE)
        assert resolver.counters()["cluster.a.update_failure"] == 1
        await resolver.close()

    run(test)


def test_start_is_not_held_up_by_a_name_server_that_is_silent() -> None:
    async def test() -> None:
        names, changes = Names(web=["10.0.0.1"]), Changes()
        names.gate.clear()
        resolver = Resolver(changes, lookup=names)
        resolver.update([Target("web", family="v4_only")])
        assert not await resolver.first_answers(0.05)
        names.gate.set()
        assert (await changes.next())["a", "web", 80] == ("10.0.0.1:80",)
        await resolver.close()

    run(test)


FAMILY_CASES = [
    ("auto", ["::1"]),
    ("v4_only", ["10.0.0.1"]),
    ("v6_only", ["::1"]),
    ("v4_preferred", ["10.0.0.1"]),
    ("all", ["10.0.0.1", "::1"]),
]


@pytest.mark.parametrize(("family", "expected"), FAMILY_CASES)
def test_lookup_family(family: str, expected: list[str]) -> None:
    async def test() -> None:
        names = Names(both=["10.0.0.1"])
        names.answers["both", socket.AF_INET6] = ["::1"]
        assert await Lookups(names).addresses("both", family, DEADLINE) == expected

    run(test)


def test_auto_falls_back_to_v4_and_v4_preferred_to_v6() -> None:
    async def test() -> None:
        names = Names(four=["10.0.0.1"])
        names.answers["six", socket.AF_INET6] = ["::1"]
        assert await Lookups(names).addresses("four", "auto", DEADLINE) == ["10.0.0.1"]
        assert await Lookups(names).addresses("six", "v4_preferred", DEADLINE) == ["::1"]
        with pytest.raises(socket.gaierror):
            await Lookups(names).addresses("four", "v6_only", DEADLINE)

    run(test)


def test_an_address_is_not_asked_for() -> None:
    async def test() -> None:
        names = Names()
        assert await Lookups(names).addresses("10.1.2.3", "auto", DEADLINE) == ["10.1.2.3"]
        assert await Lookups(names).addresses("::0001", "auto", DEADLINE) == ["::1"]
        with pytest.raises(socket.gaierror, match="dns_lookup_family"):
            await Lookups(names).addresses("10.1.2.3", "v6_only", DEADLINE)
        assert not names.asked

    run(test)


def test_logical_dns_stays_with_its_address_while_the_name_has_it() -> None:
    async def test() -> None:
        names, changes = Names(web=["10.0.0.1", "10.0.0.2"]), Changes()
        resolver = Resolver(changes, lookup=names)
        resolver.update([Target("web", family="v4_only", kind="logical_dns")])
        assert (await changes.next())["a", "web", 80] == ("10.0.0.1:80",)
        names.answers["web", socket.AF_INET] = ["10.0.0.2", "10.0.0.1"]
        asked = names.asked["web"]
        await until(lambda: names.asked["web"] > asked + 2)
        assert len(changes.told) == 1
        names.answers["web", socket.AF_INET] = ["10.0.0.2", "10.0.0.3"]
        assert (await changes.next())["a", "web", 80] == ("10.0.0.2:80",)
        await resolver.close()

    run(test)


def test_lookups_are_bounded_and_shared() -> None:
    async def test() -> None:
        names = Names(**{f"host{i}": ["10.0.0.1"] for i in range(50)})
        names.gate.clear()
        changes = Changes()
        resolver = Resolver(changes, lookup=names, concurrency=3)
        targets = [Target(f"host{i}", cluster=c, family="v4_only", refresh_ms=60_000) for i in range(50) for c in "ab"]
        resolver.update(targets)
        await until(lambda: names.at_once == 3)
        names.gate.set()
        assert await resolver.first_answers(DEADLINE)
        assert names.most_at_once == 3
        assert set(names.asked.values()) == {1}, "two clusters with one name ask once"
        assert len(await changes.next()) == 100
        assert len(changes.told) == 1, "answers that arrive together are told together"
        await resolver.close()

    run(test)


def test_update_forgets_what_is_gone_and_leaves_the_rest_alone() -> None:
    async def test() -> None:
        names, changes = Names(one=["10.0.0.1"], two=["10.0.0.2"]), Changes()
        resolver = Resolver(changes, lookup=names)
        one, two = Target("one", family="v4_only", refresh_ms=60_000), Target("two", family="v4_only")
        resolver.update([one, two])
        await until(lambda: len(resolver.resolved) == 2)
        resolver.update([one])
        await asyncio.sleep(0)  # let the refresh of `two` end
        asked = names.asked.copy()
        await asyncio.sleep(0.05)
        assert names.asked == asked
        assert list(resolver.resolved) == [("a", "one", 80)]
        await resolver.close()

    run(test)


def test_pauses_grow_after_failures_up_to_a_bound() -> None:
    assert pause_seconds(5000, 0) == 5.0
    for failures in range(1, 40):
        top = min(5.0 * 2 ** (failures - 1), 5.0 * MAX_BACK_OFF)
        assert top / 2 <= pause_seconds(5000, failures) <= top
