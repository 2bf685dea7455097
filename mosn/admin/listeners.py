"""/listeners, in Envoy's forms."""

from __future__ import annotations

from typing import Any

from mosn.admin.addresses import address_json
from mosn.admin.context import AdminContext
from mosn.model import Snapshot


def real_address(context: AdminContext, name: str, address: str) -> str:
    """The address with its real port, once the listener is bound."""
    known = getattr(context, "listener_addresses", {}).get(name)
    return known[0] if known else address


def bound(context: AdminContext, snapshot: Snapshot) -> list[tuple[str, str]]:
    return [(item["name"], real_address(context, item["name"], item["address"])) for item in snapshot["listeners"]]


def listeners_text(context: AdminContext, snapshot: Snapshot) -> str:
    return "".join(f"{name}::{address.removeprefix('unix:')}\n" for name, address in bound(context, snapshot))


def listeners_json(context: AdminContext, snapshot: Snapshot) -> dict[str, Any]:
    """envoy.admin.v3.Listeners"""
    rows = [{"name": name, "local_address": address_json(address)} for name, address in bound(context, snapshot)]
    return {"listener_statuses": rows}
