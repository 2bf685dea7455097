"""`mosn status`"""

from __future__ import annotations

import argparse
import json
import time
from typing import Any

from mosn.cli.instance import add_json, add_run_dir
from mosn.workers.control_client import ControlClient, NotRunning
from mosn.workers.run_directory import RunDirectory

RUNNING, DEAD_PID_FILE, DEAD_SOCKET, NOT_RUNNING = 0, 1, 2, 3
"""LSB exit codes of `status`: 1 and 2 are for what a dead program left behind."""

EPILOG = """examples:
  mosn status
  mosn status --json | jq .workers

exit codes (LSB): 0 it runs, 1 it is dead and left its pid file, 2 it is dead and left its socket, 3 it does not run
"""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "status",
        help="say what runs and how it is",
        description="Say what runs in the run directory, and how it is.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_dir(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    try:
        client = ControlClient(args.run_dir)
    except NotRunning as error:
        code = _why_not(RunDirectory(args.run_dir))
        print(json.dumps({"state": "dead" if code < NOT_RUNNING else "not running"}) if args.json else str(error))
        return code
    try:
        body = client.call("status").body
    finally:
        client.close()
    print(json.dumps(body) if args.json else "\n".join(describe(body)))
    return RUNNING


def _why_not(directory: RunDirectory) -> int:
    if directory.pid_file.exists():
        return DEAD_PID_FILE
    return DEAD_SOCKET if directory.control_socket.exists() else NOT_RUNNING


def describe(body: dict[str, Any]) -> list[str]:
    """The status for people."""
    listeners = [f"{listener['name']} {listener['address']}" for listener in body["listeners"]]
    controller = body["controller"]
    lines = [
        f"mosn {body['program']} is {body['state']} (pid {body['pid']}, up {duration(body['uptime'])})",
        f"  configuration  {body['config']['path']}, version {body['config']['version'] or 'none'}",
        f"  listeners      {', '.join(listeners) or 'none'}",
        f"  admin          {body['admin'] or 'none'}",
        f"  controller     {controller['state']} (pid {controller['pid']}, {controller['restarts']} restarts)",
        f"  run directory  {body['run_dir']}",
        "",
        "  worker     pid  state     age       connections  configuration  restarts",
    ]
    return lines + [_worker_line(worker) for worker in body["workers"]]


def _worker_line(worker: dict[str, Any]) -> str:
    age = duration(time.time() - worker["started"]) if worker["pid"] else "-"
    state = worker["state"] if worker["answers"] or not worker["pid"] else "silent"
    return (
        f"  {worker['index']:>6} {worker['pid']:>7}  {state:<8}  {age:<8}  {worker['connections']:>11}"
        f"  {worker['version']:<13}  {worker['restarts']:>8}"
    )


def duration(seconds: float) -> str:
    whole = int(seconds)
    if whole < 60:
        return f"{seconds:.1f}s"
    if whole < 3600:
        return f"{whole // 60}m{whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h{whole % 3600 // 60:02}m"
    return f"{whole // 86400}d{whole % 86400 // 3600:02}h"
