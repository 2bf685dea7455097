"""`mosn stop`"""

from __future__ import annotations

import argparse
from typing import Any

from mosn.cli.instance import add_json, add_run_dir, connect, progress, show

EXIT_SECONDS = 30.0  # for the process to end once it has answered

EPILOG = """examples:
  mosn stop
  mosn stop --time-s 0 --run-dir ~/run

Returns when the process is gone.
"""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "stop",
        help="stop after a short drain",
        description="Take no new connections, give the open ones a short time to end, and stop.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_dir(parser)
    add_json(parser)
    parser.add_argument(
        "--time-s", metavar="S", type=float, help="drain for S seconds (default: start's --stop-time-s)"
    )


def run(args: argparse.Namespace) -> int:
    return end_instance(args, "stop", "stopped")


def end_instance(args: argparse.Namespace, name: str, done: str) -> int:
    """Have the instance end and wait until its process is gone."""
    client = connect(args)
    if client is None:
        return 1
    try:
        arguments = {} if args.time_s is None else {"seconds": args.time_s}
        result = client.call(name, progress, **arguments)
        if result.code == 0 and not client.wait_for_end(EXIT_SECONDS):
            result = result._replace(code=1, error=f"the process {client.pid} is still there")
        return show(args, result, done)
    finally:
        client.close()
