"""`mosn top`: looks at the admin's /overview again and again and shows the difference."""

from __future__ import annotations

import argparse
import http.client
import json
import shutil
import socket
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mosn._fastpath.shm.histogram import BUCKETS, LOWER_BOUNDS, HistogramData
from mosn.cli.instance import add_json, add_run_dir
from mosn.workers.control_client import ControlClient, NotRunning

EXIT_GOOD, EXIT_UNREACHABLE = 0, 1

CLEAR = "\x1b[H\x1b[2J"
TIMEOUT = 5.0

Sample = dict[str, Any]
Tree = Mapping[str, Any]

_BUCKET_OF = {low: bucket for bucket, low in enumerate(LOWER_BOUNDS)}

_EPILOG = """\
What it shows is of the last interval: requests and failures a second, latencies of the requests that ended in it.

examples:
  mosn top
  mosn top --once --json | jq .requests_per_second
  mosn top --admin 127.0.0.1:9901 --interval 1

exit code: 0, or 1 when nobody answers
"""


class Unreachable(Exception):
    """Nobody to ask; the text says why."""


def add_parser(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = subparsers.add_parser(
        "top",
        help="watch the running proxy",
        description="Watch requests, failures, latencies, connections, clusters and workers of a running instance.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_dir(parser)
    parser.add_argument("--admin", metavar="ADDRESS", help="ask this admin: HOST:PORT or unix:PATH")
    parser.add_argument("--interval", metavar="SECONDS", type=seconds, default=2.0, help="pause (default: %(default)s)")
    parser.add_argument("--once", action="store_true", help="print one table, over one interval, and end")
    add_json(parser)
    parser.set_defaults(run=run)


def seconds(text: str) -> float:
    value = float(text)
    if not 0.1 <= value <= 3600:
        raise argparse.ArgumentTypeError("must be from 0.1 to 3600 seconds")
    return value


def run(args: argparse.Namespace) -> int:
    try:
        address = args.admin or admin_of(args.run_dir)
        for sample in samples(address, args.interval):
            show(sample, args)
            if args.once:
                break
    except Unreachable as error:
        print(f"mosn: {error}", file=sys.stderr)
        return EXIT_UNREACHABLE
    except KeyboardInterrupt:
        print()
    return EXIT_GOOD


def admin_of(run_dir: Path) -> str:
    """The admin's address, asked of the instance's control socket.  Raises Unreachable."""
    try:
        client = ControlClient(run_dir)
    except NotRunning as error:
        raise Unreachable(f"{error}; --run-dir or --admin says where else") from error
    try:
        address = str(client.call("status").body.get("admin", ""))
    finally:
        client.close()
    if not address:
        raise Unreachable("the instance has no admin address; `mosn status` needs none")
    return address


def samples(address: str, interval: float) -> Iterator[Sample]:
    before = overview(address)
    while True:
        time.sleep(interval)
        now = overview(address)
        yield compare(before, now)
        before = now


def show(sample: Sample, args: argparse.Namespace) -> None:
    if args.json:
        print(json.dumps(sample), flush=True)
        return
    size = shutil.get_terminal_size((120, 40))
    screen = sys.stdout.isatty() and not args.once
    lines = table(sample, size.columns, size.lines - 1 if screen else None)
    print((CLEAR if screen else "") + "\n".join(lines), end="\n" if not screen else "", flush=True)


def overview(address: str) -> dict[str, Any]:
    """The admin's /overview.  Raises Unreachable."""
    connection = connect(address)
    try:
        connection.request("GET", "/overview", headers={"Host": "localhost"})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise Unreachable(
                f"the admin at {address} answers {answer.status}: {body.decode(errors='replace').strip()}"
            )
        found: dict[str, Any] = json.loads(body)
        return found
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise Unreachable(f"the admin at {address} does not answer: {error}") from error
    finally:
        connection.close()


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=TIMEOUT)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(TIMEOUT)
        self.sock.connect(self._path)


def connect(address: str) -> http.client.HTTPConnection:
    if address.startswith("unix:"):
        return UnixConnection(address.removeprefix("unix:"))
    try:
        return http.client.HTTPConnection(address, timeout=TIMEOUT)
    except http.client.InvalidURL as error:
        raise Unreachable(f"{address!r} is not HOST:PORT or unix:PATH") from error


# -- what two looks say


def compare(before: Tree, now: Tree) -> Sample:
    """Rates and latencies of the time between two looks; everything else as it is now."""
    elapsed = max(now["time"] - before["time"], 1e-3)
    old, new = traffic_of(before), traffic_of(now)
    clusters = {cluster["name"]: cluster for cluster in old["clusters"]}
    listeners = {listener["name"]: listener for listener in old["listeners"]}
    return {
        "time": now["time"],
        "seconds": elapsed,
        **{name: now[name] for name in ("state", "version", "config_version", "uptime", "workers")},
        "requests_per_second": rate(old["requests"], new["requests"], elapsed),
        "responses_per_second": rates(old["responses"], new["responses"], elapsed),
        "failures_per_second": {
            flag: n for flag, n in rates(old["causes"], new["causes"], elapsed).items() if n or old["causes"].get(flag)
        },
        **latencies(old["latency"], new["latency"]),
        "active_requests": new["active_requests"],
        "connections": new["connections"],
        "clusters_total": new["clusters_total"],
        "clusters": [_cluster(clusters.get(item["name"]), item, elapsed) for item in new["clusters"]],
        "listeners": [_listener(listeners.get(item["name"]), item, elapsed) for item in new["listeners"]],
    }


def traffic_of(look: Tree) -> Tree:
    """With zeros where there is no configuration yet."""
    nothing = {
        "requests": 0, "responses": {}, "causes": {}, "latency": [], "active_requests": 0, "clusters_total": 0,
        "connections": {"downstream": 0, "upstream": 0}, "clusters": [], "listeners": [],
    }  # fmt: skip
    return {**nothing, **look}


def rate(before: int, now: int, elapsed: float) -> float:
    return round(max(0, now - before) / elapsed, 2)


def rates(before: Mapping[str, int], now: Mapping[str, int], elapsed: float) -> dict[str, float]:
    return {name: rate(before.get(name, 0), value, elapsed) for name, value in now.items()}


def latencies(before: Sequence[Sequence[int]], now: Sequence[Sequence[int]]) -> dict[str, float | None]:
    """Milliseconds; None when nothing ended."""
    recent = histogram(now) - histogram(before)
    if recent.count <= 0:
        return {"p50_ms": None, "p99_ms": None}
    return {f"p{share}_ms": round(recent.percentile(share) / 1000, 3) for share in (50, 99)}


def histogram(pairs: Iterable[Sequence[int]]) -> HistogramData:
    buckets = [0] * BUCKETS
    for low, count in pairs:
        buckets[_BUCKET_OF[low]] = count
    return HistogramData(buckets, 0, sum(buckets))


def _cluster(before: Tree | None, now: Tree, elapsed: float) -> Sample:
    old = before or now
    return {
        **{name: now[name] for name in ("name", "hosts", "healthy", "active_requests", "connections")},
        "requests_per_second": rate(old["requests"], now["requests"], elapsed),
        "errors_per_second": rate(old["errors"], now["errors"], elapsed),
        **latencies(old["latency"], now["latency"]),
    }


def _listener(before: Tree | None, now: Tree, elapsed: float) -> Sample:
    accepted = rate((before or now)["connections_total"], now["connections_total"], elapsed)
    return {**{name: now[name] for name in ("name", "address", "connections")}, "accepted_per_second": accepted}


# -- for people


def table(sample: Sample, columns: int, lines: int | None = None) -> list[str]:
    """Lines of at most `columns`; when there may be only so many lines, the quietest clusters are left out."""
    head = [*_summary(sample), ""]
    foot = ["", *_listeners(sample), "", *_workers(sample)]
    room = None if lines is None else max(3, lines - len(head) - len(foot))
    return [line[:columns].rstrip() for line in [*head, *_clusters(sample, room), *foot]]


def _summary(sample: Sample) -> list[str]:
    rate_, errors = sample["requests_per_second"], sample["responses_per_second"].get("5xx", 0.0)
    share = f" ({errors / rate_:.1%})" if errors and rate_ else ""
    failures = "  ".join(f"{flag} {n:g}/s" for flag, n in sample["failures_per_second"].items() if n)
    connections = sample["connections"]
    return [
        f"mosn {sample['version']} {sample['state']}   up {duration(sample['uptime'])}   "
        f"configuration {sample['config_version'] or 'none'}",
        f"requests {number(rate_)}/s   5xx {number(errors)}/s{share}   p50 {milliseconds(sample['p50_ms'])}   "
        f"p99 {milliseconds(sample['p99_ms'])}   under way {sample['active_requests']}   "
        f"connections {connections['downstream']} in, {connections['upstream']} out",
        f"failures {failures or 'none'}",
    ]


def _clusters(sample: Sample, room: int | None) -> list[str]:
    rows = sample["clusters"] if room is None else sample["clusters"][: room - 1]
    hidden = sample["clusters_total"] - len(rows)
    note = f" ({hidden} more)" if hidden else ""
    head = (
        f"{'cluster' + note:<40} {'healthy':>9} {'rq/s':>9} {'5xx/s':>8} {'p50':>9} {'p99':>9} {'active':>7} {'cx':>7}"
    )
    return [head] + [
        f"{shortened(row['name'], 40):<40} {str(row['healthy']) + '/' + str(row['hosts']):>9} "
        f"{number(row['requests_per_second']):>9} {number(row['errors_per_second']):>8} "
        f"{milliseconds(row['p50_ms']):>9} {milliseconds(row['p99_ms']):>9} {row['active_requests']:>7} "
        f"{row['connections']:>7}"
        for row in rows
    ]


def _listeners(sample: Sample) -> list[str]:
    head = f"{'listener':<24} {'address':<26} {'open':>8} {'accepted/s':>11}"
    return [head] + [
        f"{shortened(row['name'], 24):<24} {shortened(row['address'], 26):<26} {row['connections']:>8} "
        f"{number(row['accepted_per_second']):>11}"
        for row in sample["listeners"]
    ]


def _workers(sample: Sample) -> list[str]:
    head = f"{'worker':>6} {'pid':>8} {'state':<10} {'up':>9} {'restarts':>8} {'connections':>11}"
    return [head] + [
        f"{row['index']:>6} {row['pid']:>8} {row['state']:<10} {duration(row['uptime']):>9} {row['restarts']:>8} "
        f"{row['connections']:>11}"
        for row in sample["workers"]
    ]


def number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def milliseconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} ms" if value < 10 else f"{value:,.0f} ms"


def shortened(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}~"


def duration(seconds: float) -> str:
    days, rest = divmod(int(seconds), 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    if days:
        return f"{days}d{hours:02}h"
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{left:02}s"
