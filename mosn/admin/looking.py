"""The pages that only read."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from aiohttp import web

from mosn.admin import prometheus, stats_text
from mosn.admin.answers import as_json, stream, text
from mosn.admin.certificates import certificates
from mosn.admin.clusters import clusters_json, clusters_text, selected
from mosn.admin.computed import memory_by_pid, server_state
from mosn.admin.config_dump import NotFound, NotRepeated, select
from mosn.admin.desk import Desk, bad_request, desk_of, parameters
from mosn.admin.listeners import listeners_json, listeners_text
from mosn.admin.overview import overview
from mosn.admin.secrets import masked
from mosn.admin.select import BadQuery, Selection, name_filter
from mosn.config import config_dump
from mosn.model import SNAPSHOT_FORMAT


async def ready(request: web.Request) -> web.Response:
    state = await desk_of(request).state()
    return text(f"{state}\n", status=200 if state == "LIVE" else 503)


async def server_info(request: web.Request) -> web.Response:
    desk = desk_of(request)
    context, workers = desk.context, await desk.live_workers()
    snapshot = context.snapshot
    uptime = f"{max(0, int(time.time() - context.started_at))}s"
    return as_json({
        "version": f"mosn/{context.version}",
        "state": server_state(context, workers),
        "uptime_current_epoch": uptime,
        "uptime_all_epochs": uptime,
        "hot_restart_version": hot_restart_version_text(),
        "command_line_options": {
            "concurrency": len(workers),
            "restart_epoch": context.epoch,
            "mode": "Serve",
            "service_node": snapshot["node_id"] if snapshot else "",
            "service_cluster": snapshot["node_cluster"] if snapshot else "",
        },
        "node": {
            "id": snapshot["node_id"] if snapshot else "",
            "cluster": snapshot["node_cluster"] if snapshot else "",
            "user_agent_name": "mosn",
        },
        "config_version": snapshot["version"] if snapshot else "",
    })  # fmt: skip


async def stats(request: web.Request) -> web.StreamResponse:
    wanted = parameters(request).get("format", "text")
    if wanted == "prometheus":
        return await stats_prometheus(request)
    if wanted not in ("text", "json"):
        raise bad_request("usage: /stats?format=(json|prometheus|text)\n")
    desk, selection = desk_of(request), _selection(request)
    statistics = await desk.statistics()
    if wanted == "json":
        return as_json(await desk.work(stats_text.json_tree, statistics, selection), compact=True)
    return text(await desk.work(stats_text.text, statistics, selection))


async def stats_prometheus(request: web.Request) -> web.StreamResponse:
    desk, selection = desk_of(request), _selection(request)
    pieces = prometheus.exposition(await desk.statistics(), selection)
    return await stream(request, pieces, desk.work, prometheus.CONTENT_TYPE)


def _selection(request: web.Request) -> Selection:
    try:
        return Selection.of(parameters(request))
    except BadQuery as error:
        raise bad_request(str(error)) from error


async def clusters(request: web.Request) -> web.StreamResponse:
    desk = desk_of(request)
    snapshot, segment = desk.snapshot(), desk.context.segment
    found = selected(snapshot, _name_filter(request, "filter"))
    if wants_json(request):
        return as_json(await desk.work(clusters_json, found, segment))
    return await stream(request, clusters_text(found, segment), desk.work)


async def listeners(request: web.Request) -> web.Response:
    desk = desk_of(request)
    if wants_json(request):
        return as_json(listeners_json(desk.context, desk.snapshot()))
    return text(listeners_text(desk.context, desk.snapshot()))


def wants_json(request: web.Request) -> bool:
    wanted = parameters(request).get("format", "text")
    if wanted not in ("text", "json"):
        raise bad_request(f"usage: {request.path}?format=(json|text)\n")
    return wanted == "json"


def _name_filter(request: web.Request, parameter: str) -> Callable[[str], bool] | None:
    try:
        return name_filter(parameters(request).get(parameter, ""))
    except BadQuery as error:
        raise bad_request(f"{error}\n") from error


async def dump(request: web.Request) -> web.Response:
    desk, query = desk_of(request), parameters(request)
    if desk.context.loaded_config is None:
        desk.snapshot()  # says that there is none
    matches = _name_filter(request, "name_regex")
    resource, mask, loaded = query.get("resource", ""), query.get("mask", ""), desk.context.loaded_config
    try:
        return as_json(await desk.work(lambda: select(masked(config_dump(loaded)), resource, mask, matches)))
    except NotFound as error:
        return text(f"{error.args[0]}\n", status=404)
    except NotRepeated as error:
        raise bad_request(f"{error}\n") from error


async def certs(request: web.Request) -> web.Response:
    return as_json({"certificates": certificates(desk_of(request).snapshot())})


async def memory(request: web.Request) -> web.Response:
    """envoy.admin.v3.Memory, and the resident bytes of each process."""
    by_pid = memory_by_pid(await desk_of(request).live_workers())
    total = str(sum(by_pid.values()))
    return as_json({
        "allocated": total,
        "heap_size": total,
        "pageheap_unmapped": "0",
        "pageheap_free": "0",
        "total_thread_cache": "0",
        "total_physical_bytes": total,
        "resident_by_pid": {str(pid): str(size) for pid, size in by_pid.items()},
    })  # fmt: skip


async def runtime(request: web.Request) -> web.Response:
    return as_json({"entries": {}, "layers": []})


async def hot_restart_version(request: web.Request) -> web.Response:
    return text(f"{hot_restart_version_text()}\n")


def hot_restart_version_text() -> str:
    """Two programs of the same text can take over from each other."""
    return f"mosn.{SNAPSHOT_FORMAT}"


async def workers(request: web.Request) -> web.Response:
    desk = desk_of(request)
    rows = [worker_detail(desk, row) for row in await desk.workers()]
    if wants_text(request):
        return text("".join(f"{line}\n" for line in workers_table(rows)))
    return as_json({"workers": rows})


def wants_text(request: web.Request) -> bool:
    wanted = parameters(request).get("format", "json")
    if wanted not in ("text", "json"):
        raise bad_request(f"usage: {request.path}?format=(json|text)\n")
    return wanted == "text"


def worker_detail(desk: Desk, row: Any) -> dict[str, Any]:
    """A worker as the master knows it, with what it says of itself in shared memory."""
    segment = desk.context.segment
    status = segment.status(row["index"]) if row["index"] < segment.regions_in_use else None
    seen = time.monotonic() - status.heartbeat_us / 1e6 if status and status.heartbeat_us else None
    return {
        **row,
        "uptime": max(0.0, time.time() - row["started"]) if row["started"] else 0.0,
        "loop_max_us": status.loop_max_us if status else 0,
        "heartbeat_age": max(0.0, seen) if seen is not None else None,
        "snapshots_installed": status.snapshot if status else 0,
    }


def workers_table(rows: list[dict[str, Any]]) -> list[str]:
    head = f"{'worker':>6} {'pid':>8} {'state':<10} {'uptime':>9} {'restarts':>8} {'connections':>11}"
    return [head] + [
        f"{row['index']:>6} {row['pid']:>8} {row['state']:<10} {row['uptime']:>8.0f}s {row['restarts']:>8} "
        f"{row['connections']:>11}"
        for row in rows
    ]


async def quota(request: web.Request) -> web.Response:
    return as_json({"quotas": []})


async def overview_page(request: web.Request) -> web.Response:
    desk = desk_of(request)
    rows = [worker_detail(desk, row) for row in await desk.workers()]
    state = server_state(desk.context, await desk.live_workers())
    return as_json(await desk.work(overview, desk.context, state, rows, dict(desk.context.counters())), compact=True)
