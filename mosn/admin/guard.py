"""Who may talk to the admin.

It is meant for people and programs on the box.  A web page that some browser there shows must not reach it: a page
that had its own name resolve to 127.0.0.1 (DNS rebinding) is told apart by the Host header, and one that posts a form
to another site by Origin and Sec-Fetch-Site.  No answer carries CORS headers.
"""

from __future__ import annotations

import ipaddress
import socket
from collections.abc import Mapping

from multidict import CIMultiDictProxy

_LOCAL_NAMES = frozenset({"localhost", "localhost.localdomain", "ip6-localhost"})
_CROSS_SITE = frozenset({"cross-site", "same-site"})


class Guard:
    """`address`: the host that the admin was configured to listen on; "" for a unix socket, which no page reaches."""

    def __init__(self, address: str) -> None:
        self._unix = not address
        self._names = _LOCAL_NAMES
        if address and not _is_loopback(address):
            # Then it is meant to be reached from elsewhere, by the box's name or by address.
            self._names |= {address.lower(), socket.gethostname().lower()}

    def fault(self, method: str, headers: CIMultiDictProxy[str] | Mapping[str, str]) -> str | None:
        """Why this request is refused, or None."""
        host = headers.get("Host")
        if host is not None and not self._allows(host):
            return f"Host {host!r} is not a name or address of this box; see docs/reference/admin.md\n"
        if method in ("GET", "HEAD"):
            return None
        return self._origin_fault(headers, host or "")

    def _allows(self, host: str) -> bool:
        if self._unix:
            return True
        name = host_name(host)
        return name in self._names or _is_address(name)

    def _origin_fault(self, headers: CIMultiDictProxy[str] | Mapping[str, str], host: str) -> str | None:
        origin = headers.get("Origin")
        if origin is not None and origin.lower() != f"http://{host.lower()}":
            return f"changes are not taken from a page of {origin}\n"
        if headers.get("Sec-Fetch-Site", "").lower() in _CROSS_SITE:
            return "changes are not taken from a page of another site\n"
        return None


def host_name(host: str) -> str:
    """The name or address of a Host header: "::1" of "[::1]:9901"."""
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0].lower()


def _is_address(name: str) -> bool:
    # A page can make its own name resolve to us, but the browser then sends that name, never our address.
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _is_loopback(address: str) -> bool:
    return _is_address(address) and ipaddress.ip_address(address).is_loopback
