"""Python's face of the balancers: for tests, benchmarks and `mosn route`."""

from collections.abc import Iterable

from mosn._fastpath.proxy.cluster import ClusterObject, HostObject

class Picker:
    cluster: ClusterObject

    def __init__(self, cluster: ClusterObject, seed: int = 1) -> None: ...
    def pick(
        self, hash: int | None = None, tried: list[HostObject] | None = None, attempts: int = 0
    ) -> HostObject | None: ...
    def sequence(self, n: int, hash: int | None = None) -> list[str]:
        """Addresses of the next n picks."""
    def by_hashes(self, hashes: Iterable[int]) -> list[str]: ...
    def loop(self, n: int) -> int:
        """Pick n times with a new hash each, and nothing else."""
    def activate(self) -> None: ...
    def loads(self) -> list[tuple[int, int, bool]]:
        """(healthy load, degraded load, panic) of each priority."""

def set_active(host: HostObject, n: int) -> None:
    """Pretend that this host has n requests in flight."""
