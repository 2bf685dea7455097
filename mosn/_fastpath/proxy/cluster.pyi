"""Clusters and hosts, compiled for the engine."""

from mosn.model import Cluster, Host

def socket_address(text: str) -> bytes:
    """The struct sockaddr of "1.2.3.4:80", "[::1]:80", "unix:/path" or "unix:@abstract".  Raises ValueError."""

class HostObject:
    cluster: str

    def __init__(self, cluster: str, spec: Host) -> None: ...
    @property
    def address(self) -> str: ...
    @property
    def hostname(self) -> str: ...
    @property
    def weight(self) -> int: ...
    @property
    def priority(self) -> int: ...
    @property
    def health(self) -> str: ...
    @property
    def active_requests(self) -> int: ...

class HostRegistry:
    """Hands out the same HostObject for the same address in the same cluster as long as a snapshot holds it."""

    def hosts(self, spec: Cluster) -> list[HostObject]:
        """HostObjects of a cluster, in its order.  Those that run already are not changed until the engine takes the
        snapshot into use.  Raises ValueError naming an address that is none."""
    def __len__(self) -> int: ...

class ClusterObject:
    name: str
    hosts: list[HostObject]

    def __init__(self, spec: Cluster, hosts: list[HostObject], seed: int | None = None) -> None:
        """Raises ValueError (the caller knows which cluster it is).  `seed` decides where round
        robin starts (default: random)."""
    def in_panic(self) -> bool:
        """A priority that gets requests has too few healthy hosts, so all of its hosts are used."""
