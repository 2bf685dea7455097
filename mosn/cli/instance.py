"""What the commands that talk to a running instance have in common."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

from mosn.workers.control_client import ControlClient, NotRunning, Result
from mosn.workers.run_directory import default_run_directory


def add_run_dir(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--run-dir",
        metavar="DIR",
        type=Path,
        default=default_run_directory(),
        help="where the instance keeps its pid file and control socket (default: %(default)s)",
    )


def add_json(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--json", action="store_true", help="print the result as JSON")


def command(args: argparse.Namespace, name: str, **arguments: Any) -> Result | None:
    """Run a control command and show its progress; None when nobody is there (said already)."""
    client = connect(args)
    if client is None:
        return None
    try:
        return client.call(name, progress, **arguments)
    finally:
        client.close()


def connect(args: argparse.Namespace) -> ControlClient | None:
    try:
        return ControlClient(args.run_dir)
    except NotRunning as error:
        say_error(str(error))
        return None


def progress(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def say_error(text: str) -> None:
    print(f"mosn: {text}", file=sys.stderr)


def show(args: argparse.Namespace, result: Result, done: str) -> int:
    """Print a result; the exit code."""
    if args.json:
        print(json.dumps({"code": result.code, "error": result.error, "findings": result.findings, **result.body}))
    elif result.code:
        print(result.error, file=sys.stderr)
        say_error(f"{args.command} did not happen; everything goes on as before")
    else:
        print(done)
    return result.code
