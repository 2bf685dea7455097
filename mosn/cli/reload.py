"""`mosn reload`"""

from __future__ import annotations

import argparse
from typing import Any

from mosn.cli.instance import add_json, add_run_dir, command, show

EPILOG = """examples:
  mosn reload
  mosn reload --run-dir ~/run --json

Every worker runs the new configuration when this returns 0.  Otherwise nothing has changed: 2 says that the
configuration is wrong (every finding is printed), 1 that the workers did not take it.
"""


def add_parser(subparsers: Any) -> None:
    parser = subparsers.add_parser(
        "reload",
        help="check the configuration again and run it",
        description="Read the configuration file again, check it, and have every worker run it.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_run_dir(parser)
    add_json(parser)


def run(args: argparse.Namespace) -> int:
    result = command(args, "reload")
    if result is None:
        return 1
    done = "configuration {version} replaces {previous}".format_map({"version": "", "previous": "", **result.body})
    return show(args, result, done)
