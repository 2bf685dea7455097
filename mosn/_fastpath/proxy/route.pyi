"""Route tables, compiled for the engine."""

from collections.abc import Mapping

from mosn._fastpath.proxy.cluster import ClusterObject
from mosn.model import RouteTable

class RouteTableObject:
    def __init__(self, spec: RouteTable, clusters: Mapping[str, ClusterObject]) -> None:
        """Raises ValueError naming the virtual host and route for what cannot be compiled.  A cluster that is not
        there is no error: its routes answer with cluster_not_found_response_code."""
