"""What DNS discovery is asked to resolve and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol


class DnsTarget(Protocol):
    """One endpoint that is named by a host name.  `mosn.config` makes them."""

    @property
    def cluster(self) -> str: ...
    @property
    def hostname(self) -> str:
        """A name or an IP address, without brackets."""

    @property
    def port(self) -> int: ...
    @property
    def refresh_ms(self) -> int:
        """`dns_refresh_rate`: pause between two good answers."""

    @property
    def family(self) -> str:
        """`dns_lookup_family`: auto, v4_only, v6_only, v4_preferred or all, in any case."""

    @property
    def kind(self) -> str:
        """The cluster's type: strict_dns (every address is a host) or logical_dns (one address at a time)."""


Key = tuple[str, str, int]
"""(cluster, hostname, port)."""

Resolved = Mapping[Key, tuple[str, ...]]
"""Every target that has ever been answered, to its endpoints ("1.2.3.4:80", "[::1]:80") in a stable order."""

OnChange = Callable[[Resolved], None]


def key_of(target: DnsTarget) -> Key:
    return target.cluster, target.hostname, target.port


def endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"
