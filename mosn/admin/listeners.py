"""/listeners, in Envoy's forms."""

from __future__ import annotations

from typing import Any

from mosn.admin.addresses import address_json
from mosn.model import Snapshot


def listeners_text(snapshot: Snapshot) -> str:
    return "".join(f"{item['name']}::{item['address'].removeprefix('unix:')}\n" for item in snapshot["listeners"])


def listeners_json(snapshot: Snapshot) -> dict[str, Any]:
    """envoy.admin.v3.Listeners"""
    rows = [{"name": item["name"], "local_address": address_json(item["address"])} for item in snapshot["listeners"]]
    return {"listener_statuses": rows}
