"""What the controller finds out about upstream hosts: discovery by DNS (health checks and outliers are to come)."""

from mosn.upstream.dns import Resolver
from mosn.upstream.targets import DnsTarget, Resolved

__all__ = ["DnsTarget", "Resolved", "Resolver"]
