"""Names of all statistics, in the order in which they stand in shared memory, and where each block stands.

Names are Envoy's.  Times in histograms are recorded in microseconds although Envoy's names end in `_ms` or `_time`.
"""

from collections.abc import Mapping

from mosn.model import StatsScope

SERVER_COUNTERS: tuple[str, ...]
SERVER_GAUGES: tuple[str, ...]
LISTENER_COUNTERS: tuple[str, ...]
LISTENER_GAUGES: tuple[str, ...]
LISTENER_HISTOGRAMS: tuple[str, ...]
HTTP_COUNTERS: tuple[str, ...]
HTTP_GAUGES: tuple[str, ...]
HTTP_HISTOGRAMS: tuple[str, ...]
TCP_COUNTERS: tuple[str, ...]
TCP_GAUGES: tuple[str, ...]
CLUSTER_COUNTERS: tuple[str, ...]
CLUSTER_GAUGES: tuple[str, ...]
CLUSTER_HISTOGRAMS: tuple[str, ...]
HOST_COUNTERS: tuple[str, ...]
HOST_GAUGES: tuple[str, ...]

NAMES: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]]
"""Kind of scope -> names of its counters, gauges and histograms."""
ENUM_SIZES: dict[str, tuple[int, int, int]]
"""The lengths of the enums that the compiled code uses, for the test that ties them to NAMES."""
CAPACITY: dict[str, int]

class StatsFull(ValueError):
    """No room is left in shared memory for another block of statistics."""

class StatRegistry:
    """Gives every scope its blocks in shared memory, once per run.

    A scope keeps its blocks over reloads; the blocks of a scope that is gone are never given to another one (its
    counters may still be read, and an old worker may still write to them), so they come free with the next start.
    Index 0 of each array is never given out: it means "no statistics".  Blocks start at `counters`, `gauges` and
    `histograms` of the returned scope; 0 where the kind has none.
    """

    def __init__(
        self, previous: Mapping[str, StatsScope] | None = None, capacity: Mapping[str, int] | None = None
    ) -> None:
        """`previous`: Snapshot.stats_scopes of the last snapshot of this run."""
    def scope(self, kind: str, name: str = "") -> StatsScope:
        """The blocks of scope "KIND.NAME" ("server" has no name; a host's name is "CLUSTER.ADDRESS").

        Raises StatsFull when there is no room, and ValueError for a kind that is not in NAMES.
        """
    def limit_row(self, name: str) -> int:
        """The row of a limit in the shared limit table; its scope is "limit.NAME".  Raises StatsFull."""
    def as_dict(self) -> dict[str, StatsScope]:
        """All scopes there ever were, for Snapshot.stats_scopes."""
