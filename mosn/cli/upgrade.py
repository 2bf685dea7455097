"""`mosn upgrade`: reserved; says so."""

from __future__ import annotations

import argparse
from typing import Any

from mosn.cli.instance import add_json, add_run_dir, command, show


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "upgrade",
        help="replace the running program (not in this version yet)",
        description="Replace the running program by the installed one.  Not in this version yet.",
        epilog="example: mosn upgrade --run-dir ~/run",
    )
    add_run_dir(parser)
    add_json(parser)
    parser.add_argument("--program", metavar="PATH", help="the new program, if it is in another place")


def run(args: argparse.Namespace) -> int:
    result = command(args, "upgrade")
    return 1 if result is None else show(args, result, "upgraded")
