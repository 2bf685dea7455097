"""`mosn start`"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from mosn.cli.instance import add_run_dir

MAX_WORKERS = 64

EPILOG = """examples:
  mosn start -c /etc/mosn/mosn.yaml
  mosn start -c bootstrap.yaml --workers 4 --run-dir ~/run --log-level debug

The process stays in the foreground, tells systemd when it is ready (Type=notify), and logs to standard error.
Configurations: an Envoy v3 bootstrap (YAML or JSON) or a MOSN JSON configuration.
"""

HOW_TO_BEGIN = """mosn start needs a configuration: mosn start -c FILE

FILE is an Envoy v3 bootstrap (YAML or JSON) or a MOSN JSON configuration.  The smallest useful one:

  static_resources:
    listeners:
    - name: web
      address: {socket_address: {address: 127.0.0.1, port_value: 8080}}
      filter_chains:
      - filters:
        - name: envoy.filters.network.tcp_proxy
          typed_config:
            "@type": type.googleapis.com/envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy
            stat_prefix: web
            cluster: app
    clusters:
    - name: app
      load_assignment:
        cluster_name: app
        endpoints:
        - lb_endpoints:
          - endpoint: {address: {socket_address: {address: 127.0.0.1, port_value: 9000}}}

`mosn check -c FILE` says what is wrong with a file.
"""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "start",
        help="run in the foreground",
        description="Run the proxy in the foreground.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add = parser.add_argument
    add("-c", "--config", "--config-path", metavar="FILE", help="the configuration")
    add_run_dir(parser)
    add(
        "--workers",
        "--concurrency",
        metavar="N",
        type=_workers,
        default=_processors(),
        help="worker processes (default: one per processor, %(default)s here)",
    )
    add(
        "-l",
        "--log-level",
        metavar="LEVEL",
        type=str.lower,
        default="info",
        help="trace ... error, off (default: info)",
    )
    add("--service-node", metavar="ID", default="", help="node.id, whatever the configuration says")
    add("--service-cluster", metavar="C", default="", help="node.cluster, whatever the configuration says")
    add("--drain-time-s", metavar="S", type=_seconds, default=600.0, help="longest drain (default: 600)")
    add("--stop-time-s", metavar="S", type=_seconds, default=5.0, help="drain before a stop (default: 5)")
    add("--strict", action="store_true", help="what the configuration says and this program ignores is an error")
    add("--watch", action="store_true", help="reload when the file changes")


def run(args: argparse.Namespace) -> int:
    if not args.config:
        sys.stderr.write(HOW_TO_BEGIN)
        return 2
    from mosn.workers.event_log import LEVELS
    from mosn.workers.master import Master
    from mosn.workers.options import StartOptions

    if args.log_level not in (*LEVELS, "warn"):
        print(f"mosn: no log level {args.log_level!r}; one of {', '.join(LEVELS)}", file=sys.stderr)
        return 2
    config = Path(args.config).absolute()
    if not config.is_file():
        print(f"mosn: {args.config}: no such file", file=sys.stderr)
        return 2
    options = StartOptions(
        config=str(config),
        run_dir=str(args.run_dir.absolute()),
        workers=args.workers,
        log_level=args.log_level,
        service_node=args.service_node,
        service_cluster=args.service_cluster,
        drain_seconds=args.drain_time_s,
        stop_seconds=min(args.stop_time_s, args.drain_time_s),
        strict=args.strict,
        watch=args.watch,
    )
    return Master(options).run()


def _processors() -> int:
    return min(MAX_WORKERS, len(os.sched_getaffinity(0)))


def _workers(text: str) -> int:
    number = int(text)
    if not 1 <= number <= MAX_WORKERS:
        raise argparse.ArgumentTypeError(f"must be 1 to {MAX_WORKERS}")
    return number


def _seconds(text: str) -> float:
    number = float(text)
    if not 0 <= number <= 86400:
        raise argparse.ArgumentTypeError("must be 0 to 86400 seconds")
    return number
