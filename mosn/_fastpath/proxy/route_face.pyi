"""Python's face of routing, header operations, formats and access logs: for `mosn route`, tests and benchmarks.

It asks the compiled code that serves requests; there is no second implementation.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from mosn._fastpath.proxy.cluster import ClusterObject
from mosn._fastpath.proxy.format import FormatObject
from mosn._fastpath.proxy.log import AccessLogsObject
from mosn._fastpath.proxy.route import RouteTableObject
from mosn._fastpath.proxy.route_exchange import Exchange
from mosn._fastpath.shm.segment import Segment
from mosn.model import Cluster, HeaderMatcher, HeaderOp, RetryPolicy, RouteTable

def explain(
    spec: RouteTable,
    clusters: Mapping[str, Cluster | ClusterObject],
    method: str,
    url: str,
    headers: Iterable[tuple[str, str]] = (),
    protocol: str = "HTTP/1.1",
    random: int = 0,
    internal: bool = False,
) -> dict[str, Any]:
    """What the table does with a request.  Raises ValueError for a table that cannot be compiled.

    Always: virtual_host (name or None), route (name or None), index (of the route, or None), kind ("none", "cluster",
    "redirect", "direct_response"), rejected ([{route, name, why}]: the routes before it), tls_redirect (Location or
    None), request_headers (as they go to the upstream).
    kind cluster: cluster (the pick for `random`), cluster_known, clusters ([(name, weight)]), path, host,
    auto_host_rewrite, hash (or None), set_cookie, timeout_ms, retry_on (bits), mirrors, upgrade.
    kind redirect: status, location.  kind direct_response: status, body.
    """

def explain_compiled(
    table: RouteTableObject,
    spec: RouteTable,
    clusters: Mapping[str, ClusterObject],
    exchange: Exchange,
    https: bool = False,
) -> dict[str, Any]: ...
def clusters_of(specs: Mapping[str, Cluster | ClusterObject]) -> dict[str, ClusterObject]: ...
def describe_header(spec: HeaderMatcher) -> str: ...
def find(table: RouteTableObject, exchange: Exchange, https: bool = False) -> tuple[int | None, int | None, bool]: ...
def find_often(table: RouteTableObject, exchanges: Sequence[Exchange], n: int) -> int: ...
def pick(table: RouteTableObject, exchange: Exchange) -> tuple[bytes | None, bytes | None] | None: ...
def pick_often(table: RouteTableObject, exchange: Exchange, start: int, n: int) -> dict[str, int]:
    """How often each cluster is picked for the random numbers start .. start + n - 1."""

def apply_headers(exchange: Exchange, ops: list[HeaderOp], request: bool = True) -> None: ...
def normalize(
    path: bytes, normalize: bool = True, merge_slashes: bool = False, escaped: int = 0
) -> tuple[str, bytes]: ...
def retry_names(names: str, grpc: bool = False) -> int: ...
def retries(policy: RetryPolicy | None, exchange: Exchange, on: int | None = None) -> tuple[bool, bool]: ...
def formatted(program: FormatObject, exchange: Exchange, missing: bytes = b"-") -> tuple[int, bytes]: ...
def format_often(program: FormatObject, exchange: Exchange, n: int) -> None: ...
def write_logs(logs: AccessLogsObject, exchange: Exchange, segment: Segment, worker: int = 0) -> None:
    """What a worker does when the exchange is over."""
