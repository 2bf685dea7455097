"""`mosn drain`"""

from __future__ import annotations

import argparse
from typing import Any

from mosn.cli.instance import add_json, add_run_dir
from mosn.cli.stop import end_instance

EPILOG = """examples:
  mosn drain
  mosn drain --time-s 60

Returns when the process is gone: as soon as the last connection has ended, or when the time is over.
"""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "drain",
        help="take no new connections, end the open ones politely, then stop",
        description="Take no new connections, tell the open ones to go (each by its protocol), and stop.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_dir(parser)
    add_json(parser)
    parser.add_argument("--time-s", metavar="S", type=float, help="at most S seconds (default: start's --drain-time-s)")


def run(args: argparse.Namespace) -> int:
    return end_instance(args, "drain", "drained")
